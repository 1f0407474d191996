//! Which bytes of a migration file are never printed? Findings show lines of the file, and some
//! lines hold passwords.

use std::ops::Range;

use super::node::{Content, Node};

/// Finds passwords, and credentials in URLs.
pub(super) fn hide(node: &Node, source: &str, secrets: &mut Vec<Range<usize>>) {
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| hide(item, source, secrets)),
        Content::Map(entries) => {
            for (key, _, value) in entries {
                // A misspelt key holds one too, and its line is shown.
                if key.to_lowercase().contains("passw") {
                    secrets.push(value.span.clone());
                }
                hide(value, source, secrets);
            }
        }
        Content::Text(_) => {
            let written = source.get(node.span.clone()).unwrap_or_default();
            if let Some((before, rest)) = written.split_once("://")
                && let Some((credentials, _)) = rest.rsplit_once('@')
            {
                let start = node.span.start + before.len() + "://".len();
                secrets.push(start..start + credentials.len());
            }
        }
        Content::Null | Content::Bool(_) | Content::Number(_) => {}
    }
}

/// Finds what follows a word like `password` in a line, for text that is not YAML.
pub(super) fn passwords_in_lines(source: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in source.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if let Some(at) = line.to_ascii_lowercase().find("passw") {
            let after = line.get(at..).and_then(|rest| rest.find(|it: char| !it.is_alphabetic()));
            found.push((start + at + after.unwrap_or_default()).min(end)..end);
        }
        start += line.len();
    }
    found
}
