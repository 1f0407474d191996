//! What the last lane needs and takes minutes to build: begun with the first lane, in what the
//! others leave of the processor.

use std::thread::{self, JoinHandle};

use anyhow::{Result, bail};
use test_cluster::tools::Tools;
use test_machine::{Machine, process, shell};

/// The programs of the cluster and those of our images, while they are built.
pub(super) struct Ahead(JoinHandle<Result<()>>);

impl Ahead {
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
