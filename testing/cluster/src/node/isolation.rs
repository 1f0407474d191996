//! The mounts and the network of the node, isolated from the machine.
//!
//! Every program finds its default paths, since the folders behind them are the node's own. The
//! node is 10.244.0.1 on a bridge that has no way out; pods are the other addresses of it.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};
use fs_err as fs;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use test_machine::shell;

use crate::layout::HIDDEN_FOLDERS;

const NETWORK: &str = include_str!("../../assets/network.ip");

/// The kubelet insists on these settings of the kernel. They belong to the whole machine, so it
/// is shown files that say so.
const SHOWN_SETTINGS: &[(&str, &str)] = &[
    ("/proc/sys/vm/overcommit_memory", "1\n"),
    ("/proc/sys/kernel/panic", "10\n"),
    ("/proc/sys/kernel/panic_on_oops", "1\n"),
];

/// Mounts what is the node's own. Afterwards `folder` is `/run/node`.
pub(super) fn mount_own_folders(folder: &Path) -> Result<()> {
    rustix::system::sethostname(b"node").context("cannot name the node")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).context("cannot mount `/proc`")?;
    let none = MountFlags::empty();
    for path in HIDDEN_FOLDERS {
        if *path == "/run" {
            mount("tmpfs", *path, "tmpfs", none, None).context("cannot mount `/run`")?;
        } else {
            let own = folder.join(path.trim_start_matches('/').replace('/', "-"));
            fs::create_dir_all(&own)?;
            bind(&own, Path::new(path))?;
        }
    }
    fs::create_dir_all("/run/lock")?;
    fs::create_dir_all("/run/node")?;
    bind(folder, Path::new("/run/node"))?;
    for (path, shown) in SHOWN_SETTINGS {
        let own = folder.join(path.replace('/', "-"));
        fs::write(&own, shown)?;
        bind(&own, Path::new(path))?;
    }
    // A pod for which the kubelet names no resolver is given the machine's, which it cannot reach.
    let resolver = Path::new("/etc/resolv.conf");
    if resolver.exists() {
        let own = folder.join("resolv.conf");
        fs::write(&own, "")?;
        bind(&own, resolver)?;
    }
    let all = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    mount_change("/", all).context("cannot share the mounts with pods")
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount_bind(from, to)
        .with_context(|| format!("cannot mount `{}` at `{}`", from.display(), to.display()))
}

/// Makes the bridge of the pods and the way to the addresses of services.
pub(super) fn connect(folder: &Path) -> Result<()> {
    let batch = folder.join("network.ip");
    fs::write(&batch, NETWORK)?;
    shell::output(Command::new("ip").arg("-batch").arg(batch))?;
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    // Packets between pods of one bridge must pass the rules for services too.
    let bridged = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables");
    if bridged.exists() {
        fs::write(bridged, "1")?;
    }
    Ok(())
}
