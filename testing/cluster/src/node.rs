//! Process 1 of the node: prepares mounts and network, starts every part in order, and then
//! waits for processes that end, until a part of the cluster is among it.
//!
//! ```text
//! etcd, API server, relay to the outside
//! controller manager, scheduler, proxy
//! containerd, its images, kubelet
//! Argo's definitions, accounts and roles, its controller
//! ```

mod argo;
mod context;
mod isolation;
mod keys;
mod kubernetes;
mod parts;
mod relay;

use std::{io, net::TcpListener, os::fd::AsFd as _, path::Path};

use anyhow::{Context as _, Result};
use fs_err as fs;
use test_machine::{Machine, shell, terminal::say};

use self::{context::Node, keys::Keys, parts::Parts};
use crate::{
    control_groups,
    definitions::Definitions,
    layout::{AWAY, Layout, READY, control_group},
    tools::Tools,
};

/// The files that parts read, by their names in the node's folder.
const FILES: &[(&str, &str)] = &[
    ("containerd.toml", include_str!("../assets/containerd.toml")),
    ("cni/pods.conflist", include_str!("../assets/pods.conflist")),
    ("kubelet.yaml", include_str!("../assets/kubelet.yaml")),
    ("proxy.yaml", include_str!("../assets/proxy.yaml")),
    ("resolv.conf", ""),
];

/// Runs the node until a part of it ends. Expects to be process 1 of namespaces of its own, with
/// the socket of the API on `port` of the machine as its standard input.
pub fn run(machine: &Machine, port: u16, definitions: Definitions) -> Result<()> {
    let layout = Layout::of(machine)?;
    let folder = layout.node_folder();
    fs::create_dir_all(&folder)?;
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    control_groups::make(&control_group(port))?;
    isolation::mount_own_folders(&folder)?;
    isolation::connect(&folder)?;
    let folder = Path::new("/run/node");
    for (name, text) in FILES {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
        fs::write(file, text)?;
    }
    let tools = Tools::of(machine)?;
    let mut node = Node {
        programs: tools.programs,
        images: tools.images,
        argo_source: tools.argo_source,
        kubeconfig: folder.join("keys/admin.conf"),
        keys: Keys::new(&folder.join("keys"))?,
        parts: Parts::new(&layout.logs())?,
        port,
    };
    node.make_keys(&layout.kubeconfig())?;
    node.start_api(listener)?;
    node.start_controllers()?;
    node.start_pods()?;
    argo::install(&node, definitions)?;
    argo::start(&mut node)?;
    let mut ready = node.kubectl();
    ready.args(["wait", "--for", "condition=Ready", "node/node", "--timeout", "1s"]);
    node.parts.wait_until("the node is ready", || shell::output(&mut ready).is_ok())?;
    fs::write(folder.join(READY), "")?;
    say("ready");
    Err(node.parts.until_one_ends(&folder.join(AWAY)))
}
