//! Servers that were left running by `cargo xtask servers up` or `cargo xtask demo --keep`: where
//! they are written down, so that tests find them and `cargo xtask servers down` ends them and
//! nothing else.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use test_machine::{
    Machine,
    launch::Lifetime,
    process::{self, Signal},
};

use super::{Address, STOP_WITHIN, Server, start_all};
use crate::distribution::Distribution;

/// A set of servers that outlive the command that started them.
#[derive(Clone, Debug)]
pub struct KeptServers {
    folder: PathBuf,
}

impl KeptServers {
    /// Those that tests use.
    pub fn of_tests(machine: &Machine) -> Result<Self> {
        Ok(Self { folder: machine.area.folder("servers/tests")? })
    }

    /// Those that a demo left for its reader.
    pub fn of_demo(machine: &Machine) -> Result<Self> {
        Ok(Self { folder: machine.area.folder("servers/demo")? })
    }

    /// The folder that holds them; whatever belongs to the set may lie there.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Those that still run.
    pub fn running(&self) -> Result<Vec<Address>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path().join(ADDRESS);
            if path.is_file() {
                let address = read(&path)?;
                if is_ours(&address) {
                    found.push(address);
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Starts those of the wanted servers that do not run yet; returns all that run.
    pub fn bring_up(&self, machine: &Machine, wanted: &[Distribution]) -> Result<Vec<Address>> {
        let up = self.running()?;
        let missing: Vec<Distribution> = wanted
            .iter()
            .filter(|distribution| up.iter().all(|address| address.name != distribution.name))
            .copied()
            .collect();
        for distribution in &missing {
            let left = self.folder.join(distribution.name);
            if left.is_dir() {
                fs::remove_dir_all(left)?;
            }
        }
        for server in start_all(machine, &self.folder, &missing, Lifetime::Kept)? {
            let file = self.folder.join(&server.address.name).join(ADDRESS);
            fs::write(file, serde_json::to_vec_pretty(&server.address)?)?;
            let _address = Server::leave_running(server);
        }
        self.running()
    }

    /// Stops all of them and removes what they wrote.
    pub fn take_down(&self) -> Result<Vec<Address>> {
        let running = self.running()?;
        for address in &running {
            process::signal_group(address.pid, Signal::TERM);
        }
        for address in &running {
            wait_until_gone(address)?;
        }
        fs::remove_dir_all(&self.folder)?;
        Ok(running)
    }
}

/// The file in a server's folder that says where it is.
const ADDRESS: &str = "address.json";

fn wait_until_gone(address: &Address) -> Result<()> {
    let asked = Instant::now();
    while is_ours(address) {
        if asked.elapsed() > STOP_WITHIN * 2 {
            bail!("`{}` (process {}) does not stop; stop it yourself", address.name, address.pid);
        }
        if asked.elapsed() > STOP_WITHIN {
            process::signal_group(address.pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Address> {
    serde_json::from_slice(&fs::read(path)?)
        .with_context(|| format!("`{}` is not a server's address; remove it", path.display()))
}

/// Whether the process is still that server, and not another one with the same number.
fn is_ours(address: &Address) -> bool {
    let Some(folder) = address.repository.parent().and_then(Path::to_str) else { return false };
    match fs::read(format!("/proc/{}/cmdline", address.pid)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).contains(folder),
        Err(_) => !Path::new("/proc/self").exists() && process::is_alive(address.pid),
    }
}
