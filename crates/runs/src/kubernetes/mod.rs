//! Argo Workflows on a Kubernetes cluster as a [`Backend`].
//!
//! The API server is the only one that is talked to: Argo's controller reads from there what it is
//! to do, and writes there what it did. Everything that decides is pure and tested where it stands;
//! [`server`] is the edge.
//!
//! ```text
//!  submit  stop  retry  answer  keep  reset  install   what is written
//!     \      \     |      /      /     /      /
//!      +------+--server--+------+-----+------+ <---> API server <---> Argo's controller
//!     /            |      \
//!  sight         logs     fault                 what is read
//!   |- nodes     |- log_text
//!   |- gates
//!   |- pods
//! ```

mod answer;
mod clock;
mod fault;
mod gates;
mod install;
mod keep;
mod kind;
mod log_text;
mod logs;
mod manifests;
mod nodes;
mod objects;
mod pods;
mod reset;
mod retry;
mod server;
mod sight;
mod stop;
mod submit;

use std::{cell::OnceCell, collections::BTreeMap};

use anyhow::Context as _;
use argo::convention::label::PART_OF;
use cli_support::{KubernetesAccess, session_file};
use engine::{DecisionOutcome, Shutdown};
use generator::Steps;
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Runtime;

pub use self::install::Applied;
use self::{
    kind::Kind,
    server::{Server, text},
    sight::{Explained, Seen},
};
use crate::backend::{
    Answer, Backend, Holding, Keep, LogQuery, LogSink, Resumed, Run, Sight, Stopped, Submission,
};

/// Argo Workflows on a cluster.
pub struct Argo {
    access: KubernetesAccess,
    runtime: Runtime,
    server: OnceCell<Server>,
    explained: Explained,
}

impl Argo {
    /// Uses a cluster, which is asked at the first use.
    pub fn new(access: KubernetesAccess) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        let (server, explained) = (OnceCell::new(), Explained::default());
        Ok(Self { access, runtime, server, explained })
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> anyhow::Result<String> {
        self.ask(async |server| Ok(server.namespace.clone()))
    }

    /// Applies the objects of an installation; returns what became of each.
    pub fn install(&self, objects: &[Value]) -> anyhow::Result<Vec<Applied>> {
        self.ask(async |server| install::install(server, objects).await)
    }

    /// Asks the server something.
    fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Server) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            let server = if let Some(server) = self.server.get() {
                server
            } else {
                let server = Server::connect(&self.access).await?;
                self.server.get_or_init(|| server)
            };
            question(server).await
        })
    }
}

/// Returns the run that a Workflow is.
fn run_of(workflow: &Value) -> anyhow::Result<Run> {
    let phase = nodes::phase(workflow)?;
    let created = text(workflow, "/metadata/creationTimestamp");
    Ok(Run {
        name: text(workflow, "/metadata/name").to_owned(),
        uid: text(workflow, "/metadata/uid").to_owned(),
        created_at: created.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        phase,
        is_complete: phase.is_complete(),
    })
}

impl Backend for Argo {
    fn another(&self) -> anyhow::Result<Box<dyn Backend>> {
        Ok(Box::new(Self::new(self.access.clone())?))
    }

    fn word(&self) -> &'static str {
        "argo"
    }

    fn keep(&self) -> &dyn Keep {
        self
    }

    fn user(&self) -> String {
        let known = self.ask(async |server| Ok(server.user().await)).ok().flatten();
        known.unwrap_or_else(|| whoami::username().unwrap_or_else(|_| "unknown".to_owned()))
    }

    fn now(&self) -> Timestamp {
        self.server.get().map_or_else(Timestamp::now, Server::now)
    }

    fn runs(&self) -> anyhow::Result<Vec<Run>> {
        let selector = format!("{}={}", PART_OF.0, PART_OF.1);
        let found = self.ask(async |server| Ok(server.list(Kind::Workflow, &selector).await?))?;
        let mut runs: Vec<Run> = found.iter().map(run_of).collect::<anyhow::Result<_>>()?;
        runs.sort_by(|a, b| (b.created_at, &a.name).cmp(&(a.created_at, &b.name)));
        Ok(runs)
    }

    fn find(&self, name: &str) -> anyhow::Result<Option<Run>> {
        let found = self.ask(async |server| Ok(server.get(Kind::Workflow, name).await?))?;
        found.as_ref().map(run_of).transpose()
    }

    fn look(&self, run: &Run) -> anyhow::Result<Sight> {
        self.ask(async |server| Seen::look(server, run).await?.sight(server, &self.explained).await)
    }

    fn manifests(&self, run: &Run) -> anyhow::Result<Vec<Value>> {
        self.ask(async |server| manifests::manifests(server, run).await)
    }

    fn submit(&self, submission: &Submission<'_>) -> anyhow::Result<Run> {
        self.ask(async |server| submit::submit(server, submission).await)
    }

    fn decide(&self, run: &Run, gate: &str, answer: &Answer) -> anyhow::Result<DecisionOutcome> {
        self.ask(async |server| answer::decide(server, run, gate, answer).await)
    }

    fn stop(&self, run: &Run, shutdown: Shutdown) -> anyhow::Result<Stopped> {
        self.ask(async |server| stop::stop(server, run, shutdown).await)
    }

    fn resume(&self, run: &Run) -> anyhow::Result<Resumed> {
        self.ask(async |server| retry::resume(server, run).await)
    }

    fn logs(&self, run: &Run, query: &LogQuery, sink: &mut dyn LogSink) -> anyhow::Result<()> {
        self.ask(async |server| logs::read(server, run, query, sink).await)
    }

    fn holdings(&self) -> anyhow::Result<Vec<Holding>> {
        self.ask(async |server| reset::holdings(server).await)
    }

    fn remove(&self, holding: &Holding) -> anyhow::Result<()> {
        self.ask(async |server| reset::remove(server, holding).await)
    }
}

impl Keep for Argo {
    fn steps(&self) -> Steps {
        Steps::Pods
    }

    fn session_place(&self, session: &str) -> anyhow::Result<String> {
        Ok(format!("{}/migration.yaml", session_file::object_name(session)?))
    }

    fn session(&self, session: &str) -> anyhow::Result<Option<String>> {
        self.ask(async |server| keep::session(server, session).await)
    }

    fn keep_session(&self, session: &str, text: &str, has_passwords: bool) -> anyhow::Result<()> {
        self.ask(async |server| keep::keep_session(server, session, text, has_passwords).await)
    }

    fn forget_session(&self, session: &str) -> anyhow::Result<bool> {
        self.ask(async |server| keep::forget_session(server, session).await)
    }

    fn credentials(&self) -> anyhow::Result<Vec<String>> {
        self.ask(async |server| keep::credentials(server).await)
    }

    fn has_credentials(&self, name: &str) -> anyhow::Result<bool> {
        self.ask(async |server| Ok(server.get(Kind::Secret, name).await?.is_some()))
    }

    fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>> {
        self.ask(async |server| keep::credential(server, name, key).await)
    }

    fn keep_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        self.ask(async |server| keep::keep_credentials(server, name, entries).await)
    }

    fn forget_credentials(&self, name: &str) -> anyhow::Result<bool> {
        self.ask(async |server| keep::forget_credentials(server, name).await)
    }
}
