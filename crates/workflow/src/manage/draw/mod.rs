//! The screen: everything on it is computed from the state, and only what is visible is.

pub(super) mod detail;
mod logs;
mod overlay;
mod style;
mod times;
mod tree;

use contract::numbers;
use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Clear, Paragraph},
};

pub(super) use self::style::Palette;
use self::{
    style::{HEADING, QUIET},
    times::{seconds, took},
};
use super::{
    layout::MIN_SIZE,
    plain::{fitted, wrapped},
    state::{Overlay, State},
};

/// The age in seconds after which the age of the shown model is shown.
const OLD_AFTER: u64 = 10;

/// Draws the screen.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, palette: Palette) {
    let screen = frame.area();
    if screen.width < MIN_SIZE.width || screen.height < MIN_SIZE.height {
        let text = fitted("terminal too small", screen.width.into());
        frame.render_widget(Line::raw(text), Rect { height: screen.height.min(1), ..screen });
        return;
    }
    let areas = state.areas();
    header(frame, areas.header, state, palette);
    if let Some(book) = &state.logs {
        logs::draw(frame, areas.body, book, palette);
    } else {
        tree::draw(frame, areas.tree, state, palette);
        border(frame, areas.border, state);
        let lines = detail::lines(state, areas.detail.width.into());
        let visible = lines.into_iter().skip(state.detail_top).take(areas.detail.height.into());
        let visible: Vec<Line<'_>> =
            visible.map(|(kind, text)| Line::styled(text, kind.style(palette))).collect();
        frame.render_widget(Paragraph::new(visible), areas.detail);
    }
    status(frame, areas.status, state, palette);
    if areas.keys.height > 0 {
        let keys = fitted(keys_of(state), areas.keys.width.into());
        frame.render_widget(Line::styled(keys, QUIET), areas.keys);
    }
    if let Some(overlay) = &state.overlay {
        overlay::draw(frame, state, overlay, palette);
    }
}

/// Draws the run in a line: its name, state and counts; and below what a person must know.
fn header(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let model = &state.model;
    let counts = model.counts().to_string();
    let width = usize::from(area.width);
    let mut left = format!("{}  {}  {}", model.name, model.phase.as_str(), model.engine.as_str());
    if let Some(took) = model.nodes.first().and_then(|root| took(root, state.now)) {
        left.push_str(&format!("  {took}"));
    }
    let left = fitted(&left, width.saturating_sub(counts.len() + 2));
    let row = Rect { height: 1, ..area };
    frame.render_widget(Line::styled(left, HEADING), row);
    frame.render_widget(Line::styled(fitted(&counts, width), HEADING).right_aligned(), row);
    let remark = if let Some(trouble) = &model.trouble {
        Some((format!("! {}", trouble.message), palette.bad()))
    } else if let Some(note) = model.notes.first() {
        Some((format!("! {}", note.replace('\n', " ")), palette.attention()))
    } else {
        let waiting = state.waiting().count();
        let (verb, gates) = if waiting == 1 { ("waits", "gate") } else { ("wait", "gates") };
        (waiting > 0).then(|| {
            let text = format!("⟳ {waiting} {gates} {verb} for you: `n` goes there, `a` approves");
            (text, palette.attention())
        })
    };
    if let Some((text, style)) = remark.filter(|_| area.height > 1) {
        let row = Rect { y: area.y + 1, height: 1, ..area };
        frame.render_widget(Line::styled(fitted(&text, width), style), row);
    }
}

fn border(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let style = if state.reads_detail { HEADING } else { QUIET };
    if area.height == 1 {
        let title =
            if state.reads_detail { "─ detail: ↑↓ scroll, Tab goes back " } else { "" };
        let rest = usize::from(area.width).saturating_sub(title.chars().count());
        let line = format!("{title}{}", "─".repeat(rest));
        frame.render_widget(Line::styled(fitted(&line, area.width.into()), style), area);
    } else {
        let sign = if state.reads_detail { "┃" } else { "│" };
        let lines = vec![Line::styled(sign, style); area.height.into()];
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// Draws what just happened; else the filter; else the age of the model. An error is shown in full,
/// over the lines above it.
fn status(frame: &mut Frame<'_>, area: Rect, state: &State, palette: Palette) {
    let width = usize::from(area.width);
    if let Some(Overlay::Find(field)) = &state.overlay {
        let (before, after) = field.parts();
        let text = fitted(&format!("/{before}▏{after}"), width);
        frame.render_widget(Line::styled(text, HEADING), area);
        return;
    }
    let age = seconds(state.polled_at, state.now);
    let mut bad: Vec<String> = Vec::new();
    if let Some(why) = &state.poll_error {
        let ago = numbers::duration(age);
        bad.extend(wrapped(&format!("! last update {ago} ago, trying again: {why}"), width));
    }
    let notice = state.notice.as_ref();
    if let Some(notice) = notice.filter(|notice| notice.is_bad) {
        bad.extend(wrapped(&format!("! {}", notice.text), width));
    }
    if !bad.is_empty() {
        bad.truncate(usize::from(area.y / 2).max(1));
        let height = u16::try_from(bad.len()).unwrap_or(1);
        let above = Rect { y: (area.y + 1).saturating_sub(height), height, ..area };
        let lines: Vec<Line<'_>> =
            bad.into_iter().map(|line| Line::styled(line, palette.bad())).collect();
        frame.render_widget(Clear, above);
        frame.render_widget(Paragraph::new(lines), above);
        return;
    }
    let (text, style) = if let Some(notice) = notice {
        (notice.text.replace('\n', " "), HEADING)
    } else if let Some(book) = &state.logs {
        (logs::status(book), QUIET)
    } else if !state.filter.is_empty() {
        let rows = state.rows();
        let is_found = |row: &&usize| {
            let node = state.model.nodes.get(**row);
            node.is_some_and(|node| **row > 0 && node.is_leaf(**row))
        };
        let found = rows.iter().filter(is_found).count();
        (
            format!("only {}: {found} found; Esc shows all", state.filter.words()),
            palette.attention(),
        )
    } else if age > OLD_AFTER {
        (format!("last update {} ago", numbers::duration(age)), palette.attention())
    } else {
        (String::new(), QUIET)
    };
    frame.render_widget(Line::styled(fitted(&text, width), style), area);
}

fn keys_of(state: &State) -> &'static str {
    match (&state.overlay, &state.logs) {
        (Some(Overlay::Find(_)), _) => "Enter keeps it  Esc shows all",
        (Some(_), _) => "",
        (None, Some(_)) => "Esc back  f follow  ↑↓ scroll  / find  w wrap  t times  ? help",
        (None, None) if state.reads_detail => "Tab back to the tree  ↑↓ scroll  ? help  q quit",
        (None, None) if state.is_over() || state.model.trouble.is_some() => {
            "? help  n next  l log  / find  s show  R resume  q quit"
        }
        (None, None) => {
            "? help  n next  a approve  r reject  l log  / find  X stop  T terminate  q quit"
        }
    }
}
