//! A real S3 server for the tests: MinIO, built by `go install` at a pinned version into the test
//! area, where it stays, and started on loopback with one bucket.
//!
//! It is a tool of the tests alone and no part of the product. Go's checksum database vouches for
//! what is downloaded.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use test_machine::{
    Machine, go,
    launch::{self, Lifetime},
    shell, terminal,
};

use crate::http::Http;

/// The module, and the version of it that is built.
const MODULE: &str = "github.com/minio/minio";
const VERSION: &str = "v0.0.0-20260212201848-7aac2a2c5b7c";

/// The server's region, which is not the one that clients take when they are told none.
const REGION: &str = "eu-central-1";
const BUCKET: &str = "snapshots";
const ACCESS_KEY: &str = "argosy-test";
const SECRET_KEY: &str = "argosy-test-secret";

const READY_WITHIN: Duration = Duration::from_mins(1);

/// A running S3 server; it ends with this value.
#[derive(Debug)]
pub struct S3Server {
    endpoint: String,
    child: Child,
}

/// Builds the server if it is not here yet; returns its program.
pub fn set_up(machine: &Machine) -> Result<PathBuf> {
    let folder = machine.area.folder("s3")?;
    let program = folder.join(format!("minio-{VERSION}"));
    if program.is_file() {
        return Ok(program);
    }
    let go = go::set_up(machine)?;
    terminal::say("building the S3 server; this takes some minutes, once");
    // Built beside its place and moved there at the end: a killed build leaves no half program.
    let unfinished = tempfile::tempdir_in(&folder)?;
    shell::run_quietly(
        Command::new(go)
            .args(["install", "-ldflags", "-s -w", &format!("{MODULE}@{VERSION}")])
            .env("GOBIN", unfinished.path())
            .env("CGO_ENABLED", "0"),
    )?;
    fs::rename(unfinished.path().join("minio"), &program)?;
    Ok(program)
}

impl S3Server {
    /// Starts a server whose data lie under `run`, and waits until it answers.
    pub fn start(machine: &Machine, run: &Path) -> Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, machine, run)
    }

    /// The same at another address than loopback, which must be one of the network that we are in.
    pub fn start_at(host: Ipv4Addr, machine: &Machine, run: &Path) -> Result<Self> {
        let program = set_up(machine)?;
        let data = run.join("s3/data");
        // A folder that is there before the server is a bucket of it.
        fs::create_dir_all(data.join(BUCKET))?;
        let port = TcpListener::bind((host, 0))?.local_addr()?.port();
        let address = format!("{host}:{port}");
        let output = fs::File::create(run.join("s3/log"))?.into_parts().0;
        let child = launch::command(machine, None, Lifetime::WithUs, &program)?
            .args(["server", "--address", &address])
            .arg(&data)
            .env_clear()
            .env("HOME", run)
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_SITE_REGION", REGION)
            .env("MINIO_BROWSER", "off")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let mut server = Self { endpoint: format!("http://{address}"), child };
        server.wait_until_ready(&run.join("s3/log"))?;
        Ok(server)
    }

    /// What a test has to know of the server, as variables of its environment.
    pub fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("ARGOSY_S3_ENDPOINT", &self.endpoint),
            ("ARGOSY_S3_BUCKET", BUCKET),
            ("ARGOSY_S3_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ]
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        let http = Http::new(&self.endpoint)?;
        let get = "GET".parse()?;
        loop {
            let reply = http.send(&get, "/minio/health/live", "text/plain", Vec::new());
            if reply.is_ok_and(|reply| reply.status == 200) {
                let seconds = started.elapsed().as_secs_f64();
                terminal::say(format!("S3 answers at {} after {seconds:.0} s", self.endpoint));
                return Ok(());
            }
            let told = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("the S3 server stopped ({status}):\n{}", told());
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the S3 server does not answer:\n{}", told());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
