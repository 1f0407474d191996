//! The log of a node, over the whole width.

use contract::numbers::grouped;
use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};

use super::style::{HEADING, Palette};
use crate::manage::{
    logbook::{LogLine, Logbook, View},
    plain::{fitted, wrapped},
};

/// Draws the visible lines.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, book: &Logbook, palette: Palette) {
    let Some(height) = area.height.checked_sub(1) else { return };
    let height = usize::from(height);
    let title = fitted(&format!("log of {}", book.title), area.width.into());
    let mut rows: Vec<String> = Vec::with_capacity(height);
    match book.view() {
        View::From(lines) => {
            for line in lines {
                rows.extend(rows_of(line, book, area.width.into()));
                if rows.len() >= height {
                    break;
                }
            }
            rows.truncate(height);
        }
        View::Last(lines) => {
            for line in lines {
                rows.extend(rows_of(line, book, area.width.into()).into_iter().rev());
                if rows.len() >= height {
                    break;
                }
            }
            rows.truncate(height);
            rows.reverse();
        }
    }
    let line = |text: String| {
        let style =
            if text.contains("] ERROR ") { palette.bad() } else { ratatui::style::Style::new() };
        Line::styled(text, style)
    };
    let lines: Vec<Line<'_>> =
        std::iter::once(Line::styled(title, HEADING)).chain(rows.into_iter().map(line)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Returns the status line: the number of lines, and whether new ones are followed.
pub(super) fn status(book: &Logbook) -> String {
    let (count, gone) = book.count();
    let mut text = format!("{} lines", grouped(count as u64));
    if gone > 0 {
        text.push_str(&format!(" ({} older ones are not kept)", grouped(gone as u64)));
    }
    if !book.wanted.is_empty() {
        text.push_str(&format!(", only those with `{}`", book.wanted));
    }
    text.push_str(match (book.is_over, book.follows()) {
        (true, _) => "; this is all, the run has ended",
        (false, true) => "; following",
        (false, false) => "; not following, `f` follows again",
    });
    text
}

fn rows_of(line: &LogLine, book: &Logbook, width: usize) -> Vec<String> {
    let at = line.at.filter(|_| book.has_times).map(|at| format!("{at:.3} "));
    let text = format!("{}{}", at.unwrap_or_default(), line.text);
    if book.wraps {
        return wrapped(&text, width);
    }
    let text: String = text.replace('\n', " ").chars().skip(book.column).collect();
    vec![fitted(&text, width)]
}
