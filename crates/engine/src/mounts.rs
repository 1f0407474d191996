//! Where on this machine is a file of a container? Paths under a mount are mapped to its volume.

use std::path::{Component, Path, PathBuf};

use argo::container::VolumeMount;

/// Returns whether a path is absolute, without `.` and `..`.
pub(crate) fn is_plain(path: &str) -> bool {
    let path = Path::new(path);
    path.is_absolute()
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

/// Returns whether a name can be the name of a folder.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(fits)
}

/// Returns the mount that a path is in: the longest that matches, as in a kernel.
pub(crate) fn mount_of<'a>(path: &str, mounts: &'a [VolumeMount]) -> Option<&'a VolumeMount> {
    mounts
        .iter()
        .filter(|mount| Path::new(path).starts_with(&mount.mount_path))
        .max_by_key(|mount| Path::new(&mount.mount_path).components().count())
}

/// Returns the place of a path when the volumes are folders in `volumes`; `None` for a path outside
/// all mounts and for one that tries to leave them.
pub(crate) fn on_this_machine(
    path: &str,
    mounts: &[VolumeMount],
    volumes: &Path,
) -> Option<PathBuf> {
    if !is_plain(path) {
        return None;
    }
    let mount = mount_of(path, mounts)?;
    let inner = Path::new(path).strip_prefix(&mount.mount_path).ok()?;
    let folder = volumes.join(&mount.name);
    Some(if inner.as_os_str().is_empty() { folder } else { folder.join(inner) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(name: &str, path: &str) -> VolumeMount {
        VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), read_only: None }
    }

    #[test]
    fn paths_under_a_mount_are_moved() {
        let mounts = [mount("tmp", "/tmp"), mount("deep", "/tmp/deep")];
        let moved = |path: &str| {
            let moved = on_this_machine(path, &mounts, Path::new("/v"))?;
            moved.to_str().map(str::to_owned)
        };
        assert_eq!(moved("/tmp/answer.json").as_deref(), Some("/v/tmp/answer.json"));
        assert_eq!(moved("/tmp").as_deref(), Some("/v/tmp"));
        assert_eq!(moved("/tmp/deep/a/b").as_deref(), Some("/v/deep/a/b"));
        assert_eq!(moved("/tmpfile"), None);
        assert_eq!(moved("/etc/passwd"), None);
        assert_eq!(moved("/tmp/../etc/passwd"), None);
        assert_eq!(moved("tmp/a"), None);
        assert_eq!(moved("a value"), None);
    }
}
