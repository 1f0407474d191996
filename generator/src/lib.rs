//! The compiler: a migration file to Argo manifests, a pure library.
//!
//! ```text
//!  source text --document--> Document --check::structure--> MigrationFile
//!      values with places                                       raw types
//!
//!  MigrationFile --config--> Config --kinds--> Plan --render--> Vec<Manifest>
//!      clusters, kinds: each check    tasks, gates, names      Argo's objects
//!      returns what it proved
//! ```
//!
//! It reads no clock, environment, network or random source: the same file and the same
//! [`Installation`] give the same bytes.

mod check;
mod clusters;
mod config;
mod document;
mod file;
pub mod findings;
mod installation;
mod kinds;
mod nearest;
pub mod plan;
mod pointer;
mod render;
mod rule;
mod rules;
pub mod schema;

use argo::Manifest;

use crate::{
    document::Document,
    file::MigrationFile,
    findings::{Findings, report::Report},
    pointer::Pointer,
};

pub use clusters::{
    auth::ClearTextSecret,
    proved::{Cluster, Clusters},
};
pub use findings::Finding;
pub use installation::{DefaultRepository, Installation, SnapshotVolume, Steps};
pub use plan::Plan;
pub use rule::{Rule, Severity};
pub use rules::rules;

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
    finish(&mut findings);
    Compiled { findings, output }
}

/// What came of reading the clusters of a migration file.
#[derive(Clone, Debug)]
pub struct ReadClusters {
    /// Everything that was found about the clusters and the structure of the file.
    pub findings: Findings,
    /// The clusters; absent when a finding is an error.
    pub clusters: Option<Clusters>,
}

/// Reads the clusters of a migration file, whatever its repositories and groups are.
pub fn clusters(source: &str, installation: &Installation) -> ReadClusters {
    let mut findings = Findings::default();
    let clusters = read(source, &mut findings).map(|Read { document, file, broken }| {
        let mut report = Report::new(&document, &broken, &mut findings);
        clusters::reference::prove(&file, &mut report);
        clusters::prove(&file, &installation.workflow_name, &mut report)
    });
    finish(&mut findings);
    ReadClusters { clusters: clusters.filter(|_| !findings.has_errors()), findings }
}

fn stages(source: &str, installation: &Installation, findings: &mut Findings) -> Option<Output> {
    let Read { document, file, broken } = read(source, findings)?;
    let mut report = Report::new(&document, &broken, findings);
    let config = config::prove(&file, installation, &mut report);
    if findings.has_errors() {
        return None;
    }
    let config = config?;
    let plan = kinds::plan(&config.migrations, config.parallelism, installation);
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

/// A file that is readable.
struct Read {
    document: Document,
    file: MigrationFile,
    /// Places that the schema refuses.
    broken: Vec<Pointer>,
}

fn read(source: &str, findings: &mut Findings) -> Option<Read> {
    match document::parse(source) {
        Ok(document) => {
            findings.hide(document.secrets());
            let (file, broken) = check::structure::read(&document, findings);
            Some(Read { document, file, broken })
        }
        Err(problem) => {
            check::structure::unreadable(problem, findings);
            None
        }
    }
}

fn finish(findings: &mut Findings) {
    findings.sort();
    let is_listed = |finding: &Finding| rules().iter().any(|rule| rule.id == finding.id);
    debug_assert!(findings.iter().all(is_listed), "a rule is not in the list of its module");
}
