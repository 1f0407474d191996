//! The tree: a row a node, with the line that `workflow status` prints of it.

use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};
use runs::{NodeWaiting, RunNode};

use super::style::{Palette, SELECTED};
use crate::{
    manage::{filter, plain::fitted, state::State},
    view::text,
};

/// Draws the rows that are on the screen.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let width = usize::from(area.width);
    let rows = state.rows();
    let visible = rows.iter().skip(state.tree_top).take(area.height.into());
    let lines: Vec<Line<'_>> = visible
        .filter_map(|position| {
            let node = state.model.nodes.get(*position)?;
            let is_selected = node.name == state.selected;
            let text = fitted(&row(state, *position, node, is_selected), width);
            let style = palette.state(node.state);
            if is_selected {
                // The mark reaches over the whole row.
                let line = format!("{text}{}", " ".repeat(width));
                return Some(Line::styled(line, style.patch(SELECTED)));
            }
            Some(Line::styled(text, style))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn row(state: &State, position: usize, node: &RunNode, is_selected: bool) -> String {
    let mark = if is_selected { '›' } else { ' ' };
    let indent = "  ".repeat(node.depth);
    if node.is_leaf(position) {
        let waiting = match &node.waiting {
            Some(waiting @ (NodeWaiting::Request(_) | NodeWaiting::Pod { .. })) => {
                format!("  {}", waiting.phrase(state.now).replace('\n', " "))
            }
            // The line of a gate says that it waits.
            Some(NodeWaiting::Decision { .. }) | None => String::new(),
        };
        return format!("{mark}{indent}  {}{waiting}", text::line(node));
    }
    let is_open =
        !state.filter.is_empty() || filter::is_open(&state.model, &state.opened, position);
    let sign = if is_open { '▾' } else { '▸' };
    // The header has the count of the whole workflow.
    let counts = if position == 0 { String::new() } else { format!("  {}", node.counts) };
    format!("{mark}{indent}{sign} {}{counts}", text::line(node))
}
