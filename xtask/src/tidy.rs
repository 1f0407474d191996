//! Checks of the sources that the compiler does not make, each in a file of its own. They run as
//! `cargo xtask tidy` and as a test.

mod corpus;
mod dependencies;
mod file_length;
mod forbidden_words;
mod module_docs;
mod released_schemas;
mod sources;

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

use anyhow::Result;

use self::sources::Sources;

/// Something about the sources that has to change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the top of the checkout.
    pub path: PathBuf,
    /// The line, from 1; `None` when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
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

/// Everything that has to change, in the order of the files.
pub fn findings(workspace: &Path) -> Result<Vec<Finding>> {
    let sources = Sources::read(workspace)?;
    let mut findings = dependencies::check(workspace)?;
    findings.extend(module_docs::check(&sources));
    findings.extend(file_length::check(&sources));
    findings.extend(forbidden_words::check(&sources));
    findings.extend(corpus::check(&sources));
    findings.extend(released_schemas::check(workspace, crate::release::SCHEMAS)?);
    findings.sort();
    Ok(findings)
}
