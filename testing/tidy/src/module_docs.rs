//! Every Rust file opens by saying what it answers.

use crate::{finding::Finding, sources::Sources};

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    sources
        .rust()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| {
            Finding::of_file(&source.path, "opens without `//!`: say what the module answers")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::sources::Sources;

    #[test]
    fn a_file_that_opens_with_code_is_found() {
        assert_eq!(check(&Sources::of_one("a.rs", "use b;\n")).len(), 1);
        assert!(check(&Sources::of_one("a.rs", "//! What?\nuse b;\n")).is_empty());
        assert!(check(&Sources::of_one("a.md", "text\n")).is_empty());
    }
}
