//! Real search servers on loopback: several are started concurrently, waited for, and stopped.
//!
//! A server either lives as long as the program that started it ([`Lifetime::WithUs`]; the kernel
//! signals it when we die, however we die), or runs until it is stopped ([`Lifetime::Kept`]).

pub mod config;
pub mod kept;

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use test_machine::{
    Machine,
    launch::{self, Lifetime},
    process::{self, Signal},
    terminal,
};

use self::config::NodeConfig;
use crate::{
    distribution::{Distribution, Product},
    http::Http,
    java::Java,
};

const READY_WITHIN: Duration = Duration::from_mins(4);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Where a running server is; written to files so that other programs find it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// The short name of its distribution, such as `es717`.
    pub name: String,
    /// Whose server it is.
    pub product: Product,
    /// Its version.
    pub version: String,
    /// `http://127.0.0.1:PORT`, or another host.
    pub url: String,
    /// The folder that it may write snapshots to.
    pub repository: PathBuf,
    /// What it logs.
    pub log: PathBuf,
    /// Its process.
    pub pid: i32,
}

/// A server that we started.
#[derive(Debug)]
pub struct Server {
    /// Where it is.
    pub address: Address,
    child: Child,
    on_drop: OnDrop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDrop {
    Stop,
    Leave,
}

/// Starts one server of each distribution and returns when all of them answer. Each gets a folder
/// of its own under `run`.
pub fn start_all(
    machine: &Machine,
    run: &Path,
    distributions: &[Distribution],
    lifetime: Lifetime,
) -> Result<Vec<Server>> {
    start_all_at(Ipv4Addr::LOCALHOST, machine, run, distributions, lifetime)
}

/// The same at another address than loopback, which must be one of the network that we are in.
pub fn start_all_at(
    host: Ipv4Addr,
    machine: &Machine,
    run: &Path,
    distributions: &[Distribution],
    lifetime: Lifetime,
) -> Result<Vec<Server>> {
    let started = Instant::now();
    let mut servers = Vec::new();
    for distribution in distributions {
        servers.push(start(host, machine, run, distribution, lifetime)?);
    }
    for server in &mut servers {
        server.wait_until_ready(started)?;
    }
    Ok(servers)
}

/// Fetches what the servers need, which may fail for reasons that are not ours: no network, or
/// packages that only root can install.
pub fn set_up(machine: &Machine, distributions: &[Distribution]) -> Result<()> {
    for distribution in distributions {
        Java::set_up(machine, distribution.java)?;
        distribution.unpacked(machine)?;
    }
    Ok(())
}

/// Starts one server and does not wait for it.
fn start(
    host: Ipv4Addr,
    machine: &Machine,
    run: &Path,
    distribution: &Distribution,
    lifetime: Lifetime,
) -> Result<Server> {
    let java = Java::set_up(machine, distribution.java)?;
    let home = distribution.unpacked(machine)?;
    let account = launch::server_account(machine)?;
    let folder = run.join(distribution.name);
    let (http_port, transport_port) = free_ports()?;
    let config = NodeConfig {
        distribution,
        home: &home,
        folder: &folder,
        host,
        http_port,
        transport_port,
        has_security: home.join("modules/x-pack-security").is_dir(),
        has_vectors: java.has_module("jdk.incubator.vector")?,
    };
    config.write()?;
    launch::give_to(&folder, account)?;

    let prefix = distribution.product.variable_prefix();
    let temp = folder.join("tmp");
    let log = config.log_file();
    let output = fs::File::create(&log)?.into_parts().0;
    let launcher = home.join("bin").join(distribution.product.name());
    let mut command = launch::command(machine, account, lifetime, &launcher)?;
    command
        .current_dir(&folder)
        .env_clear()
        .env("HOME", &folder)
        .env("PATH", "/usr/bin:/bin")
        // OpenSearch 3 makes files that are named after indices, in any script.
        .env("LC_ALL", "C.UTF-8")
        .env("TMPDIR", &temp)
        .env("JAVA_HOME", &java.home)
        .env(format!("{prefix}_JAVA_HOME"), &java.home)
        .env(format!("{prefix}_TMPDIR"), &temp)
        .env(format!("{prefix}_PATH_CONF"), folder.join("config"))
        .env(format!("{prefix}_JVM_OPTIONS"), config.java_options_file())
        .env(format!("{prefix}_JAVA_OPTS"), format!("-Xms{HEAP} -Xmx{HEAP}"))
        .args(config.arguments())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    let child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    let pid = i32::try_from(child.id()).context("the process number is out of range")?;
    terminal::say(format!(
        "starting {} {} (Java {}) on port {http_port}",
        distribution.product.name(),
        distribution.version,
        java.major
    ));
    let address = Address {
        name: distribution.name.to_owned(),
        product: distribution.product,
        version: distribution.version.to_owned(),
        url: format!("http://{host}:{http_port}"),
        repository: config.repository(),
        log,
        pid,
    };
    Ok(Server { address, child, on_drop: OnDrop::Stop })
}

const HEAP: &str = "512m";

/// Returns two ports that no process listens on at this moment.
fn free_ports() -> Result<(u16, u16)> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}

impl Server {
    /// Leaves the server running after we are gone.
    pub(crate) fn leave_running(mut self) -> Address {
        self.on_drop = OnDrop::Leave;
        self.address.clone()
    }

    fn wait_until_ready(&mut self, started: Instant) -> Result<()> {
        let http = Http::new(&self.address.url)?;
        loop {
            if http.get("/_cluster/health?wait_for_status=yellow&timeout=1s").is_ok() {
                let seconds = started.elapsed().as_secs_f64();
                let Address { name, url, .. } = &self.address;
                terminal::say(format!("{name} answers at {url} after {seconds:.0} s"));
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` stopped ({status}):\n{}", self.address.name, self.address.log_end());
            }
            if started.elapsed() > READY_WITHIN {
                let seconds = READY_WITHIN.as_secs();
                let end = self.address.log_end();
                bail!("`{}` does not answer after {seconds} s:\n{end}", self.address.name);
            }
            thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Leave {
            return;
        }
        process::signal_group(self.address.pid, Signal::TERM);
        let asked = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if asked.elapsed() > STOP_WITHIN {
                process::signal_group(self.address.pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Address {
    /// The last lines that the server logged.
    pub(crate) fn log_end(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }
}
