//! Which rule is needed from which version to which? The table of `README.md`, made from the rules.

use crate::{facts::Facts, rules::RULES};

/// The versions of the table: the newest release of each major version.
const VERSIONS: [&str; 8] =
    ["ES 5.6", "ES 6.8", "ES 7.17", "ES 8.19", "ES 9.2", "OS 1.3", "OS 2.19", "OS 3.4"];

/// Servers with mapping types, for which the rules do not translate.
const NOT_TARGETS: [&str; 2] = ["ES 5.6", "ES 6.8"];

/// Returns the table: the numbers of the rules that are needed from a source to a target, and the
/// rules by number.
fn markdown() -> String {
    let targets: Vec<&str> =
        VERSIONS.into_iter().filter(|version| !NOT_TARGETS.contains(version)).collect();
    let mut lines = vec![
        format!("| source | {} |", targets.join(" | ")),
        format!("|---|{}", "---|".repeat(targets.len())),
    ];
    for source in VERSIONS {
        let cells: Vec<String> = targets.iter().map(|target| cell(source, target)).collect();
        lines.push(format!("| {source} | {} |", cells.join(" | ")));
    }
    lines.push(String::new());
    let rules = RULES.iter().enumerate();
    lines.extend(rules.map(|(place, rule)| format!("{}. `{}`", place + 1, rule.id)));
    lines.push(String::new());
    lines.join("\n")
}

/// Returns the numbers of the rules between two versions, as in `1-4, 7`.
fn cell(source: &str, target: &str) -> String {
    let (Ok(source), Ok(target)) = (source.parse(), target.parse()) else { return String::new() };
    let facts = Facts::of_versions(source, target);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (place, rule) in RULES.iter().enumerate() {
        if !(rule.applies)(&facts) {
            continue;
        }
        match spans.last_mut() {
            Some((_, last)) if *last == place => *last = place + 1,
            _ => spans.push((place + 1, place + 1)),
        }
    }
    let spans = spans.into_iter().map(|(first, last)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    });
    spans.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_table() {
        let readme = include_str!("../README.md");
        let expected = markdown();
        assert!(readme.ends_with(&expected), "README.md must end with:\n{expected}");
    }
}
