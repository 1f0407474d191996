//! Findings for programs: the object that `workflow validate --output json` prints.

use serde_json::{Value, json};

use super::finding::{Finding, Findings, Related};

/// Returns `{"valid", "findings"}`; lines and columns count from 1, columns in characters.
pub fn json(findings: &Findings, source: &str) -> Value {
    let lines = LineIndex::new(source);
    let list: Vec<Value> = findings.iter().map(|finding| one(finding, &lines)).collect();
    json!({ "valid": !findings.has_errors(), "findings": list })
}

fn one(finding: &Finding, lines: &LineIndex<'_>) -> Value {
    let Finding { id, severity, message, label, help, path, span, related } = finding;
    let (line, column) = lines.position(span.start);
    let (end_line, end_column) = lines.position(span.end);
    let related = related.iter().map(|Related { label, path, span }| {
        let (line, column) = lines.position(span.start);
        let (end_line, end_column) = lines.position(span.end);
        json!({
            "message": label,
            "path": path,
            "line": line,
            "column": column,
            "endLine": end_line,
            "endColumn": end_column,
        })
    });
    let related: Vec<Value> = related.collect();
    // The label belongs to the drawing; here it is part of the help.
    let help = match (label, help) {
        (Some(label), Some(help)) => Some(format!("{label}; {help}")),
        (label, help) => help.clone().or_else(|| label.clone()),
    };
    json!({
        "id": id,
        "severity": severity,
        "message": message,
        "help": help,
        "path": path,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
        "related": related,
    })
}

/// Where the lines of a text begin.
struct LineIndex<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    fn new(source: &'a str) -> Self {
        let after_newlines = source.match_indices('\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// Returns line and column, from 1, of a byte.
    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.source.get(start..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = LineIndex::new("a: żółw\nb: 1\n");
        assert_eq!(lines.position(0), (1, 1));
        assert_eq!(lines.position("a: żółw".len()), (1, 8));
        assert_eq!(lines.position("a: żółw\nb: ".len()), (2, 4));
        assert_eq!(lines.position("a: żółw\nb: 1\n".len()), (3, 1));
    }
}
