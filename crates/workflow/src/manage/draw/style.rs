//! Colours, which say nothing that a word or a sign does not say too.

use ratatui::style::{Color, Modifier, Style};
use runs::NodeState;

/// Which colours there are: none, if the terminal or the user wants none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manage) struct Palette {
    /// Whether there are colours.
    pub(in crate::manage) is_coloured: bool,
}

impl Palette {
    fn colour(self, colour: Color) -> Style {
        if self.is_coloured { Style::new().fg(colour) } else { Style::new() }
    }

    /// Returns the style of a node in this state.
    pub(super) fn state(self, state: NodeState) -> Style {
        match state {
            NodeState::Waiting => self.colour(Color::Yellow).add_modifier(Modifier::BOLD),
            NodeState::Failed => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            NodeState::Running => self.colour(Color::Cyan),
            NodeState::Succeeded => self.colour(Color::Green),
            NodeState::Pending | NodeState::Skipped => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Returns the style of what went wrong.
    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Returns the style of what a person should see.
    pub(super) fn attention(self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }
}

/// The style of headings.
pub(super) const HEADING: Style = Style::new().add_modifier(Modifier::BOLD);

/// The style of what is beside the point.
pub(super) const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

/// The style of what is selected.
pub(super) const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
