//! A block of imports has one `use` for each crate, with what is imported nested in it.
//!
//! The compiler's formatter can do that, but not in its stable release.

use std::collections::BTreeMap;

use crate::{finding::Finding, sources::Sources};

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.rust() {
        for (line, first) in repeated(&source.text) {
            findings.push(Finding {
                path: source.path.clone(),
                line: Some(line),
                message: format!("imports from the crate of line {first} again: nest it there"),
            });
        }
    }
    findings
}

/// The lines of imports from a crate that the same block imports from already, each with the line
/// of the first one.
fn repeated(text: &str) -> Vec<(usize, usize)> {
    let mut repeated = Vec::new();
    // By indentation, visibility and crate.
    let mut block: BTreeMap<&str, usize> = BTreeMap::new();
    let mut is_inside = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if is_inside {
            is_inside = !line.trim_end().ends_with(';');
        } else if let Some(head) = head(line) {
            match block.get(head) {
                Some(first) => repeated.push((number, *first)),
                None => {
                    block.insert(head, number);
                }
            }
            is_inside = !line.trim_end().ends_with(';');
        } else if !line.trim().is_empty() {
            // Also an attribute or a comment, with which the next import is one of its own.
            block.clear();
        }
    }
    repeated
}

/// The part of an import up to its crate, such as `    pub use std`.
fn head(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let import = words.strip_prefix("pub").map_or(words, |rest| {
        rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest)
    });
    let path = import.trim_start().strip_prefix("use ")?;
    // `super::super` cannot be nested in `super`.
    let parents = path.len() - path.trim_start_matches("super::").len();
    let name = path.get(parents..)?;
    let end = match name.find(|c: char| !c.is_alphanumeric() && c != '_') {
        _ if parents > 0 => parents,
        Some(end) => end,
        None => path.len(),
    };
    line.get(..line.len() - path.len() + end)
}

#[cfg(test)]
mod tests {
    use super::repeated;

    #[test]
    fn a_second_import_from_a_crate_is_found_in_its_block_only() {
        let text = "use std::{\n    io,\n    fs,\n};\n\nuse a::b;\nuse std::fmt;\n";
        assert_eq!(repeated(text), [(7, 1)]);
        assert!(repeated("use a::b;\npub use a::c;\npub(crate) use a::d;\n").is_empty());
        assert!(repeated("use a::b;\nmod c {\n    use a::d;\n}\nuse a::e;\n").is_empty());
        assert!(repeated("use super::super::a;\nuse super::*;\n").is_empty());
        assert_eq!(repeated("use super::b;\nuse super::a::c;\n"), [(2, 1)]);
        assert!(repeated("use a::b;\n#[cfg(unix)]\nuse a::c;\n").is_empty());
    }
}
