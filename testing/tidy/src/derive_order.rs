//! Derived traits are in one order: the standard ones as below, then all others.

use crate::{finding::Finding, sources::Sources};

const ORDER: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "PartialEq",
    "Eq",
    "PartialOrd",
    "Ord",
    "Hash",
    "Serialize",
    "Deserialize",
];

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.rust() {
        for (line, ordered) in disordered(&source.text) {
            let message = format!("derives in another order than `{ordered}`");
            findings.push(Finding { path: source.path.clone(), line: Some(line), message });
        }
    }
    findings
}

/// The lines of lists that are in another order, and how each would be in ours.
fn disordered(text: &str) -> Vec<(usize, String)> {
    let lists = text.match_indices("#[derive(").filter_map(|(at, start)| {
        let line = text.get(..at)?.lines().count() + 1;
        let (list, _) = text.get(at + start.len()..)?.split_once(")]")?;
        let traits: Vec<&str> =
            list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut ordered = traits.clone();
        // Stable: the others stay as they are.
        ordered.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(99));
        (ordered != traits).then(|| (line, ordered.join(", ")))
    });
    lists.collect()
}

#[cfg(test)]
mod tests {
    use super::disordered;

    #[test]
    fn a_list_in_another_order_is_found_with_its_line() {
        // In two halves, since this file is read too.
        let text = concat!("//! A.\n\n#[derive", "(Debug, Clone)]\nstruct A;\n");
        assert_eq!(disordered(text), [(3, "Clone, Debug".to_owned())]);
        assert!(disordered("#[derive(Clone, Debug, Args)]\n").is_empty());
        assert!(disordered("#[derive(\n    Clone, \n    Error, \n)]\n").is_empty());
    }
}
