//! How a program that a command needs comes from Debian: installed when we may, named when not.

use std::{
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Result, bail};

use crate::{machine::Machine, privilege::Privilege, shell};

static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs packages with apt when we may; otherwise says what to install.
pub fn install(machine: &Machine, packages: &[&str], what: &str) -> Result<()> {
    if !can_install(machine) {
        bail!(
            "{what} is missing; install it, on Debian with `sudo apt-get install {}`",
            packages.join(" ")
        );
    }
    // A second one beside it would be refused.
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    shell::run_quietly(Command::new("apt-get").args(["-qq", "update"]))?;
    shell::run_quietly(
        Command::new("apt-get")
            .args(["-qq", "-y", "--no-install-recommends", "install"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Whether packages can be installed: we are root and the machine has apt.
pub fn can_install(machine: &Machine) -> bool {
    machine.privilege == Privilege::Root && machine.program("apt-get").is_some()
}
