//! The host of the tests: this machine with its test area, and the cluster that runs there.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use test_cluster::{Cluster, Running};
use test_machine::Machine;

use crate::namespace::KUBECONFIG;

/// This machine, with the test area of the caller.
pub fn machine() -> Result<Machine> {
    Machine::detect(std::env::var_os("ARGOSY_TEST_AREA").map(PathBuf::from))
}

/// The cluster that is up.
pub fn cluster(machine: &Machine) -> Result<Running> {
    let running = Cluster::of(machine)?.running()?;
    running.with_context(|| {
        format!("no cluster runs; `cargo xtask cluster up` starts one, and {KUBECONFIG} names it")
    })
}
