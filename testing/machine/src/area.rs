//! Where downloads, runs and logs go: `.test-area` in the checkout, which git ignores.
//!
//! ```text
//! .test-area/
//!   downloads/      what package registries gave us, checked against the pins in our code
//!   java/           runtimes that the machine's own packages do not offer
//!   distributions/  unpacked servers, read only
//!   servers/        servers that `cargo xtask servers up` left running
//!   runs/NAME-PID/  one run of a command: its servers, its migration file, its state
//!   logs/           the output of each lane of `cargo xtask test`
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;

use crate::{
    privilege::{Privilege, open_to_others},
    process,
};

/// The folder that holds everything which is not source.
#[derive(Clone, Debug)]
pub struct TestArea {
    root: PathBuf,
}

impl TestArea {
    /// Picks the folder: the override, or `.test-area` in the checkout, or, when we are root in a
    /// checkout that no other user can enter (the servers could not read it), one in `/var/tmp`.
    pub(crate) fn choose(
        workspace: &Path,
        named: Option<PathBuf>,
        privilege: Privilege,
    ) -> Result<Self> {
        let root = match (named, privilege) {
            (Some(named), _) => std::path::absolute(named)?,
            (None, Privilege::Root) if !open_to_others(workspace) => {
                PathBuf::from("/var/tmp/argosy-test-area")
            }
            (None, _) => workspace.join(".test-area"),
        };
        fs::create_dir_all(&root).context("cannot make the test area; set `ARGOSY_TEST_AREA`")?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder of the area, made when it is missing.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A new, empty folder for one run of a command. Folders that earlier runs of the same command
    /// left behind are removed, unless their process still lives.
    pub fn new_run(&self, name: &str) -> Result<PathBuf> {
        let runs = self.folder("runs")?;
        for entry in fs::read_dir(&runs)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let owner = file_name.to_str().and_then(|file| file.rsplit_once('-'));
            if let Some((owner_name, pid)) = owner
                && owner_name == name
                && !pid.parse().is_ok_and(process::is_alive)
            {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let run = runs.join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&run)?;
        Ok(run)
    }
}
