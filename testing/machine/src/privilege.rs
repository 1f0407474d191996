//! Whether we are root, and which folders other users can enter: servers run as a user of their own
//! when we are root.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

/// What we may do here. The servers refuse to run as root, and only root can install packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root: servers run as a user of their own, missing packages are installed.
    Root,
    /// Any other user: servers run as we do, a missing package is an error that names it.
    User,
}

impl Privilege {
    /// Returns what this process may do.
    pub(crate) fn of_this_process() -> Self {
        if rustix::process::geteuid().is_root() { Self::Root } else { Self::User }
    }
}

/// Returns whether every folder on the way to `path` may be entered by any user.
pub(crate) fn open_to_others(path: &Path) -> bool {
    path.ancestors().filter(|ancestor| ancestor.is_dir()).all(|ancestor| {
        fs_err::metadata(ancestor).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    })
}
