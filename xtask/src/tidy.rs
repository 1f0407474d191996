//! Checks of the sources that the compiler does not make, each in a file of its own. They run as
//! `cargo xtask tidy` and as a test.

mod corpus;
mod dependencies;
mod file_length;
mod forbidden_words;
mod module_docs;
mod sources;

use std::{
    fmt::{Display, Formatter},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use test_machine::{Machine, terminal::say};

use self::sources::Sources;

/// Something about the sources that has to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the top of the checkout.
    pub(crate) path: PathBuf,
    /// The line, from 1; `None` when it is about the whole file.
    pub(crate) line: Option<usize>,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Display for Finding {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { path, line, message } = self;
        match line {
            Some(line) => write!(out, "{}:{line}: {message}", path.display()),
            None => write!(out, "{}: {message}", path.display()),
        }
    }
}

impl Finding {
    fn of_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into() }
    }
}

/// Prints every finding about the sources.
pub(crate) fn run(machine: &Machine) -> Result<()> {
    let findings = findings(&machine.workspace)?;
    for finding in &findings {
        say(finding.to_string());
    }
    if !findings.is_empty() {
        bail!("{} findings; each line says what to do", findings.len());
    }
    say("the sources are tidy");
    Ok(())
}

/// Everything that has to change, in the order of the files.
fn findings(workspace: &Path) -> Result<Vec<Finding>> {
    let sources = Sources::read(workspace)?;
    let mut findings = dependencies::check(workspace)?;
    findings.extend(module_docs::check(&sources));
    findings.extend(file_length::check(&sources));
    findings.extend(forbidden_words::check(&sources));
    findings.extend(corpus::check(&sources));
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
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let findings = findings(workspace).expect("the checks run");
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}
