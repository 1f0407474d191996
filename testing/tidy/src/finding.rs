//! What a check reports.

use std::{
    fmt::{Display, Formatter},
    path::PathBuf,
};

/// Something about the sources that has to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(crate) fn of_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into() }
    }
}
