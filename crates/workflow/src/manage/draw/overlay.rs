//! What is in front of tree and log: help, and questions before something is done.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::Line,
    widgets::{Block, BorderType, Clear, Paragraph},
};
use unicode_width::UnicodeWidthStr as _;

use super::style::{HEADING, Palette};
use crate::manage::{
    keys,
    plain::{fitted, wrapped},
    state::{Decide, Overlay, RunAction, State},
};
use runs::{Run, Verdict};

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, overlay: &Overlay, palette: Palette) {
    match overlay {
        Overlay::Help(top) => help(frame, state, *top),
        Overlay::Find(_) => {}
        Overlay::Decide(decide) => ask_reason(frame, state, decide, palette),
        Overlay::Confirm(action, run) => confirm(frame, state, *action, run, palette),
    }
}

/// Asks before something is done to the whole run.
fn confirm(frame: &mut Frame<'_>, state: &State, action: RunAction, run: &Run, palette: Palette) {
    let name = &run.name;
    let (title, verb, text) = match action {
        RunAction::Stop => (
            "Stop",
            "stop it",
            format!(
                "Stop `{name}`? The steps that run now end, then its cleanup runs. `R` resumes \
                 it afterwards."
            ),
        ),
        RunAction::Terminate => (
            "Terminate",
            "terminate it",
            format!(
                "Terminate `{name}`? The steps and workers that run now end, and no cleanup runs: \
                 settings tuned on the target and what was created for the migration stay as \
                 they are. `R` resumes it afterwards; to end it with cleanup, stop it with `X`."
            ),
        ),
        RunAction::Resume => (
            "Resume",
            "resume it",
            format!(
                "Resume `{name}`? What succeeded is kept; what failed or had not started runs \
                 again, and gates that were rejected wait again."
            ),
        ),
    };
    let width = window_width(frame);
    let past = (run.uid != state.model.uid)
        .then(|| "it was submitted again; this was its older run".to_owned())
        .or_else(|| state.obstacle_to(action));
    let (mut lines, keys) = match past {
        Some(past) => {
            (styled(&format!("! {past}"), width, palette.bad()), "Esc closes this".to_owned())
        }
        None => (styled(&text, width, Style::new()), format!("y {verb}    Esc cancel")),
    };
    // What the keys do is seen on the smallest terminal.
    lines.truncate(usize::from(frame.area().height).saturating_sub(4));
    lines.push(Line::default());
    lines.push(Line::styled(keys, HEADING));
    window(frame, title, lines);
}

fn help(frame: &mut Frame<'_>, state: &State, top: usize) {
    let bindings = if state.logs.is_some() { keys::LOGS } else { keys::TREE };
    let width = window_width(frame);
    let room = usize::from(frame.area().height).saturating_sub(4).max(1);
    let line = |binding: &keys::Binding| {
        let keys = binding.keys;
        let space = " ".repeat(8_usize.saturating_sub(keys.width()));
        Line::raw(fitted(&format!("{keys}{space}{}", binding.does), width))
    };
    let mut lines: Vec<Line<'_>> = bindings.iter().skip(top).take(room).map(line).collect();
    let is_whole = bindings.len() <= room;
    let end = if is_whole { "any key closes this" } else { "↓ more; Esc closes this" };
    lines.push(Line::styled(fitted(end, width), HEADING));
    window(frame, "Keys", lines);
}

fn ask_reason(frame: &mut Frame<'_>, state: &State, decide: &Decide, palette: Palette) {
    let width = window_width(frame);
    let (title, does) = match decide.verdict {
        Verdict::Approved => ("Approve", "The migration continues after this gate."),
        Verdict::Rejected => ("Reject", "The migration fails here, and its cleanup runs."),
    };
    let past = state.is_past(decide);
    let mut lines = styled(&decide.gate, width, HEADING);
    let mut text = match &past {
        Some(past) => {
            styled(&format!("! It is not waiting any more: {past}"), width, palette.bad())
        }
        None => styled(
            &format!("{does} `{}` is recorded as the person who decided.", state.user),
            width,
            Style::new(),
        ),
    };
    // What is typed and what the keys do is seen on the smallest terminal.
    let room = usize::from(frame.area().height).saturating_sub(lines.len() + 5);
    text.truncate(room);
    lines.append(&mut text);
    if past.is_some() {
        lines.push(Line::styled("Esc closes this", HEADING));
        window(frame, title, lines);
        return;
    }
    lines.push(Line::raw("Reason:"));
    let (before, after) = decide.reason.parts();
    // The place where one types is always in the window.
    let mut shown = before.chars();
    while shown.as_str().width() >= width && shown.next().is_some() {}
    let (shown, row) = (shown.as_str(), lines.len());
    lines.push(Line::raw(fitted(&format!("{shown}{after}"), width)));
    lines.push(Line::styled(format!("Enter {}    Esc cancel", title.to_lowercase()), HEADING));
    let inside = window(frame, title, lines);
    let place =
        |offset: usize, start: u16| start.saturating_add(u16::try_from(offset).unwrap_or(0));
    let cursor = Position { x: place(shown.width(), inside.x), y: place(row, inside.y) };
    if inside.contains(cursor) {
        frame.set_cursor_position(cursor);
    }
}

fn styled(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    wrapped(text, width).into_iter().map(|line| Line::styled(line, style)).collect()
}

/// How wide the text of a window may be.
fn window_width(frame: &Frame<'_>) -> usize {
    usize::from(frame.area().width.saturating_sub(4).min(72))
}

/// Draws a window in the middle; returns where its text is.
fn window(frame: &mut Frame<'_>, title: &str, lines: Vec<Line<'_>>) -> Rect {
    let screen = frame.area();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let width = u16::try_from(window_width(frame)).unwrap_or(0).saturating_add(4);
    let area = screen.centered(
        ratatui::layout::Constraint::Length(width.min(screen.width)),
        ratatui::layout::Constraint::Length(height.min(screen.height)),
    );
    let block = Block::bordered()
        .border_type(BorderType::Plain)
        .title(format!(" {title} "))
        .padding(ratatui::widgets::Padding::horizontal(1));
    let inside = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
    inside
}
