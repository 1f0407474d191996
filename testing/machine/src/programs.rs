//! The programs that the other commands run: built once, all in the same profile and with the
//! same features as the tests, so that nothing is compiled twice.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use fs_err as fs;

use crate::{machine::Machine, shell};

/// How the programs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Fast to compile; dependencies are optimised, our own crates are not.
    Dev,
    /// Fast to run, minutes to compile.
    Release,
}

/// The programs of the product, built.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The command that builds them.
    pub fn build_command(machine: &Machine, profile: Profile) -> Command {
        let mut command = machine.cargo();
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
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        Ok(Self { folder: target_folder(machine)?.join(folder) })
    }

    /// Makes a folder that holds links to the programs and nothing else; returns it.
    pub fn linked_into(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let is_ours = ["console", "workflow"].contains(&name)
                || name.starts_with("argosy-") && !name.contains('.');
            let link = folder.join(name);
            // The test area may be on another file system.
            if is_ours && fs::hard_link(&path, &link).is_err() {
                fs::copy(&path, link)?;
            }
        }
        Ok(folder.to_path_buf())
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
    shell::run(machine.cargo().args(["build", "--release"]).args(what))?;
    Ok(Programs::built(machine, Profile::Release)?.folder)
}

/// Returns the folder that cargo builds into.
pub fn target_folder(machine: &Machine) -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(machine.workspace.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.into())
}
