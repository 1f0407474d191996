//! A part of the running cluster, taken away for a while: killed as a crash would, and started
//! again on demand.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use test_machine::shell;

use crate::{layout::AWAY, running::Running};

const WITHIN: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A part that can be missed for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Kubernetes' API server; no request is served without it.
    ApiServer,
    /// Argo's controller; no workflow proceeds without it.
    Controller,
    /// What starts and watches pods; those that run continue without it.
    Kubelet,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::Controller => "workflow-controller",
            Self::Kubelet => "kubelet",
        }
    }
}

/// The time for which a part is away. It comes back when this is dropped, and [`Outage::end`]
/// waits until it does.
#[derive(Debug)]
#[must_use = "the part comes back when this is dropped"]
pub struct Outage<'a> {
    cluster: &'a Running,
    part: Part,
    mark: PathBuf,
    began: Instant,
}

impl Running {
    /// Kills a part, with no chance to tidy up, and keeps it away.
    pub fn without(&self, part: Part) -> Result<Outage<'_>> {
        let away = self.folder()?.join("node").join(AWAY);
        fs::create_dir_all(&away)?;
        let outage =
            Outage { cluster: self, part, mark: away.join(part.name()), began: Instant::now() };
        fs::write(&outage.mark, "")?;
        let pid = self.process(part)?.with_context(|| format!("{} does not run", part.name()))?;
        let pid = Pid::from_raw(pid).context("process numbers are positive")?;
        kill_process(pid, Signal::KILL)?;
        // Until process 1 has collected it, and seen the mark.
        while Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists() {
            outage.check("end")?;
        }
        Ok(outage)
    }

    fn process(&self, part: Part) -> Result<Option<i32>> {
        let found = self.parts()?.into_iter().find(|(name, ..)| name == part.name());
        Ok(found.map(|(_, pid, _)| pid))
    }

    fn answers(&self) -> bool {
        shell::output(self.program("kubectl").args(["get", "--raw", "/readyz"])).is_ok()
    }
}

impl Outage<'_> {
    /// Lets the part come back, and waits until it runs; the API server until it is ready.
    pub fn end(self) -> Result<()> {
        fs::remove_file(&self.mark)?;
        while self.cluster.process(self.part)?.is_none()
            || self.part == Part::ApiServer && !self.cluster.answers()
        {
            self.check("come back")?;
        }
        Ok(())
    }

    fn check(&self, what: &str) -> Result<()> {
        if self.began.elapsed() > WITHIN {
            bail!("{} does not {what} in time", self.part.name());
        }
        thread::sleep(POLL_INTERVAL);
        Ok(())
    }
}

impl Drop for Outage<'_> {
    fn drop(&mut self) {
        // It is gone already after an end in good order.
        fs::remove_file(&self.mark).ok();
    }
}
