//! A tree of thousands of nodes.

use ratatui::crossterm::event::KeyCode;

use super::{Desk, sample_runs};
use crate::view::text;

#[test]
fn a_tree_of_two_thousand_nodes_begins_closed_and_is_walked_through() {
    let mut desk = Desk::new(sample_runs::many(334), 100, 30);
    assert_eq!(desk.state.model.nodes.len(), 2005);
    assert_eq!(desk.state.rows().len(), 335);
    let screen = desk.screen();
    assert!(screen.contains("▸ ▶ group-7 (Running)  3/5 done, 1 waiting"), "{screen}");
    desk.type_in("+");
    let rows = desk.state.rows();
    assert_eq!(rows.len(), 2005);
    for (row, expected) in rows.into_iter().enumerate() {
        let (position, node) = desk.state.selected().expect("a node");
        assert_eq!(position, expected);
        if row % 97 == 0 {
            let line = text::line(node);
            let screen = desk.screen();
            let marked = screen.lines().find(|line| line.starts_with('›')).expect("a mark");
            assert!(marked.contains(&line.chars().take(20).collect::<String>()), "{marked}");
        }
        desk.press(KeyCode::Down);
    }
    desk.press(KeyCode::Home);
    let mut found = Vec::new();
    for _ in 0..7 {
        desk.type_in("n");
        found.push(desk.title().to_owned());
    }
    let gates =
        [7, 57, 107, 157, 207, 257, 307].map(|it| format!("documents-backfilled-group-{it}"));
    assert_eq!(found, gates);
}
