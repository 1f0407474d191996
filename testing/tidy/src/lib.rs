//! Checks of the sources that the compiler does not make, each in a file of its own. They run as
//! `cargo xtask tidy` and as a test of this crate.

mod circles;
mod corpus;
mod derive_order;
mod directions;
mod file_length;
mod finding;
mod forbidden_words;
mod module_docs;
mod modules;
mod sources;
mod use_style;

use std::path::Path;

use anyhow::Result;

use self::sources::Sources;

pub use self::finding::Finding;

/// Returns everything that has to change, in the order of the files.
pub fn findings(workspace: &Path) -> Result<Vec<Finding>> {
    let sources = Sources::read(workspace)?;
    let mut findings = directions::check(workspace)?;
    findings.extend(circles::check(&sources));
    findings.extend(corpus::check(&sources));
    findings.extend(derive_order::check(&sources));
    findings.extend(file_length::check(&sources));
    findings.extend(forbidden_words::check(&sources));
    findings.extend(module_docs::check(&sources));
    findings.extend(use_style::check(&sources));
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::findings;

    // So that `cargo test` alone finds what `cargo xtask tidy` finds.
    #[test]
    fn the_sources_are_tidy() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let findings = findings(&workspace).expect("the checks run");
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}
