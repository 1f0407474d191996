//! Everything that is known of the selected node, in lines.

use ratatui::style::{Modifier, Style};
use runs::{GateState, NodeState, NodeWaiting, RunNode, plain};

use super::{
    style::{HEADING, Palette},
    times::took,
};
use crate::{
    manage::{plain::wrapped, state::State},
    view::{
        answer::{MAX_LINES, readable},
        gate,
    },
};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manage) enum Kind {
    /// The title.
    Title(NodeState),
    /// The name of what follows.
    Heading,
    /// What is wrong.
    Bad,
    /// Anything else.
    Text,
}

impl Kind {
    /// Returns how it is drawn.
    pub(super) fn style(self, palette: Palette) -> Style {
        match self {
            Self::Title(standing) => palette.state(standing).add_modifier(Modifier::BOLD),
            Self::Heading => HEADING,
            Self::Bad => palette.bad(),
            Self::Text => Style::new(),
        }
    }
}

/// Returns the lines about the selected node, for a width.
pub(in crate::manage) fn lines(state: &State, width: usize) -> Vec<(Kind, String)> {
    let mut lines = Lines { width: width.max(1), lines: Vec::new() };
    let Some((position, node)) = state.selected() else { return Vec::new() };
    lines.push(Kind::Title(node.state), &node.display_name);
    lines.push(Kind::Text, &state_words(node));
    if let Some(trouble) = state.model.trouble.as_ref().filter(|_| position == 0) {
        lines.push(Kind::Bad, &format!("! {}", trouble.message));
    }
    let blocked = match &node.waiting {
        Some(NodeWaiting::Pod { reason }) => Some(reason),
        _ => None,
    };
    if let Some(message) = node.message.as_ref().filter(|message| Some(*message) != blocked) {
        let kind = if node.phase.is_failure() { Kind::Bad } else { Kind::Text };
        lines.push(kind, message);
    }
    // Of a gate, the commands are below.
    if let Some(waiting @ (NodeWaiting::Request(_) | NodeWaiting::Pod { .. })) = &node.waiting {
        lines.push(Kind::Text, &waiting.phrase(state.now));
    }
    if position == 0 {
        for note in &state.model.notes {
            lines.push(Kind::Text, &format!("! {note}"));
        }
    }
    if !node.is_leaf(position) {
        lines.push(Kind::Text, &node.counts.to_string());
    }
    times(&mut lines, node, state);
    if let Some(known) = &node.progress {
        lines.heading("Progress");
        if let Some(bar) = bar(known, lines.width) {
            lines.push(Kind::Text, &bar);
        }
        for part in known.to_string().split(", ").filter(|part| !part.is_empty()) {
            lines.push(Kind::Text, &format!("  {part}"));
        }
    }
    if let Some(gate) = state.model.gate_of(node) {
        lines.heading("Gate");
        lines.push(Kind::Text, &format!("  {}", plain(&gate::story(gate))));
        if gate.state == GateState::Waiting {
            lines.push(
                Kind::Text,
                "  `a` approves, `r` rejects; the steps after it wait for the \
             decision",
            );
        }
    }
    if !node.commands.is_empty() {
        lines.heading("Commands");
        for command in &node.commands {
            lines.push(Kind::Text, &format!("  {command}"));
        }
    }
    for output in &node.outputs {
        lines.heading(&output.heading());
        let answer = readable(&output.value);
        for line in answer.iter().take(MAX_LINES) {
            lines.push(Kind::Text, &format!("  {line}"));
        }
        if answer.len() > MAX_LINES {
            let rest = answer.len() - MAX_LINES;
            lines.push(Kind::Text, &format!("  ... and {rest} more lines"));
        }
    }
    lines.heading("Node");
    lines.push(Kind::Text, &format!("  {}", node.name));
    lines.lines
}

struct Lines {
    width: usize,
    lines: Vec<(Kind, String)>,
}

impl Lines {
    fn push(&mut self, kind: Kind, text: &str) {
        self.lines.extend(wrapped(text, self.width).into_iter().map(|line| (kind, line)));
    }

    fn heading(&mut self, text: &str) {
        self.lines.push((Kind::Text, String::new()));
        self.push(Kind::Heading, text);
    }
}

fn state_words(node: &RunNode) -> String {
    let mut words = match node.state {
        NodeState::Waiting => "Waiting for approval".to_owned(),
        _ => node.phase.as_str().to_owned(),
    };
    if node.retries > 0 {
        words.push_str(&format!(", tried {} times", node.retries + 1));
    }
    words
}

fn times(lines: &mut Lines, node: &RunNode, state: &State) {
    if let Some(at) = node.started_at {
        lines.push(Kind::Text, &format!("Started  {at}"));
    }
    let took = took(node, state.now);
    match (node.finished_at, took) {
        (Some(at), Some(took)) => lines.push(Kind::Text, &format!("Ended    {at}, after {took}")),
        (None, Some(took)) if !node.phase.is_complete() => {
            lines.push(Kind::Text, &format!("So far   {took}"));
        }
        _ => {}
    }
}

/// Draws how much is done; nothing when that is not known.
fn bar(known: &contract::Progress, width: usize) -> Option<String> {
    let measure = known.finest()?;
    let total = measure.total?;
    let room = width.checked_sub(4)?.min(40);
    let done = measure.done.min(total);
    let full = u128::from(done) * room as u128;
    let full = full.checked_div(u128::from(total))?;
    let full = usize::try_from(full).ok()?;
    Some(format!("  [{}{}]", "#".repeat(full), ".".repeat(room.saturating_sub(full))))
}

#[cfg(test)]
mod tests {
    use contract::{Measure, Progress};

    use super::*;

    #[test]
    fn the_bar_is_as_full_as_the_work_is_done() {
        let documents = |done, total| Progress {
            measures: vec![Measure::count("documents", done, Some(total))],
            ..Progress::default()
        };
        assert_eq!(bar(&documents(1, 2), 12).as_deref(), Some("  [####....]"));
        assert_eq!(bar(&documents(5, 2), 8).as_deref(), Some("  [####]"));
        assert_eq!(bar(&documents(u64::MAX, u64::MAX), 6).as_deref(), Some("  [##]"));
        assert_eq!(bar(&documents(0, 0), 12), None);
        assert_eq!(bar(&documents(1, 2), 3), None);
    }
}
