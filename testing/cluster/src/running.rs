//! A cluster that runs: its programs, its network, and what is loaded into it.

use std::{
    io::Read as _,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};
use test_machine::shell;

use crate::definitions::Definitions;

/// A cluster that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    /// The process that holds the namespaces; the whole cluster ends with it.
    pub pid: i32,
    /// Process 1 of the node, by its number outside.
    pub node_pid: i32,
    /// The port of the API on 127.0.0.1.
    pub port: u16,
    /// How much the API server knows about Argo's objects.
    pub definitions: Definitions,
    /// The kubeconfig of its administrator.
    pub kubeconfig: PathBuf,
    /// Its programs: `kubectl` and `argo` among them.
    pub programs: PathBuf,
    /// Where Argo's own files lie: examples, definitions, schemas.
    pub argo_source: PathBuf,
}

impl Running {
    /// The folder that the cluster has in the test area.
    pub(crate) fn folder(&self) -> Result<&Path> {
        self.kubeconfig.parent().context("the kubeconfig is in the cluster's folder")
    }

    /// A program of the cluster's own, such as `kubectl`, that talks to it as its administrator.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// A program of this machine, run where pods can reach it: in the cluster's network, as
    /// 10.244.0.1. Nothing else is reached from there.
    pub fn in_its_network(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.node_pid.to_string(), "--net", "--"])
            .arg(program)
            .env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Moves the calling thread, and what it starts from now on, into the cluster's network. The
    /// API keeps its address; nothing else of the machine's network is reached from there.
    pub fn enter_network(&self) -> Result<()> {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.node_pid))?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .context("cannot enter the cluster's network; only root can")
    }

    /// Loads an image from its OCI archive.
    pub fn load(&self, archive: &Path) -> Result<()> {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.node_pid.to_string(), "--mount", "--"])
            .args(["ctr", "--namespace", "k8s.io", "images", "import", "-"])
            .stdin(fs::File::open(archive)?.into_parts().0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start `nsenter`")?;
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        if !child.wait()?.success() {
            bail!("`{}` failed:\n{said}", shell::shown(&command));
        }
        Ok(())
    }

    /// The parts that run now: name, process, memory in kilobytes.
    pub fn parts(&self) -> Result<Vec<(String, i32, u64)>> {
        let node = self.node_pid;
        let children = fs::read_to_string(format!("/proc/{node}/task/{node}/children"))?;
        let mut parts = Vec::new();
        for pid in children.split_whitespace() {
            // A process may end during the check.
            let Ok(words) = fs::read(format!("/proc/{pid}/cmdline")) else { continue };
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let program = words.split(|&byte| byte == 0).next().unwrap_or_default();
            let program = String::from_utf8_lossy(program).into_owned();
            let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
            let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let memory = memory.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
            if let Some(memory) = memory {
                parts.push((name.into_owned(), pid.parse()?, memory));
            }
        }
        Ok(parts)
    }
}
