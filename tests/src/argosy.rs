//! Running the product's own programs, as a person would, with a state folder of their own.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde_json::Value;
use tempfile::TempDir;

/// The programs, and a folder that lives as long as this value.
#[derive(Debug)]
pub struct Argosy {
    programs: PathBuf,
    folder: TempDir,
}

/// What a program did.
#[derive(Debug)]
pub struct Done {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Argosy {
    /// Finds the programs, beside the test unless the environment names them, and makes an empty state folder.
    pub fn new() -> Result<Self> {
        let programs = if let Some(named) = std::env::var_os("ARGOSY_TEST_PROGRAMS") {
            PathBuf::from(named)
        } else {
            let test = std::env::current_exe()?;
            test.ancestors().nth(2).context("a test is in `deps`")?.to_path_buf()
        };
        if !programs.join("workflow").is_file() {
            bail!("`workflow` is not built; run `cargo build --workspace --bins`");
        }
        Ok(Self { programs, folder: tempfile::tempdir()? })
    }

    /// The folder of the programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Writes a file into the folder and returns where it is.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    /// A command of `workflow`, ready to be started.
    pub fn workflow<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(self.programs.join("workflow"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("ARGOSY_STATE_DIR", self.state())
            .stdin(Stdio::null());
        command
    }

    /// Migrates as a file says, with every gate approved, and waits for the end.
    pub fn migrate(&self, file: &Path) -> Result<Done> {
        let waiting = ["--approve-all", "--wait", "--wait-interval", "0.2", "--timeout", "600"]
            .map(OsStr::new);
        let arguments = [OsStr::new("submit"), file.as_os_str()].into_iter().chain(waiting);
        run(&mut self.workflow(arguments))
    }

    /// What `workflow status` knows of the migration, for the message of a failed test.
    pub fn report(&self) -> String {
        let run = |arguments: &[&str]| match run(&mut self.workflow(arguments)) {
            Ok(done) => format!("{}{}", done.stdout, done.stderr),
            Err(error) => format!("{error:#}\n"),
        };
        run(&["status", "migration-workflow"]) + &run(&["log", "all"])
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<Done> {
    let output = command.output()?;
    Ok(Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Done {
    /// What was printed, as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| {
            format!("exit {:?}, and no JSON:\n{}{}", self.code, self.stdout, self.stderr)
        })
    }
}
