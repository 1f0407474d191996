//! How the cluster is started, found again and stopped.
//!
//! The whole cluster is one tree of processes in namespaces of its own. Process 1 of that tree is
//! this program, called with `cluster node` ([`crate::node`]); when it dies, the kernel ends everything
//! else, mounts and network included. Only control groups outlive it, and those we remove. Clients
//! on this machine reach the API through a socket that was opened outside and is served inside, so
//! no address of the machine is touched.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use test_machine::{Machine, Privilege, launch::Lifetime, terminal::say};

use crate::{
    control_groups,
    definitions::Definitions,
    layout::{HIDDEN_FOLDERS, Layout, READY, control_group},
    running::Running,
    tools::{self, Tools},
};

const READY_WITHIN: Duration = Duration::from_mins(4);
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// The cluster of a test area, whether it runs or not.
#[derive(Clone, Debug)]
pub struct Cluster {
    layout: Layout,
}

impl Cluster {
    /// The cluster of this machine's test area.
    pub fn of(machine: &Machine) -> Result<Self> {
        Ok(Self { layout: Layout::of(machine)? })
    }

    /// The cluster, if it runs.
    pub fn running(&self) -> Result<Option<Running>> {
        let file = self.layout.record();
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
        if let Ok(bytes) = fs::read(self.layout.record())
            && let Ok(Running { port, .. }) = serde_json::from_slice(&bytes)
        {
            control_groups::remove(&control_group(port), GONE_WITHIN)?;
        }
        remove_folder(&self.layout.node_folder(), GONE_WITHIN)?;
        for file in [self.layout.record(), self.layout.kubeconfig()] {
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
        for hidden in HIDDEN_FOLDERS {
            if self.layout.folder.starts_with(hidden) {
                bail!(
                    "the node has a `{hidden}` of its own; set `ARGOSY_TEST_AREA` to another place"
                );
            }
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let log = self.layout.folder.join("node.log");
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
            kubeconfig: self.layout.kubeconfig(),
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
        while !self.layout.node_folder().join(READY).exists() {
            let ended = child.try_wait()?;
            let late = started.elapsed() > READY_WITHIN;
            if ended.is_some() || late {
                let what = if late { "is not ready in time" } else { "has ended" };
                let text = fs::read_to_string(log)?;
                let logs = self.layout.logs();
                bail!("the cluster {what}:\n{text}what its parts said is in `{}`", logs.display());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn write(&self, running: &Running) -> Result<()> {
        Ok(fs::write(self.layout.record(), serde_json::to_vec_pretty(running)?)?)
    }

    /// Whether the process is still that cluster, and not another one with the same number.
    fn is_ours(&self, pid: i32) -> bool {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let area = self.layout.folder.parent().unwrap_or(&self.layout.folder);
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("unshare") && words.contains(&*area.to_string_lossy())
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
