//! Why YAML cannot be read or written.

use std::fmt::Display;

use serde::ser;
use thiserror::Error;

/// Text that is no manifest, or a value that cannot be written.
#[derive(Debug, Error)]
pub enum YamlError {
    /// The text is not YAML.
    #[error("the text is not YAML: {0}")]
    Syntax(String),
    /// The YAML is no manifest that this crate knows.
    #[error("not a manifest that can be run: {0}")]
    Manifest(#[from] serde_json::Error),
    /// The value cannot be written.
    #[error("the manifest cannot be written as YAML: {0}")]
    Write(String),
}

impl YamlError {
    /// Refuses a variant of several values, which no manifest has.
    pub(super) fn of_variant(name: &str, variant: &str) -> Self {
        Self::Write(format!("`{name}::{variant}` cannot be part of a manifest"))
    }
}

impl ser::Error for YamlError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Write(message.to_string())
    }
}
