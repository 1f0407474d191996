//! The embedded engine as a [`Backend`](crate::Backend): the runs in the state directory of this
//! machine.
//!
//! The store blocks while it reads the disk, so every use of it runs on a thread for such work.

mod changes;
mod configuration;
mod error;
mod failure_messages;
mod launch;
mod logs;

use std::{collections::BTreeMap, time::Duration};

use argo::{NodePhase, convention::label};
use async_trait::async_trait;
use cli_support::StateDir;
use engine::{
    Clock, Existing, RunRecord, Shutdown, Store, StoreError, Submission as EngineSubmission,
    WorkerJob,
};
use futures::{FutureExt as _, stream::BoxStream};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;

use self::changes::StoreChanges;
pub use self::error::LocalError;
use crate::{
    backend::{Configuration as _, Gates, Logs, Reset, Runs},
    error::BackendError,
    gates::{Decision, DecisionOutcome},
    logs::{LogQuery, LogSender},
    model::{EngineKind, Observation, Outline, RunModel, Trouble},
    reset::{Part, Removable, RemovableKind},
    run::{ResumeReport, Run, StopMode, StopReport, Submission},
    watch,
};

/// The embedded engine.
pub struct Local {
    state: StateDir,
    store: OnceCell<Store>,
}

impl Local {
    /// Uses a state directory, which is opened at the first use.
    pub fn new(state: StateDir) -> Self {
        Self { state, store: OnceCell::new() }
    }

    async fn store(&self) -> Result<&Store, BackendError> {
        self.store
            .get_or_try_init(|| async {
                let state = self.state.clone();
                let opening = tokio::task::spawn_blocking(move || open_store(&state)).await;
                opening.map_err(|source| LocalError::Aborted {
                    task: "opening the state directory",
                    source,
                })?
            })
            .await
    }

    /// Uses the store on a thread that may block.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let store = self.store().await?.clone();
        let working = tokio::task::spawn_blocking(move || work(&store)).await;
        let task = "using the state directory";
        working.map_err(|source| LocalError::Aborted { task, source })?
    }

    /// Starts the engine of a run, unless there is one.
    async fn launch(&self, uid: &str) -> Result<(), BackendError> {
        launch::engine(&self.state, self.store().await?, uid).await
    }
}

/// Opens the state directory, with the clock of this machine.
pub fn open_store(state: &StateDir) -> Result<Store, BackendError> {
    Ok(Store::open(state.path(), Clock::new(Timestamp::now))?)
}

#[async_trait]
impl Runs for Local {
    fn engine(&self) -> EngineKind {
        EngineKind::Local
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn list(&self) -> Result<Vec<Run>, BackendError> {
        self.with_store(|store| Ok(store.runs()?.into_iter().map(run_of).collect())).await
    }

    async fn find(&self, name: &str) -> Result<Option<Run>, BackendError> {
        let name = name.to_owned();
        self.with_store(move |store| match store.run(&name) {
            Ok(record) => Ok(Some(run_of(record))),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(other) => Err(other.into()),
        })
        .await
    }

    async fn model(&self, run: &Run) -> Result<RunModel, BackendError> {
        let run = run.clone();
        self.with_store(move |store| {
            let observation = observe(store, &run)?;
            Ok(RunModel::new(&run, EngineKind::Local, &observation))
        })
        .await
    }

    fn watch(
        &self,
        name: &str,
        interval: Duration,
    ) -> BoxStream<'_, Result<RunModel, BackendError>> {
        let name = name.to_owned();
        let read = move || {
            let name = name.clone();
            async move { self.model(&self.get(&name).await?).await }.boxed()
        };
        watch::models(StoreChanges::new(&self.store), interval, read)
    }

    async fn manifests(&self, run: &Run) -> Result<Vec<Value>, BackendError> {
        let uid = run.uid.clone();
        self.with_store(move |store| manifests(store, &uid)).await
    }

    async fn submit(&self, submission: &Submission<'_>) -> Result<Run, BackendError> {
        let Submission { name, compiled, approval, previous: _ } = submission;
        for secret in &compiled.secrets {
            self.save_credentials(&secret.name, &secret.data).await?;
        }
        let submission = EngineSubmission {
            name: (*name).to_owned(),
            uid: uuid::Uuid::new_v4().to_string(),
            manifests: compiled.manifests.clone(),
            created_at: Timestamp::now(),
            existing: Existing::Refuse,
        };
        let record = self
            .with_store(move |store| {
                store.submit(submission).map_err(|refused| match refused {
                    StoreError::Conflict { name, .. } => BackendError::AlreadySubmitted { name },
                    other => other.into(),
                })
            })
            .await?;
        let run = run_of(record);
        if let Some(decision) = approval {
            let uid = run.uid.clone();
            let gates = self.with_store(move |store| Ok(store.gates(&uid)?)).await?;
            for gate in gates {
                self.decide(&run, &gate.name, decision).await?;
            }
        }
        self.launch(&run.uid).await?;
        Ok(run)
    }

    /// A run whose engine died gets one again, which ends it with its cleanup. The engine ends the
    /// fleets too: a run that has ended leaves none behind.
    async fn stop(&self, run: &Run, mode: StopMode) -> Result<StopReport, BackendError> {
        if run.is_complete {
            return Ok(StopReport::default());
        }
        let uid = run.uid.clone();
        let (jobs, is_alive) = self
            .with_store(move |store| {
                let jobs = store.worker_jobs(&uid)?;
                store.request_stop(&uid, shutdown(mode))?;
                Ok((jobs, store.is_engine_alive(&uid)?))
            })
            .await?;
        if !is_alive {
            self.launch(&run.uid).await?;
        }
        let fleets = jobs.iter().filter(|job| job.active > 0).map(describe).collect();
        Ok(StopReport { requested: Some(mode), fleets, remarks: Vec::new() })
    }

    async fn resume(&self, run: &Run) -> Result<ResumeReport, BackendError> {
        let uid = run.uid.clone();
        if run.is_complete {
            let steps = self.with_store(move |store| Ok(store.resume(&uid)?)).await?;
            self.launch(&run.uid).await?;
            return Ok(ResumeReport::Retried(steps));
        }
        if self.with_store(move |store| Ok(store.is_engine_alive(&uid)?)).await? {
            return Ok(ResumeReport::AlreadyRunning);
        }
        self.launch(&run.uid).await?;
        Ok(ResumeReport::Continued)
    }
}

#[async_trait]
impl Gates for Local {
    async fn process_user(&self) -> String {
        whoami::username().unwrap_or_else(|_| "unknown".to_owned())
    }

    async fn decide(
        &self,
        run: &Run,
        gate: &str,
        decision: &Decision,
    ) -> Result<DecisionOutcome, BackendError> {
        let (uid, gate, decision) = (run.uid.clone(), gate.to_owned(), decision.clone());
        self.with_store(move |store| {
            let Decision { verdict, by, reason } = &decision;
            Ok(store.decide(&uid, &gate, *verdict, by, reason.as_deref())?)
        })
        .await
    }
}

#[async_trait]
impl Logs for Local {
    async fn logs(
        &self,
        run: &Run,
        query: &LogQuery,
        events: LogSender,
    ) -> Result<(), BackendError> {
        logs::read(self.store().await?, run, query, &events).await
    }
}

#[async_trait]
impl Reset for Local {
    async fn removables(&self) -> Result<Vec<Removable>, BackendError> {
        let mut by_name: BTreeMap<String, Vec<Run>> = BTreeMap::new();
        for run in self.list().await? {
            by_name.entry(run.name.clone()).or_default().push(run);
        }
        let removable = |(name, runs): (String, Vec<Run>)| Removable {
            name,
            kind: RemovableKind::Workflow(
                runs.first().map_or(NodePhase::Pending, |newest| newest.phase),
            ),
            parts: runs.into_iter().map(|run| Part::Run { uid: run.uid }).collect(),
            needed_by: Vec::new(),
        };
        Ok(by_name.into_iter().map(removable).collect())
    }

    async fn remove(&self, removable: &Removable) -> Result<(), BackendError> {
        let name = removable.name.clone();
        self.with_store(move |store| {
            for run in store.runs()?.into_iter().filter(|run| run.name == name) {
                store.forget(&run.uid)?;
            }
            Ok(())
        })
        .await
    }
}

fn observe(store: &Store, run: &Run) -> Result<Observation, BackendError> {
    let Run { uid, name, .. } = run;
    // In this order: an engine that ends between the two leaves a complete run.
    let is_alive = store.is_engine_alive(uid)?;
    let known = store.status(uid)?;
    let mut status = known.status;
    let trouble = (!is_alive && !status.phase.is_complete()).then(|| Trouble {
        message: format!(
            "its engine is not running; nothing is lost: run `workflow resume {name}`"
        ),
        command: format!("workflow resume {name}"),
    });
    failure_messages::insert(store, uid, &mut status)?;
    Ok(Observation {
        status,
        outline: Outline::read(&manifests(store, uid)?),
        progress: known.progress,
        gates: store.gates(uid)?,
        trouble,
        ..Observation::default()
    })
}

fn manifests(store: &Store, uid: &str) -> Result<Vec<Value>, BackendError> {
    let manifests = store.manifests(uid)?;
    let values = manifests.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    Ok(values.map_err(LocalError::Manifests)?)
}

/// Returns `fleet workers (group orders, 3 workers)`.
fn describe(job: &WorkerJob) -> String {
    let group = job.labels.get(label::GROUP).filter(|group| !group.is_empty());
    let group = group.map(|group| format!("group {group}, ")).unwrap_or_default();
    let s = if job.active == 1 { "" } else { "s" };
    format!("fleet {} ({group}{} worker{s})", job.display_name, job.active)
}

fn shutdown(mode: StopMode) -> Shutdown {
    match mode {
        StopMode::Stop => Shutdown::Stop,
        StopMode::Terminate => Shutdown::Terminate,
    }
}

fn run_of(record: RunRecord) -> Run {
    let is_complete = record.is_complete();
    let RunRecord { uid, name, created_at, phase, .. } = record;
    Run { name, uid, created_at, phase, is_complete }
}
