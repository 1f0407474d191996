//! A real Kubernetes of one node, with Argo on it, on this machine and apart from it: how it is
//! started, found again and stopped.
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
//!
//! The whole cluster is one tree of processes in namespaces of its own. Process 1 of that tree is
//! this program ([`node`]); when it dies, the kernel ends everything else, mounts and network
//! included. Only control groups outlive it, and those we remove. Clients on this machine reach
//! the API through a socket that was opened outside and is served inside, so no address of the
//! machine is touched.

pub(crate) mod control_groups;
pub mod node;
pub mod outage;
pub mod tools;

use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use self::tools::Tools;
use crate::machine::{Machine, Privilege};
use crate::server::Lifetime;
use crate::shell;
use crate::terminal::say;

/// The node's address, at which pods reach what runs in the cluster's network beside them.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);

const READY_WITHIN: Duration = Duration::from_mins(4);
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// How much the API server knows about Argo's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Definitions {
    /// Their names only: it takes whatever it is sent. A third of the memory, half of the start.
    Minimal,
    /// Every field: it refuses what Argo does not know.
    Full,
}

/// The cluster of a test area, whether it runs or not.
#[derive(Debug, Clone)]
pub struct Cluster {
    folder: PathBuf,
}

/// A cluster that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

impl Cluster {
    /// The cluster of this machine's test area.
    pub fn of(machine: &Machine) -> Result<Self> {
        Ok(Self { folder: machine.area.folder("cluster")? })
    }

    /// The cluster, if it runs.
    pub fn running(&self) -> Result<Option<Running>> {
        let file = self.record();
        if !file.is_file() {
            return Ok(None);
        }
        let running: Running = serde_json::from_slice(&fs::read(&file)?)
            .with_context(|| format!("`{}` is broken; remove it", file.display()))?;
        Ok(Some(running).filter(|running| self.is_ours(running.pid)))
    }

    /// Starts the cluster unless it runs already, and returns when Argo answers.
    pub fn up(
        &self,
        machine: &Machine,
        definitions: Definitions,
        lifetime: Lifetime,
    ) -> Result<Running> {
        if let Some(running) = self.running()? {
            if running.definitions != definitions {
                bail!(
                    "the cluster runs, but with {:?} definitions; `cargo xtask cluster down` first",
                    running.definitions
                );
            }
            return Ok(running);
        }
        let tools = Tools::set_up(machine)?;
        // What an earlier cluster left behind when it was killed.
        self.down()?;
        let started = Instant::now();
        let running = self.start(machine, &tools, definitions, lifetime)?;
        let seconds = started.elapsed().as_secs_f64();
        say(format!(
            "Kubernetes {} and Argo {} run after {seconds:.0} s",
            tools::KUBERNETES,
            tools::ARGO
        ));
        Ok(running)
    }

    /// Stops the cluster and removes what it wrote; says whether it ran.
    pub fn down(&self) -> Result<bool> {
        let running = self.running()?;
        if let Some(running) = &running {
            let asked = Instant::now();
            while self.is_ours(running.pid) {
                if let Some(pid) = Pid::from_raw(running.pid) {
                    // It may have ended by itself, which is what is wanted.
                    let _gone = kill_process(pid, Signal::KILL);
                }
                if asked.elapsed() > GONE_WITHIN {
                    bail!("process {} does not end; `kill -9` it yourself", running.pid);
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        if let Ok(bytes) = fs::read(self.record())
            && let Ok(Running { port, .. }) = serde_json::from_slice(&bytes)
        {
            control_groups::remove(&control_group(port), GONE_WITHIN)?;
        }
        remove_folder(&self.node_folder(), GONE_WITHIN)?;
        for file in [self.record(), self.kubeconfig()] {
            if file.exists() {
                fs::remove_file(file)?;
            }
        }
        Ok(running.is_some())
    }

    fn start(
        &self,
        machine: &Machine,
        tools: &Tools,
        definitions: Definitions,
        lifetime: Lifetime,
    ) -> Result<Running> {
        if machine.privilege != Privilege::Root {
            bail!("the cluster makes namespaces and network interfaces; run this as root");
        }
        for hidden in node::HIDDEN_FOLDERS {
            if self.folder.starts_with(hidden) {
                bail!(
                    "the node has a `{hidden}` of its own; set `ARGOSY_TEST_AREA` to another place"
                );
            }
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let log = self.folder.join("node.log");
        let output = File::create(&log)?;
        let mut command = launcher(machine, lifetime)?;
        command
            .args(["--mount", "--uts", "--ipc", "--pid", "--net", "--fork", "--kill-child", "--"])
            // A build may have replaced our file since we started; this is what runs.
            .arg(format!("/proc/{}/exe", std::process::id()))
            .arg("--test-area")
            .arg(machine.area.root())
            .args(["cluster", "node", "--port", &port.to_string(), "--definitions"])
            .arg(definitions.name())
            // The namespace of a socket is the one it was made in: who connects from outside is
            // answered inside.
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut child = command.spawn().context("cannot start `unshare`; install `util-linux`")?;
        let pid = i32::try_from(child.id()).context("the process number is out of range")?;
        let mut running = Running {
            pid,
            node_pid: 0,
            port,
            definitions,
            kubeconfig: self.kubeconfig(),
            programs: tools.programs.clone(),
            argo_source: tools.argo_source.clone(),
        };
        // Before it is ready, so that a cluster which does not become ready can be stopped.
        self.write(&running)?;
        let ready = self.wait_until_ready(&mut child, &log);
        if let Err(error) = ready {
            self.down()?;
            child.wait()?;
            return Err(error);
        }
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        running.node_pid = children.trim().parse().context("the node has no process 1")?;
        self.write(&running)?;
        Ok(running)
    }

    fn wait_until_ready(&self, child: &mut Child, log: &Path) -> Result<()> {
        let started = Instant::now();
        while !self.node_folder().join(node::READY).exists() {
            let ended = child.try_wait()?;
            let late = started.elapsed() > READY_WITHIN;
            if ended.is_some() || late {
                let what = if late { "is not ready in time" } else { "has ended" };
                let text = fs::read_to_string(log)?;
                let logs = self.folder.join("logs");
                bail!("the cluster {what}:\n{text}what its parts said is in `{}`", logs.display());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn write(&self, running: &Running) -> Result<()> {
        Ok(fs::write(self.record(), serde_json::to_vec_pretty(running)?)?)
    }

    fn record(&self) -> PathBuf {
        self.folder.join("cluster.json")
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.conf")
    }

    fn node_folder(&self) -> PathBuf {
        self.folder.join("node")
    }

    /// Whether the process is still that cluster, and not another one with the same number.
    fn is_ours(&self, pid: i32) -> bool {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let area = self.folder.parent().unwrap_or(&self.folder);
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("unshare") && words.contains(&*area.to_string_lossy())
    }
}

impl Running {
    /// The folder that the cluster has in the test area.
    fn folder(&self) -> Result<&Path> {
        self.kubeconfig.parent().context("the kubeconfig lies in the cluster's folder")
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
            // A process may end while we look.
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

impl Definitions {
    fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Full => "full",
        }
    }
}

/// `unshare`, in a session of its own when it outlives us, and else ended by the kernel with us.
fn launcher(machine: &Machine, lifetime: Lifetime) -> Result<Command> {
    let find = |name: &str| {
        machine.program(name).with_context(|| format!("`{name}` is missing; install `util-linux`"))
    };
    let mut command = match lifetime {
        Lifetime::Kept => Command::new(find("setsid")?),
        Lifetime::WithUs => {
            let mut command = Command::new(find("setpriv")?);
            // `unshare` holds back every other signal while it waits.
            command.args(["--pdeathsig=KILL", "--"]);
            command
        }
    };
    command.arg(find("unshare")?);
    Ok(command)
}

/// The control group of a cluster's pods; a port of this machine belongs to one cluster only.
fn control_group(port: u16) -> String {
    format!("argosy-{port}")
}

/// Removes a folder in which a cluster lived; the kernel takes a moment to give up its mounts.
fn remove_folder(folder: &Path, limit: Duration) -> Result<()> {
    let started = Instant::now();
    while folder.exists() {
        match fs::remove_dir_all(folder) {
            Ok(()) => break,
            Err(error) if started.elapsed() > limit => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
    Ok(())
}
