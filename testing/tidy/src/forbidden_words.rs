//! Words that a finished source does not hold. They are written in two halves here, since this
//! file is read too.

use crate::{finding::Finding, sources::Sources};

/// A word, and what to do instead.
const IN_RUST: &[(&str, &str)] = &[
    (concat!("dbg", "!("), "remove it"),
    (concat!("todo", "!("), "write it, or leave it out"),
    (concat!("unimplemented", "!("), "write it, or leave it out"),
    (concat!("#[", "ignore"), "a test runs or is deleted"),
    (concat!("#[", "allow("), "use `#[expect(.., reason = \"..\")]` on the smallest item"),
    (concat!("#![", "allow("), "use `#[expect(.., reason = \"..\")]` on the smallest item"),
];

const ANYWHERE: &[(&str, &str)] = &[
    (concat!("FIX", "ME"), "fix it, or open an issue"),
    (concat!("TO", "DO:"), "do it, or open an issue"),
    (concat!("TO", "DO("), "do it, or open an issue"),
    (concat!("<<<<", "<<< "), "finish the merge"),
];

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &sources.files {
        let rust = source.path.extension().is_some_and(|extension| extension == "rs");
        let words = ANYWHERE.iter().chain(if rust { IN_RUST } else { &[] });
        for (word, instead) in words {
            for (index, line) in source.text.lines().enumerate() {
                if line.contains(word) {
                    findings.push(Finding {
                        path: source.path.clone(),
                        line: Some(index + 1),
                        message: format!("holds `{word}`: {instead}"),
                    });
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::sources::Sources;

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let text = concat!("//! A.\nfn b() {\n    to", "do!()\n}\n");
        let findings = check(&Sources::of_one("a.rs", text));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [Some(3)]);
        assert!(check(&Sources::of_one("a.md", text)).is_empty());
    }
}
