//! What runs migrations? One interface that the embedded engine and Argo on a cluster both answer.
//!
//! ```text
//!  commands ---> Backend ----+--- local        the engine's store, on this machine
//!     |                      +--- kubernetes   the API server; Argo's controller does the rest
//!     v
//!   view  <--- Sight: Argo's status, the outline of the manifests, the gates
//! ```
//!
//! What a person sees is computed from a [`Sight`], so it is the same on both.

mod keep;
mod logs;
mod sight;

use argo::NodePhase;
use cli_support::output::failure;
use contract::Exit;
use engine::{DecisionOutcome, Shutdown, Verdict};
use generator::Output;
use jiff::Timestamp;
use serde_json::Value;

pub use self::{
    keep::Keep,
    logs::{LogQuery, LogSink, LogSource, is_at_or_below},
    sight::{Sight, Trouble},
};

/// A run of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The workflow's name.
    pub name: String,
    /// Unique among all runs.
    pub uid: String,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// How far it is.
    pub phase: NodePhase,
    /// Whether it has ended.
    pub is_complete: bool,
}

/// What is to be run.
pub struct Submission<'a> {
    /// The workflow's name.
    pub name: &'a str,
    /// What was compiled.
    pub compiled: &'a Output,
    /// The answer to every gate, if they are answered beforehand.
    pub approval: Option<&'a Answer>,
    /// The run of that name that the user knows of; it has ended.
    pub previous: Option<&'a Run>,
}

/// A person's answer to a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which.
    pub verdict: Verdict,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// What became of a wish to end a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// How it was asked to end, if it had begun and had not ended.
    pub asked: Option<Shutdown>,
    /// The fleets of workers that were ended beside the steps, in words.
    pub fleets: Vec<String>,
    /// What else a person should know.
    pub remarks: Vec<String>,
}

impl Stopped {
    /// Says it in lines.
    pub fn lines(&self) -> Vec<String> {
        let Self { asked, fleets, remarks } = self;
        let asked = asked.map(|shutdown| match shutdown {
            Shutdown::Stop => "stopping: running steps end, then the cleanup runs".to_owned(),
            Shutdown::Terminate => "terminating: running steps end, no cleanup runs".to_owned(),
        });
        let fleets = (!fleets.is_empty()).then(|| format!("ended: {}", fleets.join(", ")));
        asked.into_iter().chain(fleets).chain(remarks.iter().cloned()).collect()
    }
}

/// What became of a wish to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// It was running all the time.
    Running,
    /// It goes on where it stopped.
    Continued,
    /// It had failed; this is tried again.
    Retried(Vec<String>),
}

impl Resumed {
    /// Says it of the workflow of that name.
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Self::Running => format!("workflow `{name}` is running already"),
            Self::Continued => format!("workflow `{name}` goes on where it stopped"),
            Self::Retried(again) => format!(
                "workflow `{name}` goes on; what succeeded stays, and this is tried again: {}",
                if again.is_empty() { "what had not begun".to_owned() } else { again.join(", ") }
            ),
        }
    }
}

/// Something that `reset` can remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The name to type.
    pub name: String,
    /// What it is.
    pub kind: HoldingKind,
    /// What it is made of, for people.
    pub parts: Vec<String>,
    /// The holdings that cannot work without it.
    pub needed_by: Vec<String>,
}

/// What a holding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldingKind {
    /// The runs of a workflow; the last one is still running, or has ended so.
    Workflow(NodePhase),
    /// What all workflows share.
    Shared,
    /// A capture proxy.
    Proxy,
    /// A volume.
    Storage,
}

/// What runs migrations.
pub trait Backend: Send {
    /// Returns another handle of the same, for another thread.
    fn another(&self) -> anyhow::Result<Box<dyn Backend>>;

    /// Returns the word that `--engine` takes.
    fn word(&self) -> &'static str;

    /// Returns where migration files and credentials are kept.
    fn keep(&self) -> &dyn Keep;

    /// Returns who decides when nobody is named.
    fn user(&self) -> String;

    /// Returns the time, by the clock of what runs the migrations.
    fn now(&self) -> Timestamp;

    /// Returns all runs, the newest first.
    fn runs(&self) -> anyhow::Result<Vec<Run>>;

    /// Returns the newest run of a name.
    fn find(&self, name: &str) -> anyhow::Result<Option<Run>>;

    /// Looks at a run.
    fn look(&self, run: &Run) -> anyhow::Result<Sight>;

    /// Returns what was submitted as a run, as it is kept where it runs.
    fn manifests(&self, run: &Run) -> anyhow::Result<Vec<Value>>;

    /// Starts a run. What has that name by now is not touched, unless it is the previous run.
    fn submit(&self, submission: &Submission<'_>) -> anyhow::Result<Run>;

    /// Answers a gate. Of two people at once, one wins and the other gets
    /// [`DecisionOutcome::NotWaiting`].
    fn decide(&self, run: &Run, gate: &str, answer: &Answer) -> anyhow::Result<DecisionOutcome>;

    /// Asks for the end of a run. Of one that has ended, `Terminate` ends the fleets that are left,
    /// if there are any.
    fn stop(&self, run: &Run, shutdown: Shutdown) -> anyhow::Result<Stopped>;

    /// Goes on with a run that stopped or failed.
    fn resume(&self, run: &Run) -> anyhow::Result<Resumed>;

    /// Hands the lines of the logs of a run to `sink`.
    fn logs(&self, run: &Run, query: &LogQuery, sink: &mut dyn LogSink) -> anyhow::Result<()>;

    /// Returns what `reset` can remove, in the order in which it may be removed.
    fn holdings(&self) -> anyhow::Result<Vec<Holding>>;

    /// Removes a holding; a run of it has ended.
    fn remove(&self, holding: &Holding) -> anyhow::Result<()>;
}

impl dyn Backend + '_ {
    /// Returns the newest run of a name, which must be there.
    pub fn run(&self, name: &str) -> anyhow::Result<Run> {
        self.find(name)?.ok_or_else(|| {
            let message =
                format!("there is no run `{name}`; `workflow status --all` lists what there is");
            failure(Exit::NotFound, message)
        })
    }
}
