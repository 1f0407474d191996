//! Argo Workflows on a Kubernetes cluster as a [`Backend`](crate::Backend).
//!
//! All requests go to the API server: Argo's controller reads from there what to do, and writes there
//! what it did. Everything that decides is pure; [`server`] is the edge.
//!
//! ```text
//!  submit  stop  retry  decide  configuration  reset  install   what is written
//!     \      \     |      /      /     /      /
//!      +------+--server--+------+-----+------+ <---> API server <---> Argo's controller
//!     /            |      \
//!  observe       logs     fault                 what is read
//!   |- nodes     |- log_text
//!   |- gates     changes
//!   |- pods
//! ```

mod changes;
mod clock;
mod configuration;
mod decide;
mod error;
mod fault;
mod gates;
mod install;
mod log_text;
mod logs;
mod manifests;
mod nodes;
mod objects;
mod observe;
mod pods;
mod reset;
mod resume;
mod server;
mod stop;
mod submit;

use std::{collections::BTreeMap, time::Duration};

use argo::convention::label::PART_OF;
use async_trait::async_trait;
use cli_support::{KubernetesAccess, session_file};
use futures::{FutureExt as _, stream::BoxStream};
use generator::Steps;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;

use self::{
    changes::WorkflowChanges,
    observe::{Explanations, RunObjects},
    server::Server,
};
pub use self::{
    error::{ArgoError, UnpackError},
    fault::{Fault, Operation},
    install::Applied,
};
use crate::{
    backend::{Configuration, Gates, Logs, Reset, Runs},
    error::BackendError,
    gates::{Decision, DecisionOutcome},
    logs::{LogQuery, LogSender},
    model::{EngineKind, RunModel},
    notices::Notices,
    object_kind::ObjectKind as Kind,
    reset::Removable,
    run::{ResumeReport, Run, StopMode, StopReport, Submission},
    watch,
};

/// Argo Workflows on a cluster.
pub struct Argo {
    access: KubernetesAccess,
    notices: Notices,
    server: OnceCell<Server>,
    explanations: Explanations,
}

impl Argo {
    /// Uses a cluster, which is asked at the first use.
    pub fn new(access: KubernetesAccess, notices: Notices) -> Self {
        let (server, explanations) = (OnceCell::new(), Explanations::default());
        Self { access, notices, server, explanations }
    }

    /// Returns the namespace.
    pub async fn namespace(&self) -> Result<String, BackendError> {
        Ok(self.server().await?.namespace.clone())
    }

    /// Applies the objects of an installation; returns what became of each.
    pub async fn install(&self, objects: &[Value]) -> Result<Vec<Applied>, BackendError> {
        install::install(self.server().await?, objects).await
    }

    async fn server(&self) -> Result<&Server, BackendError> {
        self.server.get_or_try_init(|| Server::connect(&self.access, &self.notices)).await
    }
}

#[async_trait]
impl Runs for Argo {
    fn engine(&self) -> EngineKind {
        EngineKind::Argo
    }

    fn now(&self) -> Timestamp {
        self.server.get().map_or_else(Timestamp::now, Server::now)
    }

    async fn list(&self) -> Result<Vec<Run>, BackendError> {
        let selector = format!("{}={}", PART_OF.0, PART_OF.1);
        let found = self.server().await?.list(Kind::Workflow, &selector).await?;
        let mut runs: Vec<Run> = found.iter().map(nodes::run_of).collect::<Result<_, _>>()?;
        runs.sort_by(|a, b| (b.created_at, &a.name).cmp(&(a.created_at, &b.name)));
        Ok(runs)
    }

    async fn find(&self, name: &str) -> Result<Option<Run>, BackendError> {
        let found = self.server().await?.get(Kind::Workflow, name).await?;
        Ok(found.as_ref().map(nodes::run_of).transpose()?)
    }

    async fn model(&self, run: &Run) -> Result<RunModel, BackendError> {
        let server = self.server().await?;
        let objects = RunObjects::read(server, run).await?;
        let observation = objects.observe(server, &self.explanations).await?;
        Ok(RunModel::new(run, EngineKind::Argo, &observation))
    }

    fn watch(
        &self,
        name: &str,
        interval: Duration,
    ) -> BoxStream<'_, Result<RunModel, BackendError>> {
        let changes = WorkflowChanges::new(&self.server, name);
        let name = name.to_owned();
        let read = move || {
            let name = name.clone();
            async move { self.model(&self.get(&name).await?).await }.boxed()
        };
        watch::models(changes, interval, read)
    }

    async fn manifests(&self, run: &Run) -> Result<Vec<Value>, BackendError> {
        manifests::manifests(self.server().await?, run).await
    }

    async fn submit(&self, submission: &Submission<'_>) -> Result<Run, BackendError> {
        submit::submit(self.server().await?, submission).await
    }

    async fn stop(&self, run: &Run, mode: StopMode) -> Result<StopReport, BackendError> {
        stop::stop(self.server().await?, run, mode).await
    }

    async fn resume(&self, run: &Run) -> Result<ResumeReport, BackendError> {
        resume::resume(self.server().await?, run).await
    }
}

#[async_trait]
impl Gates for Argo {
    async fn process_user(&self) -> String {
        let known = match self.server().await {
            Ok(server) => server.user().await,
            Err(_) => None,
        };
        known.unwrap_or_else(|| whoami::username().unwrap_or_else(|_| "unknown".to_owned()))
    }

    async fn decide(
        &self,
        run: &Run,
        gate: &str,
        decision: &Decision,
    ) -> Result<DecisionOutcome, BackendError> {
        decide::decide(self.server().await?, run, gate, decision).await
    }
}

#[async_trait]
impl Logs for Argo {
    async fn logs(
        &self,
        run: &Run,
        query: &LogQuery,
        events: LogSender,
    ) -> Result<(), BackendError> {
        logs::read(self.server().await?, run, query, &events).await
    }
}

#[async_trait]
impl Reset for Argo {
    async fn removables(&self) -> Result<Vec<Removable>, BackendError> {
        reset::removables(self.server().await?).await
    }

    async fn remove(&self, removable: &Removable) -> Result<(), BackendError> {
        reset::remove(self.server().await?, removable).await
    }
}

#[async_trait]
impl Configuration for Argo {
    fn steps(&self) -> Steps {
        Steps::Pods
    }

    fn session_location(&self, session: &str) -> Result<String, BackendError> {
        Ok(format!("{}/migration.yaml", session_file::object_name(session)?))
    }

    async fn session(&self, session: &str) -> Result<Option<String>, BackendError> {
        configuration::session(self.server().await?, session).await
    }

    async fn save_session(
        &self,
        session: &str,
        text: &str,
        has_passwords: bool,
    ) -> Result<(), BackendError> {
        configuration::save_session(self.server().await?, session, text, has_passwords).await
    }

    async fn delete_session(&self, session: &str) -> Result<bool, BackendError> {
        configuration::delete_session(self.server().await?, session).await
    }

    async fn credentials(&self) -> Result<Vec<String>, BackendError> {
        configuration::credentials(self.server().await?).await
    }

    async fn has_credentials(&self, name: &str) -> Result<bool, BackendError> {
        Ok(self.server().await?.get(Kind::Secret, name).await?.is_some())
    }

    async fn credential(&self, name: &str, key: &str) -> Result<Option<String>, BackendError> {
        configuration::credential(self.server().await?, name, key).await
    }

    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), BackendError> {
        configuration::save_credentials(self.server().await?, name, entries).await
    }

    async fn delete_credentials(&self, name: &str) -> Result<bool, BackendError> {
        configuration::delete_credentials(self.server().await?, name).await
    }
}
