//! A state directory, and runs of `/bin/sh` programs in it.

use std::{
    collections::BTreeMap,
    future::pending,
    time::{Duration, Instant},
};

use argo::{NodePhase, NodeStatus, WorkflowStatus};
use engine::{
    Clock, EngineOutcome, Existing, GateState, Options, Programs, Refusal, Store, Submission,
};
use tempfile::TempDir;

/// How long a test waits for what is to happen, at most.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Waits until something is so; panics with `what` if it is not within `limit`.
pub(crate) async fn eventually(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A state directory that is removed when it is dropped.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
}

/// Reads manifests from YAML.
pub(crate) fn manifests(yaml: &str) -> Result<Vec<argo::Manifest>, Vec<Refusal>> {
    let values: Vec<serde_json::Value> = yaml
        .split("\n---\n")
        .map(|document| argo::yaml::read_value(document).expect("YAML"))
        .collect();
    engine::read(&values)
}

/// A Workflow `w` with these templates.
pub(crate) fn workflow(spec: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  entrypoint: main\n{spec}"
    )
}

pub(crate) fn options() -> Options {
    let programs = Programs::in_folder("/nowhere").with_own_command("sh");
    let path = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    Options {
        child_env: path,
        poll: Duration::from_millis(20),
        grace: Duration::from_secs(2),
        job_backoff: Duration::from_millis(10),
        ..Options::new(programs)
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().join("state"), Clock::new(jiff::Timestamp::now))
            .expect("a store");
        Self { folder, store }
    }

    /// Submits a Workflow named `w` with the uid `u1`.
    pub(crate) fn submit(&self, yaml: &str) {
        self.store.submit(submission("u1", yaml)).expect("submitted");
    }

    /// Waits until the first gate of the run waits.
    pub(crate) async fn until_the_gate_waits(&self) {
        let waits = || self.store.gates("u1").expect("gates")[0].state == GateState::Waiting;
        eventually("the gate waits", LIMIT, waits).await;
    }

    /// Runs it to its end.
    pub(crate) async fn finish(&self) -> WorkflowStatus {
        self.finish_with(options()).await
    }

    /// Runs it to its end, with other options.
    pub(crate) async fn finish_with(&self, options: Options) -> WorkflowStatus {
        match engine::run(&self.store, "u1", options, pending()).await.expect("an engine") {
            EngineOutcome::Finished(status) => status,
            EngineOutcome::Interrupted(_) => panic!("it was not interrupted"),
        }
    }
}

pub(crate) fn submission(uid: &str, yaml: &str) -> Submission {
    Submission {
        name: "w".to_owned(),
        uid: uid.to_owned(),
        manifests: manifests(yaml).expect("manifests"),
        created_at: "2026-11-20T10:00:00Z".parse().expect("a time"),
        existing: Existing::Refuse,
    }
}

/// Returns the node of a display name.
#[track_caller]
pub(crate) fn node<'a>(status: &'a WorkflowStatus, display_name: &str) -> &'a NodeStatus {
    let found = status.nodes.values().find(|node| node.display_name == display_name);
    found.unwrap_or_else(|| panic!("no node `{display_name}` in {status:#?}"))
}

/// Returns display names and phases, in the order of names.
pub(crate) fn phases(status: &WorkflowStatus) -> Vec<(&str, NodePhase)> {
    let mut nodes: Vec<&NodeStatus> = status.nodes.values().collect();
    nodes.sort_by_key(|node| &node.name);
    nodes.iter().map(|node| (node.display_name.as_str(), node.phase)).collect()
}

/// Returns what a node's process wrote to its output.
pub(crate) fn said(bench: &Bench, display_name: &str) -> Vec<String> {
    let files = bench.store.log_files("u1").expect("logs");
    let mut lines = Vec::new();
    for file in files.iter().filter(|file| file.display_name == display_name) {
        let text = fs_err::read_to_string(&file.path).expect("a log");
        lines.extend(
            text.lines()
                .map(|line| engine::logs::parse_line(line).expect("a line").text.to_owned()),
        );
    }
    lines
}
