//! The text files of the checkout that people write.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

/// Every source file with its text, in the order of their paths.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) files: Vec<Source>,
}

/// A file and its text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// From the top of the checkout.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

const FOLDERS: &[&str] = &[
    ".ci",
    "crates",
    "docs",
    "examples",
    "generator",
    "schemas",
    "step-images",
    "testing",
    "tests",
    "workflow-templates",
    "xtask",
];
const EXTENSIONS: &[&str] = &["rs", "md", "yaml", "yml", "json", "toml", "snap", "txt", "sh"];

impl Sources {
    /// Reads the folders that the project is made of.
    pub(super) fn read(workspace: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for folder in FOLDERS {
            collect(workspace, &workspace.join(folder), &mut files)?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// One file, for the tests of the checks.
    #[cfg(test)]
    pub(super) fn of_one(path: &str, text: &str) -> Self {
        Self { files: vec![Source { path: path.into(), text: text.to_owned() }] }
    }

    /// The Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|source| source.path.extension().is_some_and(|e| e == "rs"))
    }

    /// The files under a folder.
    pub(super) fn under(&self, folder: &'static str) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(move |source| source.path.starts_with(folder))
    }
}

fn collect(workspace: &Path, folder: &Path, files: &mut Vec<Source>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(workspace, &path, files)?;
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e))
            // A file that is no text is a fixture, however it is called.
            && let Ok(text) = String::from_utf8(fs::read(&path)?)
        {
            let path = path.strip_prefix(workspace)?.to_path_buf();
            files.push(Source { path, text });
        }
    }
    Ok(())
}
