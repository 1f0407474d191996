//! Tables and instants for people.

use std::fmt;

use jiff::Timestamp;

/// A table whose columns are as wide as their widest cell. A heading that begins with `>` aligns its
/// column to the right.
pub(super) struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let first = headings.iter().map(|heading| heading.trim_start_matches('>').to_owned());
        Self { right, rows: vec![first.collect()] }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&self.right).map(|((cell, width), right)| {
                if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            writeln!(formatter, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Writes milliseconds since 1970 as a date in UTC; none if they are not a valid date.
pub(super) fn instant(millis: i64) -> Option<String> {
    let instant = Timestamp::from_millisecond(millis).ok()?;
    (millis > 0).then(|| instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::{Table, instant};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", ">N"]);
        table.row(["größer".to_owned(), "1".to_owned()]);
        table.row(["a".to_owned(), "100".to_owned()]);
        assert_eq!(table.to_string(), "NAME      N\ngrößer    1\na       100\n");
    }

    #[test]
    fn a_snapshot_that_never_began_has_no_date() {
        assert_eq!(instant(1_795_224_463_226).as_deref(), Some("2026-11-21T01:27:43Z"));
        assert_eq!(instant(0), None);
        assert_eq!(instant(i64::MAX), None);
    }
}
