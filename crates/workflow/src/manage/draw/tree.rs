//! The tree: a row a node, with the line that `workflow status` prints of it.

use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};

use super::{Palette, style::SELECTED};
use crate::{
    manage::{filter, plain::fitted, state::State},
    view::snapshot::Node,
};

/// Draws the rows that are on the screen.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let width = usize::from(area.width);
    let rows = state.rows();
    let visible = rows.iter().skip(state.tree_top).take(area.height.into());
    let lines: Vec<Line<'_>> = visible
        .filter_map(|position| {
            let node = state.snapshot.nodes.get(*position)?;
            let is_selected = node.name == state.selected;
            let text = fitted(&row(state, *position, node, is_selected), width);
            let style = palette.standing(node.standing);
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

fn row(state: &State, position: usize, node: &Node, is_selected: bool) -> String {
    let mark = if is_selected { '›' } else { ' ' };
    let indent = "  ".repeat(node.depth);
    if node.is_leaf(position) {
        return format!("{mark}{indent}  {}", node.line);
    }
    let is_open =
        !state.filter.is_empty() || filter::is_open(&state.snapshot, &state.opened, position);
    let sign = if is_open { '▾' } else { '▸' };
    // The header has the count of the whole workflow.
    let tally = if position == 0 { String::new() } else { format!("  {}", node.tally.phrase()) };
    format!("{mark}{indent}{sign} {}{tally}", node.line)
}
