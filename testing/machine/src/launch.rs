//! How a server's process is started and ended: as a user of its own when we are root, in a group
//! of its own, and signalled by the kernel when we die.

use std::{
    ffi::OsString,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::{machine::Machine, privilege::Privilege, shell};

/// How long a started server lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the value is dropped or the thread that started it ends; the kernel signals it when we
    /// die.
    WithUs,
    /// Until it is stopped by its number.
    Kept,
}

/// The system user that servers run as when we are root.
const ACCOUNT: &str = "argosy-search";

/// A system user's numbers.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    user: u32,
    group: u32,
}

/// The user to run servers as; `None` when that is ourselves.
pub fn server_account(machine: &Machine) -> Result<Option<Account>> {
    if machine.privilege == Privilege::User {
        return Ok(None);
    }
    if number("-u").is_err() {
        shell::run_quietly(Command::new("useradd").args([
            "--system",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            ACCOUNT,
        ]))?;
    }
    Ok(Some(Account { user: number("-u")?, group: number("-g")? }))
}

fn number(which: &str) -> Result<u32> {
    let text = shell::output(Command::new("id").args([which, ACCOUNT]))?;
    text.trim().parse().context("`id` did not print a number")
}

/// Makes the account the owner of a folder and of all that is in it.
pub fn give_to(folder: &Path, account: Option<Account>) -> Result<()> {
    let Some(Account { user, group }) = account else { return Ok(()) };
    if fs::symlink_metadata(folder)?.uid() != user {
        chown(folder, Some(user), Some(group))
            .with_context(|| format!("cannot give `{}` to `{ACCOUNT}`", folder.display()))?;
    }
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            give_to(&entry?.path(), account)?;
        }
    }
    Ok(())
}

/// The command that runs a server's launcher.
pub fn command(
    machine: &Machine,
    account: Option<Account>,
    lifetime: Lifetime,
    launcher: &Path,
) -> Result<Command> {
    let mut words: Vec<OsString> = Vec::new();
    // A session of its own, so that closing the terminal does not reach it; a group of its own is
    // what we stop it by.
    let session = machine.program("setsid").filter(|_| lifetime == Lifetime::Kept);
    let leads_group = session.is_some();
    words.extend(session.map(PathBuf::into_os_string));
    match (machine.program("setpriv"), account) {
        (Some(setpriv), account) => {
            words.push(setpriv.into());
            if let Some(Account { user, group }) = account {
                words.push(format!("--reuid={user}").into());
                words.push(format!("--regid={group}").into());
                words.push("--clear-groups".into());
            }
            if lifetime == Lifetime::WithUs {
                words.push("--pdeathsig=TERM".into());
            }
            words.push("--".into());
        }
        (None, Some(_)) => bail!("`setpriv` is missing; install `util-linux`, or do not be root"),
        (None, None) => {}
    }
    words.push(launcher.into());
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().context("there is no launcher")?);
    command.args(words);
    if !leads_group {
        command.process_group(0);
    }
    Ok(command)
}
