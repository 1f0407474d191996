//! The newest lines of the log of a node, and which of them are visible.

use std::collections::VecDeque;

use jiff::Timestamp;

/// The most lines that are kept; the oldest ones are dropped.
const MAX_LINES: usize = 20_000;
/// The most characters of a line that are kept.
const MAX_LINE_LENGTH: usize = 4_000;

/// The log of a node.
#[derive(Clone, Debug)]
pub(super) struct Logbook {
    /// Which reading of logs this is: what is still on its way from an older one is not meant.
    pub(super) reading: u64,
    /// What it is the log of.
    pub(super) title: String,
    /// Whether all was read: the run has ended.
    pub(super) is_over: bool,
    /// Whether long lines are wrapped.
    pub(super) wraps: bool,
    /// Whether times are shown.
    pub(super) has_times: bool,
    /// How many columns to the left are not shown, when nothing wraps.
    pub(super) column: usize,
    /// Only lines with this text are shown.
    pub(super) wanted: String,
    lines: VecDeque<LogLine>,
    /// How many lines have gone.
    gone: usize,
    /// The number of the first line that is shown; without one, the last lines are.
    top: Option<usize>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// When it was written.
    pub(super) at: Option<Timestamp>,
    /// The step, and what it said.
    pub(super) text: String,
}

impl LogLine {
    /// Makes a line; what is too long is cut.
    pub(super) fn new(at: Option<Timestamp>, mut text: String) -> Self {
        if let Some((end, _)) = text.char_indices().nth(MAX_LINE_LENGTH) {
            text.truncate(end);
            text.push('…');
        }
        Self { at, text }
    }
}

impl Logbook {
    /// Begins an empty one, which follows.
    pub(super) fn new(reading: u64, title: String) -> Self {
        Self {
            reading,
            title,
            is_over: false,
            wraps: true,
            has_times: false,
            column: 0,
            wanted: String::new(),
            lines: VecDeque::new(),
            gone: 0,
            top: None,
        }
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: LogLine) {
        self.lines.push_back(line);
        if self.lines.len() > MAX_LINES {
            self.lines.pop_front();
            self.gone += 1;
        }
    }

    /// Forgets all lines: they will be read again.
    pub(super) fn restart(&mut self) {
        self.lines.clear();
        self.gone = 0;
        self.top = None;
    }

    /// Returns how many lines there are, and how many have gone.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.lines.len(), self.gone)
    }

    /// Returns whether the last lines are shown, as they come.
    pub(super) fn follows(&self) -> bool {
        self.top.is_none()
    }

    /// Goes to the end, or stays where it is.
    pub(super) fn follow(&mut self, follow: bool, height: usize) {
        self.top = if follow { None } else { Some(self.first_of_last(height)) };
    }

    /// Goes to the first line.
    pub(super) fn go_to_begin(&mut self) {
        self.top = Some(self.gone);
    }

    /// Goes up (less than zero) or down by lines; down to the end is to follow again.
    pub(super) fn scroll(&mut self, by: isize, height: usize) {
        let numbers: Vec<usize> = self.shown().map(|(number, _)| number).collect();
        let top = self.top.unwrap_or_else(|| self.first_of_last(height));
        let at = numbers.partition_point(|number| *number < top);
        let to = at.saturating_add_signed(by);
        let last = numbers.len().saturating_sub(height);
        self.top = if by > 0 && to >= last { None } else { numbers.get(to).copied() };
    }

    /// Returns the lines from the first one that is shown; or the last lines, the last one first.
    pub(super) fn view(&self) -> View<'_> {
        match self.top {
            Some(top) => View::From(Box::new(
                self.shown().skip_while(move |(number, _)| *number < top).map(|(_, line)| line),
            )),
            None => View::Last(Box::new(self.shown().rev().map(|(_, line)| line))),
        }
    }

    fn shown(&self) -> impl DoubleEndedIterator<Item = (usize, &LogLine)> {
        let numbered = self.lines.iter().enumerate();
        numbered
            .filter(|(_, line)| self.wanted.is_empty() || line.text.contains(&self.wanted))
            .map(|(number, line)| (number + self.gone, line))
    }

    fn first_of_last(&self, height: usize) -> usize {
        let first = self.shown().rev().take(height.max(1)).last();
        first.map_or(self.gone, |(number, _)| number)
    }
}

/// Which lines are shown, and from which end.
pub(super) enum View<'a> {
    /// From this line on.
    From(Box<dyn Iterator<Item = &'a LogLine> + 'a>),
    /// The last lines, the last one first.
    Last(Box<dyn Iterator<Item = &'a LogLine> + 'a>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(lines: usize) -> Logbook {
        let mut book = Logbook::new(1, "w".to_owned());
        for number in 0..lines {
            book.push(LogLine::new(None, number.to_string()));
        }
        book
    }

    fn first(book: &Logbook) -> &str {
        match book.view() {
            View::From(mut lines) | View::Last(mut lines) => &lines.next().expect("a line").text,
        }
    }

    #[test]
    fn what_is_looked_at_stays_while_lines_come_and_go() {
        let mut book = book(MAX_LINES);
        assert!(book.follows());
        assert_eq!(first(&book), (MAX_LINES - 1).to_string());
        book.scroll(-10, 20);
        assert_eq!(first(&book), (MAX_LINES - 30).to_string());
        for _ in 0..100 {
            book.push(LogLine::new(None, "new".to_owned()));
        }
        assert_eq!(first(&book), (MAX_LINES - 30).to_string());
        assert_eq!(book.count(), (MAX_LINES, 100));
        book.scroll(1000, 20);
        assert!(book.follows());
        book.go_to_begin();
        assert_eq!(first(&book), "100");
    }

    #[test]
    fn only_what_is_wanted_is_gone_through() {
        let mut book = book(1000);
        book.wanted = "99".to_owned();
        book.go_to_begin();
        assert_eq!(first(&book), "99");
        book.scroll(1, 2);
        assert_eq!(first(&book), "199");
        book.wanted = "nothing".to_owned();
        book.scroll(-5, 2);
        let View::Last(mut lines) = book.view() else { panic!("it does not follow") };
        assert_eq!(lines.next(), None);
    }
}
