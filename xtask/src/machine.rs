//! What this machine is, as far as the project's commands care: where the checkout lies, where
//! downloads and runs go, who we are, which Java was named. The one place that looks at the
//! environment; everything else is handed a [`Machine`].

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::test_area::TestArea;

/// The machine that a command runs on.
#[derive(Debug, Clone)]
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

/// What we may do here. The servers refuse to run as root, and only root can install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Root: servers run as a user of their own, missing packages are installed.
    Root,
    /// Anyone else: servers run as we do, a missing package is an error that names it.
    User,
}

impl Machine {
    /// Looks at this machine; `area` overrides where downloads and runs go.
    pub fn detect(area: Option<PathBuf>) -> Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("this program was built outside the workspace")?
            .to_path_buf();
        let privilege =
            if rustix::process::geteuid().is_root() { Privilege::Root } else { Privilege::User };
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect());
        Ok(Self {
            area: TestArea::choose(&workspace, area, privilege)?,
            workspace,
            privilege,
            path: path.unwrap_or_default(),
            java_home: env::var_os("JAVA_HOME").map(PathBuf::from),
        })
    }

    /// The full path of a program on `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
    }

    /// Whether the user that the servers run as can reach `path`: root's own folders are closed
    /// to everybody else.
    pub fn servers_can_reach(&self, path: &Path) -> bool {
        self.privilege == Privilege::User || open_to_others(path)
    }
}

/// Whether every folder on the way to `path` may be entered by any user.
pub(crate) fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.ancestors().filter(|ancestor| ancestor.is_dir()).all(|ancestor| {
        fs_err::metadata(ancestor).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    })
}
