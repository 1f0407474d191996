//! Which program runs for an image, and how is it started?
//!
//! [`Launcher`] separates the engine from the operating system: the engine starts real processes
//! through it, and a test may use anything that ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    pin::Pin,
};

use thiserror::Error;
use tokio::sync::mpsc;

use crate::{mounts, node::Capture};

/// The programs that run for images.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    own_command: BTreeSet<String>,
}

/// An image without a program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ProgramError {
    /// The image's name cannot be the name of a file.
    #[error("image `{0}` does not name a program")]
    Image(String),
    /// There is no such file.
    #[error(
        "the step program `{name}` is not in the folder of `workflow`, `{folder}`; install it \
         there"
    )]
    Missing {
        /// The program.
        name: String,
        /// The folder where it should be.
        folder: String,
    },
}

impl Programs {
    /// Runs the file in `folder` that has the name of the image: its last part, without the tag.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), own_command: BTreeSet::new() }
    }

    /// Runs the command of the manifest for images of this name.
    #[must_use]
    pub fn with_own_command(mut self, image: impl Into<String>) -> Self {
        self.own_command.insert(image.into());
        self
    }

    /// Returns the program of an image.
    pub(crate) fn resolve(&self, image: &str, command: &str) -> Result<PathBuf, ProgramError> {
        let name = short_name(image);
        if self.own_command.contains(name) {
            return Ok(PathBuf::from(command));
        }
        if !mounts::is_name(name) {
            return Err(ProgramError::Image(image.to_owned()));
        }
        let path = self.folder.join(name);
        if !path.is_file() {
            let (name, folder) = (name.to_owned(), self.folder.display().to_string());
            return Err(ProgramError::Missing { name, folder });
        }
        Ok(path)
    }
}

/// Returns the last part of an image's name, without tag and digest.
fn short_name(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').map_or(last, |(name, _)| name)
}

/// Everything about a process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessOrder {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: BTreeMap<String, String>,
    /// The folder it starts in.
    pub folder: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// What is kept of its standard output.
    pub capture: Capture,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessResult {
    /// Its exit code; 128 + signal when a signal ended it.
    pub exit_code: i32,
    /// Its standard output, if it was to be kept.
    pub output: Option<String>,
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM.
    Ask,
    /// SIGKILL.
    Force,
}

/// A running process.
pub(crate) struct ProcessHandle {
    /// Its number.
    pub pid: u32,
    /// Takes signals for it; dropping it does nothing.
    pub signals: mpsc::UnboundedSender<Signal>,
    /// Ends when the process has.
    pub end: Pin<Box<dyn Future<Output = ProcessResult> + Send>>,
}

impl std::fmt::Debug for ProcessHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProcessHandle").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// Starts processes.
pub(crate) trait Launcher: Send + Sync {
    /// Starts one.
    fn launch(&self, order: ProcessOrder) -> io::Result<ProcessHandle>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_last_part() {
        assert_eq!(short_name("argosy-rfs"), "argosy-rfs");
        assert_eq!(short_name("localhost:5000/a/argosy-rfs:1.2.3"), "argosy-rfs");
        assert_eq!(short_name("host/argosy-rfs:1@sha256:abc"), "argosy-rfs");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let programs = Programs::in_folder("/nowhere").with_own_command("sh");
        assert_eq!(programs.resolve("sh:1", "/bin/sh"), Ok(PathBuf::from("/bin/sh")));
        assert!(matches!(programs.resolve("x", "x"), Err(ProgramError::Missing { .. })));
        assert!(matches!(programs.resolve("a/..", "x"), Err(ProgramError::Image(_))));
    }
}
