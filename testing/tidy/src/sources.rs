//! The text files of the checkout that people write.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

/// Every source file with its text, in the order of their paths.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) files: Vec<Source>,
}

/// A file and its text.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// From the top of the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

const FOLDERS: &[&str] = &[
    ".ci",
    "crates",
    "docs",
    "examples",
    "fuzz",
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
    /// Reads the folders that the project is made of, and the documents beside them.
    pub(crate) fn read(workspace: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for folder in FOLDERS {
            collect(workspace, &workspace.join(folder), &mut files)?;
        }
        for entry in fs::read_dir(workspace)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path)?;
                files.push(Source { path: path.strip_prefix(workspace)?.to_path_buf(), text });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// One file, for the tests of the checks.
    #[cfg(test)]
    pub(crate) fn of_one(path: &str, text: &str) -> Self {
        Self::of(&[(path, text)])
    }

    /// These files, for the tests of the checks.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (path.into(), (*text).to_owned()));
        let mut files: Vec<Source> = files.map(|(path, text)| Source { path, text }).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// The file at a path.
    pub(crate) fn get(&self, path: &Path) -> Option<&Source> {
        let found = self.files.binary_search_by(|source| source.path.as_path().cmp(path));
        found.ok().and_then(|index| self.files.get(index))
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|source| source.path.extension().is_some_and(|e| e == "rs"))
    }

    /// The files under a folder.
    pub(crate) fn under(&self, folder: &'static str) -> impl Iterator<Item = &Source> {
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
