//! Where is the state directory?

use std::path::{Path, PathBuf};

use clap::Args;
use contract::{Exit, Failure};

/// The flags and variables that say where the state directory is.
#[derive(Clone, Debug, Args)]
pub struct StateDirFlags {
    /// The folder that holds runs, sessions and credentials [default: ~/.local/state/argosy].
    #[arg(long, env = "ARGOSY_STATE_DIR", global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[arg(long, env = "XDG_STATE_HOME", hide = true, global = true)]
    xdg_state_home: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true, global = true)]
    home: Option<PathBuf>,
}

/// The state directory.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Returns the directory that the flags name, or the one that the platform reserves for state.
    pub fn choose(flags: &StateDirFlags) -> Result<Self, Failure> {
        let StateDirFlags { state_dir, xdg_state_home, home } = flags;
        let default = || {
            let in_home = || Some(home.as_ref()?.join(".local").join("state"));
            Some(xdg_state_home.clone().or_else(in_home)?.join("argosy"))
        };
        let chosen = state_dir.clone().or_else(default).ok_or_else(|| {
            Failure::new(
                Exit::Invalid,
                "no folder to keep state in: there is no home directory; give `--state-dir DIR` \
                 or set ARGOSY_STATE_DIR",
            )
        })?;
        let absolute = std::path::absolute(chosen);
        Ok(Self(absolute.map_err(|error| Failure::of(Exit::Failed, &error))?))
    }

    /// Returns the folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the folder of sessions.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }
}
