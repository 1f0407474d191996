//! Builds what the last lane needs, which takes minutes: begins with the first lane, at the lowest
//! priority.

use std::thread::{self, JoinHandle};

use anyhow::{Result, bail};
use test_cluster::tools::Tools;
use test_machine::{Machine, process, shell};

/// The programs of the cluster and those of our images, while they are built.
pub(super) struct Prebuild(JoinHandle<Result<()>>);

impl Prebuild {
    /// Starts building.
    pub(super) fn start(machine: &Machine) -> Self {
        let machine = machine.clone();
        Self(thread::spawn(move || {
            process::yield_to_others()?;
            Tools::set_up(&machine)?;
            shell::run_quietly(&mut images::build_command(&machine))
        }))
    }

    /// Waits until all is built.
    pub(super) fn finish(self) -> Result<()> {
        self.0.join().unwrap_or_else(|_| bail!("the build ahead of the lanes panicked"))
    }
}
