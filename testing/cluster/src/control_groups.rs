//! The control groups of a cluster's pods: one folder of ours in each hierarchy, so that what we
//! remove is ours and two clusters do not clear away each other's pods.
//!
//! Both versions of control groups serve: the second is one tree at `/sys/fs/cgroup`, the first
//! has a tree for each controller below it.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use fs_err as fs;

const TOP: &str = "/sys/fs/cgroup";

/// The top folder of every tree.
fn trees() -> Result<Vec<PathBuf>> {
    if Path::new(TOP).join("cgroup.controllers").exists() {
        return Ok(vec![PathBuf::from(TOP)]);
    }
    let mut trees = Vec::new();
    for entry in fs::read_dir(TOP)? {
        let path = entry?.path();
        // Controllers that share a tree are links to it.
        if path.join("cgroup.procs").exists() && !path.is_symlink() {
            trees.push(path);
        }
    }
    Ok(trees)
}

/// Makes the group in every tree.
pub(crate) fn make(name: &str) -> Result<()> {
    for tree in trees()? {
        fs::create_dir_all(tree.join(name))?;
    }
    Ok(())
}

/// Removes the group and those in it from every tree, once their processes are gone.
pub(crate) fn remove(name: &str, limit: Duration) -> Result<()> {
    let started = Instant::now();
    for tree in trees()? {
        let group = tree.join(name);
        while group.exists() {
            remove_leaves(&group);
            if started.elapsed() > limit {
                bail!("`{}` still holds processes; end them and try again", group.display());
            }
            if group.exists() {
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    Ok(())
}

fn remove_leaves(group: &Path) {
    if let Ok(entries) = fs::read_dir(group) {
        for entry in entries.filter_map(Result::ok) {
            if entry.path().is_dir() {
                remove_leaves(&entry.path());
            }
        }
    }
    // It fails while a process is left; the caller tries again.
    let _removed = fs::remove_dir(group);
}
