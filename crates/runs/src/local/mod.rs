//! The embedded engine as a [`Backend`]: the runs in the state directory of this machine.

mod explain;
mod keep;
mod launch;
mod logs;

use std::{cell::OnceCell, collections::BTreeMap};

use argo::{NodePhase, convention::label::GROUP};
use cli_support::{StateDir, output};
use contract::Exit;
use engine::{
    Clock, DecisionOutcome, Existing, Fleet, RunRecord, Shutdown, Store, StoreError,
    Submission as EngineSubmission,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    backend::{
        Answer, Backend, Holding, HoldingKind, Keep, LogQuery, LogSink, Resumed, Run, Sight,
        Stopped, Submission, Trouble,
    },
    commands::workflow_flag,
    model::Outline,
};

/// The embedded engine.
pub(crate) struct Local {
    state: StateDir,
    store: OnceCell<Store>,
}

impl Local {
    /// Uses a state directory, which is opened at the first use.
    pub(crate) fn new(state: StateDir) -> Self {
        Self { state, store: OnceCell::new() }
    }

    fn store(&self) -> anyhow::Result<&Store> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = open(&self.state)?;
        Ok(self.store.get_or_init(|| store))
    }
}

/// Opens the state directory, with this machine's clock.
pub fn open(state: &StateDir) -> anyhow::Result<Store> {
    Store::open(state.path(), Clock::new(Timestamp::now)).map_err(error)
}

impl Backend for Local {
    fn another(&self) -> anyhow::Result<Box<dyn Backend>> {
        Ok(Box::new(Self::new(self.state.clone())))
    }

    fn word(&self) -> &'static str {
        "local"
    }

    fn keep(&self) -> &dyn Keep {
        &self.state
    }

    fn user(&self) -> String {
        whoami::username().unwrap_or_else(|_| "unknown".to_owned())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn runs(&self) -> anyhow::Result<Vec<Run>> {
        Ok(self.store()?.runs().map_err(error)?.into_iter().map(run).collect())
    }

    fn find(&self, name: &str) -> anyhow::Result<Option<Run>> {
        match self.store()?.run(name) {
            Ok(record) => Ok(Some(run(record))),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(other) => Err(error(other)),
        }
    }

    fn look(&self, run: &Run) -> anyhow::Result<Sight> {
        let store = self.store()?;
        let Run { uid, name, .. } = run;
        // The order matters: an engine that ends between the two looks leaves a complete run.
        let alive = store.is_engine_alive(uid)?;
        let known = store.status(uid)?;
        let mut status = known.status;
        let trouble = (!alive && !status.phase.is_complete()).then(|| Trouble {
            message: format!(
                "its engine is not running; nothing is lost: run `workflow resume {name}`"
            ),
            command: format!("workflow resume {name}"),
        });
        explain::failures(store, uid, &mut status)?;
        let objects = self.manifests(run)?;
        Ok(Sight {
            status,
            outline: Outline::read(&objects),
            progress: known.progress,
            gates: store.gates(uid)?,
            trouble,
            notes: Vec::new(),
            cleanup_held: None,
        })
    }

    fn manifests(&self, run: &Run) -> anyhow::Result<Vec<Value>> {
        let manifests = self.store()?.manifests(&run.uid)?;
        Ok(manifests.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
    }

    fn submit(&self, submission: &Submission<'_>) -> anyhow::Result<Run> {
        let store = self.store()?;
        let Submission { name, compiled, approval, previous: _ } = submission;
        for secret in &compiled.secrets {
            self.keep().keep_credentials(&secret.name, &secret.data)?;
        }
        let record = store
            .submit(EngineSubmission {
                name: (*name).to_owned(),
                uid: uuid::Uuid::new_v4().to_string(),
                manifests: compiled.manifests.clone(),
                created_at: Timestamp::now(),
                existing: Existing::Refuse,
            })
            .map_err(|refused| match refused {
                StoreError::Conflict { name, .. } => output::failure(
                    Exit::Conflict,
                    format!(
                        "somebody else has just submitted `{name}`; look with `workflow status{}`",
                        workflow_flag(&name)
                    ),
                ),
                other => error(other),
            })?;
        let run = run(record);
        if let Some(answer) = approval {
            for gate in store.gates(&run.uid)? {
                self.decide(&run, &gate.name, answer)?;
            }
        }
        launch::engine(&self.state, store, &run.uid)?;
        Ok(run)
    }

    fn decide(&self, run: &Run, gate: &str, answer: &Answer) -> anyhow::Result<DecisionOutcome> {
        let Answer { verdict, by, reason } = answer;
        Ok(self.store()?.decide(&run.uid, gate, *verdict, by, reason.as_deref())?)
    }

    /// A run whose engine died gets one again, to end it in good order. The engine ends the fleets:
    /// none is left behind by a run that has ended.
    fn stop(&self, run: &Run, shutdown: Shutdown) -> anyhow::Result<Stopped> {
        if run.is_complete {
            return Ok(Stopped::default());
        }
        let store = self.store()?;
        let fleets = store.fleets(&run.uid).map_err(error)?;
        let at_work = fleets.iter().filter(|fleet| fleet.active > 0);
        let fleets = at_work.map(fleet_in_words).collect();
        store.request_stop(&run.uid, shutdown).map_err(error)?;
        if !store.is_engine_alive(&run.uid)? {
            launch::engine(&self.state, store, &run.uid)?;
        }
        Ok(Stopped { asked: Some(shutdown), fleets, remarks: Vec::new() })
    }

    fn resume(&self, run: &Run) -> anyhow::Result<Resumed> {
        let store = self.store()?;
        if run.is_complete {
            let again = store.reopen(&run.uid).map_err(error)?;
            launch::engine(&self.state, store, &run.uid)?;
            return Ok(Resumed::Retried(again));
        }
        if store.is_engine_alive(&run.uid)? {
            return Ok(Resumed::Running);
        }
        launch::engine(&self.state, store, &run.uid)?;
        Ok(Resumed::Continued)
    }

    fn logs(&self, run: &Run, query: &LogQuery, sink: &mut dyn LogSink) -> anyhow::Result<()> {
        logs::read(self.store()?, run, query, sink)
    }

    fn holdings(&self) -> anyhow::Result<Vec<Holding>> {
        let mut by_name: BTreeMap<String, Vec<Run>> = BTreeMap::new();
        for run in self.runs()? {
            by_name.entry(run.name.clone()).or_default().push(run);
        }
        let holding = |(name, runs): (String, Vec<Run>)| Holding {
            name,
            kind: HoldingKind::Workflow(
                runs.first().map_or(NodePhase::Pending, |newest| newest.phase),
            ),
            parts: runs.iter().map(|run| format!("run {}", run.uid)).collect(),
            needed_by: Vec::new(),
        };
        Ok(by_name.into_iter().map(holding).collect())
    }

    fn remove(&self, holding: &Holding) -> anyhow::Result<()> {
        let store = self.store()?;
        for run in self.runs()?.into_iter().filter(|run| run.name == holding.name) {
            store.forget(&run.uid).map_err(error)?;
        }
        Ok(())
    }
}

/// `workers (group orders, 3 workers)`.
fn fleet_in_words(fleet: &Fleet) -> String {
    let group = fleet.labels.get(GROUP).filter(|group| !group.is_empty());
    let group = group.map(|group| format!("group {group}, ")).unwrap_or_default();
    let s = if fleet.active == 1 { "" } else { "s" };
    format!("fleet {} ({group}{} worker{s})", fleet.display_name, fleet.active)
}

fn run(record: RunRecord) -> Run {
    let is_complete = record.is_complete();
    let RunRecord { uid, name, created_at, phase, .. } = record;
    Run { name, uid, created_at, phase, is_complete }
}

/// Gives an error of the store its exit code.
fn error(error: StoreError) -> anyhow::Error {
    let exit = match &error {
        StoreError::NotFound(_) => Exit::NotFound,
        StoreError::Conflict { .. }
        | StoreError::EngineAlive { .. }
        | StoreError::NotFailed { .. }
        | StoreError::Superseded { .. } => Exit::Conflict,
        StoreError::Refused(_) | StoreError::Submission(_) => Exit::Invalid,
        StoreError::Files(_)
        | StoreError::Database(_)
        | StoreError::Journal(_)
        | StoreError::Version(_)
        | StoreError::Stored { .. } => Exit::Failed,
    };
    let hint = match &error {
        StoreError::EngineAlive { .. } => "; run `workflow stop`",
        StoreError::NotFailed { .. } => "; `workflow submit` starts it again from the beginning",
        StoreError::NotFound(_) => "; `workflow status --all` lists the runs that exist",
        _ => "",
    };
    let message = format!("{:#}{hint}", anyhow::Error::new(error));
    output::failure(exit, message)
}
