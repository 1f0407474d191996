//! What this machine is, as far as the project's commands care: where the checkout is, where
//! downloads and runs go, who we are, which Java was named. The one place that reads the
//! environment; everything else gets a [`Machine`].

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    area::TestArea,
    privilege::{Privilege, open_to_others},
};

/// The machine that a command runs on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The checkout's top folder.
    pub workspace: PathBuf,
    /// Where downloads, runs and logs go.
    pub area: TestArea,
    /// Whether we are root.
    pub privilege: Privilege,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// `JAVA_HOME`, when it is set.
    pub java_home: Option<PathBuf>,
}

impl Machine {
    /// Inspects this machine; `area` overrides where downloads and runs go.
    pub fn detect(area: Option<PathBuf>) -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("this program was built outside the workspace")?
            .to_path_buf();
        let privilege = Privilege::of_this_process();
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect());
        Ok(Self {
            area: TestArea::choose(&workspace, area, privilege)?,
            workspace,
            privilege,
            path: path.unwrap_or_default(),
            java_home: env::var_os("JAVA_HOME").map(PathBuf::from),
        })
    }

    /// Cargo in the checkout.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.workspace);
        command
    }

    /// The full path of a program on `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
    }

    /// Whether the user that the servers run as can reach `path`: root's own folders are closed
    /// to all other users.
    pub fn servers_can_reach(&self, path: &Path) -> bool {
        self.privilege == Privilege::User || open_to_others(path)
    }
}
