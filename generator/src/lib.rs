//! The compiler: a migration file to Argo manifests, a pure library.
//!
//! ```text
//!  source text --document--> Document --check--> file without errors --config--> Config
//!      values with places      one rule a file                       proved types
//!
//!  Config --plan--> Plan --render--> Vec<Manifest>
//!           tasks, gates, names      Argo's objects
//! ```
//!
//! It reads no clock, environment, network or random source: the same file and the same
//! [`Installation`] give the same bytes.

mod check;
mod config;
mod document;
pub mod findings;
mod installation;
mod kinds;
pub mod plan;
mod pointer;
mod render;
pub mod schema;

use std::{collections::BTreeMap, fmt};

use argo::Manifest;

use crate::findings::Report;

pub use check::{Rule, rules};
pub use findings::{Finding, Findings, Severity};
pub use installation::{DefaultRepository, Installation, SnapshotVolume, Steps};
pub use plan::Plan;

/// What came of a compilation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Everything that was found, in the order of the file.
    pub findings: Findings,
    /// The result; absent when a finding is an error.
    pub output: Option<Output>,
}

/// A compiled migration file.
#[derive(Clone, Debug)]
pub struct Output {
    /// What will happen.
    pub plan: Plan,
    /// The objects that make it happen, in the order in which they are to be applied.
    pub manifests: Vec<Manifest>,
    /// Credentials that the file holds in clear text; no manifest has them.
    pub secrets: Vec<ClearTextSecret>,
}

/// Credentials that must become a Secret, or a file that only its owner can read.
#[derive(Clone, PartialEq, Eq)]
pub struct ClearTextSecret {
    /// The Secret's name, as the manifests refer to it.
    pub name: String,
    /// Its entries: `username` and `password`.
    pub data: BTreeMap<String, String>,
}

impl fmt::Debug for ClearTextSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, data } = self;
        formatter
            .debug_struct("ClearTextSecret")
            .field("name", name)
            .field("keys", &data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Returns what no migration file changes: the account of the pods and what it may do, and the
/// WorkflowTemplates of the steps. Every migration brings them along.
pub fn shared_manifests(installation: &Installation) -> Vec<Manifest> {
    render::shared(installation)
}

/// The id of the finding that Argo could not keep a run of this file.
pub const RUN_TOO_LARGE: &str = check::size::RUN.id;

/// Compiles a migration file for an installation.
pub fn compile(source: &str, installation: &Installation) -> Compiled {
    let mut findings = Findings::default();
    let output = stages(source, installation, &mut findings);
    findings.sort();
    Compiled { findings, output }
}

fn stages(source: &str, installation: &Installation, findings: &mut Findings) -> Option<Output> {
    let document = document::parse(source, findings)?;
    let (file, broken) = check::structure::read(&document, findings);
    let mut report = Report::new(&document, &broken, findings);
    check::all(&file, installation, &mut report);
    if findings.has_errors() {
        return None;
    }
    let config = config::prove(&file, installation, &mut Report::new(&document, &[], findings))?;
    let plan = kinds::plan(&config, installation);
    let mut report = Report::new(&document, &[], findings);
    check::names::check(&plan, &mut report);
    check::size::check_plan(&plan, &mut report);
    if findings.has_errors() {
        return None;
    }
    let manifests = render::render(&plan, installation);
    let mut report = Report::new(&document, &[], findings);
    let templates = check::size::check_manifests(&manifests, &mut report);
    if installation.steps == Steps::Pods {
        check::size::check_run(&plan, templates, &mut report);
    }
    if findings.has_errors() {
        return None;
    }
    Some(Output { plan, manifests, secrets: config.secrets })
}
