//! All that is known of the selected node, in lines.

use engine::GateState;
use ratatui::style::{Modifier, Style};

use super::{Palette, style::HEADING, took};
use crate::{
    manage::{plain::wrapped, state::State},
    view::{
        answer::{LONGEST, readable},
        gate,
        plain::plain,
        snapshot::{Node, Standing},
    },
};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manage) enum Kind {
    /// The title.
    Title(Standing),
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
            Self::Title(standing) => palette.standing(standing).add_modifier(Modifier::BOLD),
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
    lines.push(Kind::Title(node.standing), &node.title);
    lines.push(Kind::Text, &standing_words(node));
    if let Some(trouble) = state.snapshot.trouble.as_ref().filter(|_| position == 0) {
        lines.push(Kind::Bad, &format!("! {}", trouble.message));
    }
    if let Some(message) = &node.message {
        let kind = if node.phase.is_failure() { Kind::Bad } else { Kind::Text };
        lines.push(kind, message);
    }
    if position == 0 {
        for note in &state.snapshot.notes {
            lines.push(Kind::Text, &format!("! {note}"));
        }
    }
    if !node.is_leaf(position) {
        lines.push(Kind::Text, &node.tally.phrase());
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
    if let Some(gate) = &node.gate {
        lines.heading("Gate");
        lines.push(Kind::Text, &format!("  {}", plain(&gate::story(gate))));
        if gate.state == GateState::Waiting {
            lines.push(Kind::Text, "  `a` approves, `r` rejects: nothing behind it begins before");
        }
    }
    if !node.commands.is_empty() {
        lines.heading("To type");
        for command in &node.commands {
            lines.push(Kind::Text, &format!("  {command}"));
        }
    }
    for (heading, value) in &node.outputs {
        lines.heading(heading);
        let answer = readable(value);
        for line in answer.iter().take(LONGEST) {
            lines.push(Kind::Text, &format!("  {line}"));
        }
        if answer.len() > LONGEST {
            let rest = answer.len() - LONGEST;
            lines.push(Kind::Text, &format!("  ... and {rest} lines more"));
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

fn standing_words(node: &Node) -> String {
    let mut words = match node.standing {
        Standing::Waiting => "Waiting for approval".to_owned(),
        _ => node.phase.as_str().to_owned(),
    };
    if node.retries > 0 {
        words.push_str(&format!(", tried {} times", node.retries + 1));
    }
    words
}

fn times(lines: &mut Lines, node: &Node, state: &State) {
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
