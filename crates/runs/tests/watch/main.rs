//! A watch yields the run as it is now and after every change, long before its interval: of the
//! embedded engine, and of Argo behind an API server that is played here.

mod api_server;

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use api_server::ApiServer;
use argo::NodePhase;
use clap::Parser;
use cli_support::CommonFlags;
use engine::{Clock, Existing, Options, Programs, Store, Submission};
use futures::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use runs::{
    Backend, BackendError, Decision, DecisionOutcome, NodeWaiting, Notices, RunModel, Verdict,
};

/// The longest that a change may take to be seen.
const LIMIT: Duration = Duration::from_secs(30);
/// An interval that no test lives to see.
const NEVER: Duration = Duration::from_hours(1);

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: CommonFlags,
}

fn backend(arguments: &[&str]) -> Arc<dyn Backend> {
    let words = ["test"].into_iter().chain(arguments.iter().copied());
    let flags = Arguments::parse_from(words);
    runs::open(&flags.common, Notices::ignored()).expect("an engine")
}

/// Reads a watch until a model is as wanted.
async fn until(
    models: &mut BoxStream<'_, Result<RunModel, BackendError>>,
    is_wanted: impl Fn(&RunModel) -> bool,
) -> RunModel {
    let reading = async {
        loop {
            let model = models.next().await.expect("a watch does not end").expect("a model");
            if is_wanted(&model) {
                return model;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("the change is seen")
}

const MANIFESTS: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: main}
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - {name: evaluate-metadata, template: step}
          - {name: gate, template: look-at-it, depends: evaluate-metadata}
    - name: look-at-it
      inputs:
        parameters:
          - name: decision
            valueFrom:
              configMapKeyRef: {name: "{{workflow.name}}-decisions", key: look-at-it, optional: true}
              default: pending
      steps:
        - - name: look-at-it
            template: wait
            when: '"{{inputs.parameters.decision}}" != "approved"'
    - {name: wait, suspend: {}}
    - {name: step, container: {image: argosy-step, command: [/argosy-step]}}
"#;

/// Writes a program that stands for the image `argosy-step`.
fn write_step(folder: &Path) {
    let step = folder.join("argosy-step");
    fs_err::write(&step, "#!/bin/sh\nexit 0\n").expect("a program");
    fs_err::set_permissions(&step, std::fs::Permissions::from_mode(0o755)).expect("a program");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_the_embedded_engine_is_watched_to_its_end() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    write_step(folder.path());
    let state = folder.path().join("state");
    let store = Store::open(&state, Clock::new(Timestamp::now)).expect("a store");
    let value = argo::yaml::read_value(MANIFESTS).expect("YAML");
    let submission = Submission {
        name: "main".to_owned(),
        uid: "u1".to_owned(),
        manifests: engine::read(&[value]).expect("manifests"),
        created_at: Timestamp::now(),
        existing: Existing::Refuse,
    };
    store.submit(submission).expect("submitted");
    let state = state.display().to_string();
    let backend = backend(&["--engine", "local", "--state-dir", &state]);
    let mut models = backend.watch("main", NEVER);
    let first = until(&mut models, |_| true).await;
    assert_eq!((first.name.as_str(), first.uid.as_str()), ("main", "u1"));
    assert!(first.trouble.is_some(), "there is no engine yet: {first:?}");

    let programs = Programs::in_folder(folder.path());
    let options = Options::new(programs);
    let never = std::future::pending::<()>();
    let engine = async { engine::run(&store, "u1", options, never).await.expect("an engine") };
    let watch = async {
        let is_waiting = |model: &RunModel| model.waiting_gates().next().is_some();
        let model = until(&mut models, is_waiting).await;
        let gate = model.nodes.iter().find(|node| node.is_waiting_gate()).expect("a gate");
        let Some(NodeWaiting::Decision { since, approve, .. }) = &gate.waiting else {
            panic!("{gate:?}");
        };
        assert!(since.is_some());
        assert_eq!(approve, "workflow approve step look-at-it --workflow-name main");
        let by = "ann".to_owned();
        let decision = Decision { verdict: Verdict::Approved, by, reason: None };
        let outcome = backend.decide(&model.run(), "look-at-it", &decision).await;
        assert_eq!(outcome.expect("decided"), DecisionOutcome::Recorded);
        let model = until(&mut models, RunModel::has_ended).await;
        assert_eq!(model.phase, NodePhase::Succeeded);
        assert_eq!(model.gates[0].by.as_deref(), Some("ann"));
        // The model is what is printed and served, and is read back as it was.
        let text = serde_json::to_string(&model).expect("JSON");
        let read: RunModel = serde_json::from_str(&text).expect("a model");
        assert_eq!((&read.gates, read.phase), (&model.gates, model.phase));
    };
    tokio::join!(engine, watch);
}

#[tokio::test]
async fn a_run_on_argo_is_watched_by_the_api_server() {
    let server = ApiServer::start(true).await;
    let kubeconfig = server.kubeconfig();
    let backend = backend(&["--engine", "argo", "--kubeconfig", &kubeconfig]);
    let mut models = backend.watch("w", NEVER);
    let first = until(&mut models, |_| true).await;
    assert_eq!((first.uid.as_str(), first.phase), ("u1", NodePhase::Running));
    let change = async {
        server.until_watched().await;
        server.set_phase("Succeeded");
    };
    let (last, ()) = tokio::join!(until(&mut models, RunModel::has_ended), change);
    assert_eq!(last.phase, NodePhase::Succeeded);
}

#[tokio::test]
async fn an_account_that_may_not_watch_sees_changes_after_the_interval() {
    let server = ApiServer::start(false).await;
    let kubeconfig = server.kubeconfig();
    let backend = backend(&["--engine", "argo", "--kubeconfig", &kubeconfig]);
    let mut models = backend.watch("w", Duration::from_millis(300));
    until(&mut models, |_| true).await;
    server.set_phase("Failed");
    let last = until(&mut models, RunModel::has_ended).await;
    assert_eq!(last.phase, NodePhase::Failed);
}
