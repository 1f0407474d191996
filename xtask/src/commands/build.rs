//! The programs that the other commands run: built once, all in the same profile and with the
//! same features as the tests, so that nothing is compiled twice.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::machine::Machine;
use crate::shell;

/// How the programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to compile; dependencies are optimised, our own crates are not.
    Dev,
    /// Fast to run, minutes to compile.
    Release,
}

/// The programs of the product, built.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The command that builds them.
    pub fn build_command(machine: &Machine, profile: Profile) -> Command {
        let mut command = cargo(machine);
        command.args(["build", "--workspace", "--bins"]);
        if profile == Profile::Release {
            command.arg("--release");
        }
        command
    }

    /// Builds them.
    pub fn build(machine: &Machine, profile: Profile) -> Result<Self> {
        shell::run(&mut Self::build_command(machine, profile))?;
        Self::built(machine, profile)
    }

    /// Where they are once they are built.
    pub fn built(machine: &Machine, profile: Profile) -> Result<Self> {
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(machine.workspace.join("Cargo.toml"))
            .no_deps()
            .exec()?;
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        Ok(Self { folder: metadata.target_directory.join(folder).into() })
    }

    /// The `workflow` program.
    pub fn workflow(&self) -> PathBuf {
        self.folder.join("workflow")
    }

    /// The `console` program.
    pub fn console(&self) -> PathBuf {
        self.folder.join("console")
    }
}

/// Builds what a bench measures, in the release profile, and returns the folder it is in. Not the
/// whole workspace, whose release profile takes minutes more.
pub fn released(machine: &Machine, what: &[&str]) -> Result<PathBuf> {
    shell::run(cargo(machine).args(["build", "--release"]).args(what))?;
    Ok(Programs::built(machine, Profile::Release)?.folder)
}

/// Cargo in the checkout.
pub fn cargo(machine: &Machine) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&machine.workspace);
    command
}
