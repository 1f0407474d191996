//! How the commands of this crate speak: plain lines on stdout, and tables with aligned columns.

use std::fmt::Write as _;

/// Prints one line on stdout.
#[expect(clippy::print_stdout, reason = "the one place where the project's commands print")]
pub fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Prints a heading, so that a long run can be read by its parts.
pub fn heading(text: impl AsRef<str>) {
    say(format!("\n== {}", text.as_ref()));
}

/// Lays out rows under their headings, the columns padded to the widest cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain(headings.get(column).map(|cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut out = String::new();
    let mut line = |cells: &[&str]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(headings);
    line(&widths.iter().map(|&width| &DASHES[..width.min(DASHES.len())]).collect::<Vec<_>>());
    for row in rows {
        line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    out
}

const DASHES: &str = "----------------------------------------------------------------";

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn a_table_pads_each_column_to_its_widest_cell() {
        let rows = vec![vec!["fmt".to_owned(), "ok".to_owned()]];
        assert_eq!(table(&["lane", "result"], &rows), "lane  result\n----  ------\nfmt   ok\n");
    }
}
