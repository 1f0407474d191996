//! A file is short, or its module doc says why not.

use crate::{finding::Finding, sources::Sources};

const LIMIT: usize = 600;
const REASON: &str = "long because";

pub(crate) fn check(sources: &Sources) -> Vec<Finding> {
    sources
        .rust()
        .filter_map(|source| {
            let lines = source.text.lines().count();
            let explained = source
                .text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .any(|line| line.to_lowercase().contains(REASON));
            let message = format!(
                "{lines} lines; split it, or give the reason in its module doc after \
                 `{REASON}` (on one line)"
            );
            (lines > LIMIT && !explained).then(|| Finding::of_file(&source.path, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::sources::Sources;

    #[test]
    fn a_long_file_is_found_unless_it_gives_its_reason() {
        let code = "x\n".repeat(601);
        assert_eq!(check(&Sources::of_one("a.rs", &format!("//! A.\n{code}"))).len(), 1);
        let reason = format!("//! A, long because of tables.\n{code}");
        assert!(check(&Sources::of_one("a.rs", &reason)).is_empty());
        assert!(check(&Sources::of_one("a.rs", "//! A.\n")).is_empty());
    }
}
