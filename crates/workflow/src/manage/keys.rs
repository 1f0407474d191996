//! Which key does what? One list for each screen, which the keys and the help are taken from.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Open what is below, or go there.
    Open,
    /// Close what is below, or go to what is above.
    Close,
    /// Open or close; of what has nothing below it, read the detail.
    Enter,
    /// Open everything.
    OpenAll,
    /// Close everything.
    CloseAll,
    /// Read the detail, or go back to the tree.
    Detail,
    /// To the next node that needs a person.
    NextAttention,
    /// To the one before.
    PreviousAttention,
    /// Approve the gate.
    Approve,
    /// Reject the gate.
    Reject,
    /// Stop the workflow with its cleanup.
    Stop,
    /// End the workflow without cleanup.
    Terminate,
    /// Resume the workflow.
    Resume,
    /// Read the log of the node.
    Logs,
    /// Type a text to search for.
    Find,
    /// Show only the next state.
    Show,
    /// Update now, and draw everything again.
    Redraw,
    /// Explain the keys.
    Help,
    /// Go back, or show everything again.
    Back,
    /// Leave.
    Quit,
    /// Follow the log, or stop following.
    Follow,
    /// Wrap long lines, or cut them.
    Wrap,
    /// Show times, or not.
    Times,
    /// Show what is further to the left.
    Left,
    /// Show what is further to the right.
    Right,
}

/// Keys, and what they ask for.
pub(super) struct Binding {
    codes: &'static [KeyCode],
    has_control: bool,
    /// What help calls the keys.
    pub(super) keys: &'static str,
    /// What help says.
    pub(super) does: &'static str,
    command: Command,
}

const fn plain(
    codes: &'static [KeyCode],
    keys: &'static str,
    command: Command,
    does: &'static str,
) -> Binding {
    Binding { codes, has_control: false, keys, does, command }
}

/// The key that updates and draws again: the same everywhere.
const REDRAW: Binding = Binding {
    codes: &[KeyCode::Char('l')],
    has_control: true,
    keys: "Ctrl-L",
    does: "update now and redraw",
    command: Command::Redraw,
};

/// The help: the same everywhere.
const HELP: Binding = plain(&[KeyCode::Char('?'), KeyCode::F(1)], "?", Command::Help, "this help");

/// The keys of tree and detail.
pub(super) const TREE: &[Binding] = &[
    plain(&[KeyCode::Char('a')], "a", Command::Approve, "approve the gate; asks for a reason"),
    plain(&[KeyCode::Char('r')], "r", Command::Reject, "reject the gate; asks for a reason"),
    plain(&[KeyCode::Char('l')], "l", Command::Logs, "log of this node and what is below it"),
    plain(
        &[KeyCode::Char('n')],
        "n",
        Command::NextAttention,
        "next gate that waits or step that failed",
    ),
    plain(
        &[KeyCode::Char('N')],
        "N",
        Command::PreviousAttention,
        "previous gate that waits or \
     step that failed",
    ),
    plain(&[KeyCode::Up, KeyCode::Char('k')], "↑ k", Command::Up, "up"),
    plain(&[KeyCode::Down, KeyCode::Char('j')], "↓ j", Command::Down, "down"),
    plain(&[KeyCode::PageUp], "PgUp", Command::PageUp, "a screen up"),
    plain(&[KeyCode::PageDown], "PgDn", Command::PageDown, "a screen down"),
    plain(&[KeyCode::Home, KeyCode::Char('g')], "Home g", Command::First, "first line"),
    plain(&[KeyCode::End, KeyCode::Char('G')], "End G", Command::Last, "last line"),
    plain(&[KeyCode::Right], "→", Command::Open, "open, or go to the first node below"),
    plain(&[KeyCode::Left], "←", Command::Close, "close, or go to the node above"),
    plain(
        &[KeyCode::Enter, KeyCode::Char(' ')],
        "Enter",
        Command::Enter,
        "open or close; of a step, read the detail",
    ),
    plain(&[KeyCode::Char('+')], "+", Command::OpenAll, "open everything"),
    plain(&[KeyCode::Char('-')], "-", Command::CloseAll, "close everything"),
    plain(&[KeyCode::Tab], "Tab", Command::Detail, "scroll the detail, or the tree again"),
    plain(&[KeyCode::Char('/')], "/", Command::Find, "show only names with a text"),
    plain(&[KeyCode::Char('s')], "s", Command::Show, "show only waiting, failed, running, ..."),
    plain(&[KeyCode::Esc], "Esc", Command::Back, "show everything again"),
    plain(&[KeyCode::Char('X')], "X", Command::Stop, "stop the workflow, with cleanup; asks first"),
    plain(
        &[KeyCode::Char('T')],
        "T",
        Command::Terminate,
        "terminate it immediately, without cleanup; asks first",
    ),
    plain(
        &[KeyCode::Char('R')],
        "R",
        Command::Resume,
        "resume it after a stop or a failure; asks first",
    ),
    REDRAW,
    HELP,
    plain(&[KeyCode::Char('q')], "q", Command::Quit, "leave; the migration continues"),
];

/// The keys of a log.
pub(super) const LOGS: &[Binding] = &[
    plain(&[KeyCode::Char('f')], "f", Command::Follow, "follow new lines, or stop following"),
    plain(&[KeyCode::Up, KeyCode::Char('k')], "↑ k", Command::Up, "up"),
    plain(&[KeyCode::Down, KeyCode::Char('j')], "↓ j", Command::Down, "down"),
    plain(&[KeyCode::PageUp], "PgUp", Command::PageUp, "a screen up"),
    plain(&[KeyCode::PageDown, KeyCode::Char(' ')], "PgDn", Command::PageDown, "a screen down"),
    plain(&[KeyCode::Home, KeyCode::Char('g')], "Home g", Command::First, "first line"),
    plain(&[KeyCode::End, KeyCode::Char('G')], "End G", Command::Last, "last line, and follow"),
    plain(&[KeyCode::Char('w')], "w", Command::Wrap, "wrap long lines, or cut them"),
    plain(&[KeyCode::Right], "→", Command::Right, "to the right, when lines are cut"),
    plain(&[KeyCode::Left], "←", Command::Left, "to the left"),
    plain(&[KeyCode::Char('t')], "t", Command::Times, "show times, or not"),
    plain(&[KeyCode::Char('/')], "/", Command::Find, "show only lines with a text"),
    REDRAW,
    HELP,
    plain(&[KeyCode::Esc, KeyCode::Char('q')], "Esc q", Command::Back, "back to the tree"),
];

/// Returns what a key asks for.
pub(super) fn command(bindings: &[Binding], key: KeyEvent) -> Option<Command> {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    bindings
        .iter()
        .find(|binding| binding.has_control == has_control && binding.codes.contains(&key.code))
        .map(|binding| binding.command)
}

/// Returns whether a key is the one that ends programs.
pub(super) fn is_interrupt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        for bindings in [TREE, LOGS] {
            let all = bindings
                .iter()
                .flat_map(|binding| binding.codes.iter().map(|code| (code, binding.has_control)));
            let mut seen = Vec::new();
            for key in all {
                assert!(!seen.contains(&key), "{key:?}");
                seen.push(key);
            }
        }
    }
}
