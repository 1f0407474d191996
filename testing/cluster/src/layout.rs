//! Where a cluster keeps what in the test area, and the fixed names and addresses of its node.
//!
//! ```text
//! test area/cluster/
//!   tools/         the programs, built once for each set of pinned versions
//!   node/          everything that the running node writes; removed when it stops
//!   logs/          what each part printed
//!   node.log       what process 1 of the node printed
//!   admin.conf     the kubeconfig of its administrator
//!   cluster.json   which process it is
//! ```

use std::{net::Ipv4Addr, path::PathBuf};

use anyhow::Result;
use test_machine::Machine;

/// The node's address, at which pods reach what runs in the cluster's network beside them.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);

/// The file in the node's folder that appears when everything is ready.
pub(crate) const READY: &str = "ready";

/// The folder in the node's folder that names the parts which are away on purpose.
pub(crate) const AWAY: &str = "away";

/// The folders of which the node has its own; what is in the machine's is not visible to it.
pub(crate) const HIDDEN_FOLDERS: &[&str] = &["/var/lib", "/var/log", "/run"];

/// The folder of a cluster in the test area.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) folder: PathBuf,
}

impl Layout {
    /// Returns the folder of this machine's test area.
    pub(crate) fn of(machine: &Machine) -> Result<Self> {
        Ok(Self { folder: machine.area.folder("cluster")? })
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join("cluster.json")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.conf")
    }

    pub(crate) fn node_folder(&self) -> PathBuf {
        self.folder.join("node")
    }
}

/// The control group of a cluster's pods; a port of this machine belongs to one cluster only.
pub(crate) fn control_group(port: u16) -> String {
    format!("argosy-{port}")
}
