//! Whatever is pressed on whatever tree: nothing panics, and a node that is shown is selected.

use argo::NodePhase;

use proptest::prelude::*;
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Size,
};
use runs::{Branch, GateState, RunModel};

use super::{Desk, sample_runs};
use crate::manage::{
    logbook::LogLine,
    state::{Notice, Overlay},
    update::{Effect, LogNews, Message, update},
};

fn phase() -> impl Strategy<Value = NodePhase> {
    prop::sample::select(vec![
        NodePhase::Pending,
        NodePhase::Running,
        NodePhase::Succeeded,
        NodePhase::Skipped,
        NodePhase::Failed,
        NodePhase::Error,
        NodePhase::Omitted,
    ])
}

/// A tree: names may be any text, and nodes may be many.
fn branches() -> impl Strategy<Value = Vec<Branch>> {
    let name = "[a-z]{1,3}|日本|\\PC{0,30}";
    let leaf = (name, phase(), any::<bool>(), prop::option::of("\\PC{0,200}")).prop_map(
        |(name, phase, is_gate, message)| {
            let made = if is_gate { sample_runs::gate } else { sample_runs::branch };
            Branch { message, ..made("w", &name, phase) }
        },
    );
    let tree = leaf.prop_recursive(3, 60, 6, move |inner| {
        (name, phase(), prop::collection::vec(inner, 0..6))
            .prop_map(|(name, phase, branches)| sample_runs::group(&name, phase, branches))
    });
    prop::collection::vec(tree, 0..8).prop_map(|mut branches| {
        let mut number = 0;
        rename(&mut branches, "w", &mut number);
        branches
    })
}

/// Names are paths, and no two nodes have one.
fn rename(branches: &mut [Branch], above: &str, number: &mut usize) {
    for branch in branches {
        *number += 1;
        branch.name = format!("{above}.{}-{number}", branch.title);
        branch.title = format!("{}{number}", branch.title);
        let name = branch.name.clone();
        rename(&mut branch.branches, &name, number);
    }
}

fn model() -> impl Strategy<Value = RunModel> {
    (branches(), phase(), 0..3_usize).prop_map(|(branches, phase, uid)| {
        sample_runs::model(
            &sample_runs::run(&format!("u{uid}")),
            &sample_runs::known(phase, branches),
        )
    })
}

fn key() -> impl Strategy<Value = Message> {
    let code = prop_oneof![
        8 => prop::sample::select("arnNlkjgGsqXTRy+-/?ftw x".chars().collect::<Vec<_>>())
            .prop_map(KeyCode::Char),
        4 => prop::sample::select(vec![
            KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::Home,
            KeyCode::End, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Enter, KeyCode::Esc,
            KeyCode::Tab, KeyCode::Backspace, KeyCode::Delete, KeyCode::F(1), KeyCode::BackTab,
        ]),
        1 => any::<char>().prop_map(KeyCode::Char),
    ];
    let modifiers = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::CONTROL,
        KeyModifiers::ALT,
    ]);
    (code, modifiers).prop_map(|(code, modifiers)| Message::Key(KeyEvent::new(code, modifiers)))
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        12 => key(),
        1 => model().prop_map(|seen| Message::Polled(Box::new(seen), sample_runs::at("04:49:00"))),
        1 => (0..130_u16, 0..45_u16)
            .prop_map(|(width, height)| Message::Resize(Size { width, height })),
        1 => "\\PC{0,40}|a\nb\t\u{1b}".prop_map(Message::Paste),
        1 => "\\PC{0,40}".prop_map(Message::PollFailed),
        1 => Just(()).prop_map(|()| {
            Message::ActionEnded(Notice { is_bad: true, text: "refused".to_owned() })
        }),
        2 => (1..3_u64, "\\PC{0,200}").prop_map(|(reading, text)| {
            Message::Log(reading, LogNews::Line(LogLine::new(None, text)))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_node_that_is_shown_is_selected(
        first in model(),
        messages in prop::collection::vec(message(), 0..60),
    ) {
        let mut desk = Desk::new(first, 100, 24);
        for message in messages {
            let asked = desk.state.overlay.clone();
            let waits: Vec<String> = desk.state.waiting().map(|gate| gate.name.clone()).collect();
            let run = desk.state.model.run();
            for effect in update(&mut desk.state, message) {
                match effect {
                    Effect::Decide { run: of, gate, .. } => {
                        prop_assert!(matches!(asked, Some(Overlay::Decide(_))));
                        prop_assert!(waits.contains(&gate) && of == run);
                    }
                    Effect::Stop { run: of, .. } | Effect::Resume { run: of } => {
                        prop_assert!(matches!(asked, Some(Overlay::Confirm(..))));
                        prop_assert!(of == run);
                    }
                    _ => {}
                }
            }
            let state = &desk.state;
            let rows = state.rows();
            let (position, node) = state.selected().expect("a selected node");
            let row = rows.binary_search(&position).expect("a row of the selected node");
            let height = usize::from(state.areas().tree.height);
            if height > 0 {
                prop_assert!((state.tree_top..state.tree_top + height).contains(&row));
            }
            if let Some(gate) = state.model.gate_of(node) {
                prop_assert_eq!(gate.state == GateState::Waiting, node.phase == NodePhase::Running);
            }
            desk.screen();
        }
    }
}
