//! Runs that failed, or were stopped, and are resumed.

use std::path::Path;

use argo::{NodePhase, WorkflowStatus};
use engine::{GateState, Shutdown, StoreError, Verdict};

use crate::support::{Bench, LIMIT, eventually, node, options, submission};

/// First, then two concurrently, of which one needs the file `go`; then a last one.
fn workflow(folder: &Path, retry: &str) -> String {
    format!(
        r#"apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: w}}
spec:
  entrypoint: main
  onExit: tidy
  templates:
    - name: main
      dag:
        tasks:
          - {{name: before, template: one, arguments: {{parameters: [{{name: file, value: before}}]}}}}
          - {{name: piece, template: piece, depends: before}}
          - {{name: gate, template: wait, depends: piece}}
          - {{name: after, template: one, depends: gate, arguments: {{parameters: [{{name: file, value: after}}]}}}}
    - name: piece
      metadata: {{annotations: {{argosy.dev/retry: "{retry}"}}}}
      steps:
        - - {{name: first, template: one, arguments: {{parameters: [{{name: file, value: first}}]}}}}
        - - {{name: beside, template: one, arguments: {{parameters: [{{name: file, value: beside}}]}}}}
          - {{name: needs, template: needs}}
    - name: one
      inputs: {{parameters: [{{name: file}}]}}
      container: {{image: sh, workingDir: {folder}, command: [sh, -c, 'echo . >>"$0"', "{{{{inputs.parameters.file}}}}"]}}
    - name: needs
      retryStrategy: {{limit: "1"}}
      container: {{image: sh, workingDir: {folder}, command: [sh, -c, "echo . >>needs; test -e go"]}}
    - name: wait
      suspend: {{}}
    - name: tidy
      container: {{image: sh, workingDir: {folder}, command: [sh, -c, "echo {{{{workflow.status}}}} >>tidy"]}}
"#,
        folder = folder.display()
    )
}

fn text(folder: &Path, file: &str) -> String {
    fs_err::read_to_string(folder.join(file)).unwrap_or_default().replace('\n', "")
}

/// Runs it to its end, and approves its gate when it waits.
async fn answered(bench: &Bench, verdict: Verdict) -> WorkflowStatus {
    let answering = async {
        bench.until_the_gate_waits().await;
        bench.store.decide("u1", "gate", verdict, "ann", None).expect("decided");
    };
    tokio::join!(bench.finish(), answering).0
}

#[tokio::test]
async fn what_failed_is_tried_again_and_what_succeeded_is_not() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    bench.submit(&workflow(folder, ""));
    assert_eq!(bench.finish().await.phase, NodePhase::Failed);
    assert_eq!(text(folder, "needs"), "..");

    fs_err::write(folder.join("go"), "").expect("written");
    assert_eq!(bench.store.resume("u1").expect("resumed"), ["needs"]);
    let status = bench.store.status("u1").expect("a status").status;
    assert_eq!(
        (status.phase, status.finished_at, status.message),
        (NodePhase::Running, None, None)
    );
    let run = bench.store.run("w").expect("a run");
    assert_eq!((run.phase, run.is_complete()), (NodePhase::Running, false));
    assert!(matches!(
        bench.store.submit(submission("u2", &workflow(folder, ""))),
        Err(StoreError::Conflict { .. })
    ));

    let status = answered(&bench, Verdict::Approved).await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert!(status.nodes.values().all(|node| node.phase == NodePhase::Succeeded), "{status:#?}");
    for file in ["before", "first", "beside", "after"] {
        assert_eq!(text(folder, file), ".", "`{file}` ran once");
    }
    assert_eq!(text(folder, "needs"), "...");
    assert_eq!(text(folder, "tidy"), "FailedSucceeded");
    let over = bench.store.resume("u1");
    assert!(matches!(over, Err(StoreError::NotFailed { .. })), "{over:?}");
}

#[tokio::test]
async fn a_template_that_is_one_piece_is_tried_again_whole() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    bench.submit(&workflow(folder, "whole"));
    assert_eq!(bench.finish().await.phase, NodePhase::Failed);
    fs_err::write(folder.join("go"), "").expect("written");
    assert_eq!(bench.store.resume("u1").expect("resumed"), ["piece"]);
    assert_eq!(answered(&bench, Verdict::Approved).await.phase, NodePhase::Succeeded);
    assert_eq!(text(folder, "before"), ".");
    assert_eq!((text(folder, "first"), text(folder, "beside")), ("..".to_owned(), "..".to_owned()));
}

#[tokio::test]
async fn a_rejected_gate_asks_again() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    fs_err::write(folder.join("go"), "").expect("written");
    bench.submit(&workflow(folder, ""));
    let status = answered(&bench, Verdict::Rejected).await;
    assert_eq!(node(&status, "after").phase, NodePhase::Omitted);
    assert_eq!(bench.store.resume("u1").expect("resumed"), ["gate"]);
    assert_eq!(bench.store.gates("u1").expect("gates")[0].state, GateState::Pending);
    assert_eq!(answered(&bench, Verdict::Approved).await.phase, NodePhase::Succeeded);
    assert_eq!((text(folder, "needs"), text(folder, "after")), (".".to_owned(), ".".to_owned()));
}

#[tokio::test]
async fn a_stopped_run_goes_on_and_can_be_stopped_again() {
    for shutdown in [Shutdown::Stop, Shutdown::Terminate] {
        let bench = Bench::new();
        let folder = bench.folder.path();
        fs_err::write(folder.join("go"), "").expect("written");
        bench.submit(&workflow(folder, ""));
        for _ in 0..2 {
            let stopping = async {
                bench.until_the_gate_waits().await;
                assert!(bench.store.request_stop("u1", shutdown).expect("asked"));
            };
            let status = tokio::join!(bench.finish(), stopping).0;
            assert_eq!(status.phase, NodePhase::Failed);
            assert_eq!(bench.store.resume("u1").expect("resumed"), ["gate"]);
            assert_eq!(bench.store.status("u1").expect("a status").shutdown, None);
        }
        assert_eq!(answered(&bench, Verdict::Approved).await.phase, NodePhase::Succeeded);
        assert_eq!(text(folder, "needs"), ".");
    }
}

#[tokio::test]
async fn a_run_that_is_alive_or_not_the_newest_is_not_resumed() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    let yaml = workflow(folder, "");
    bench.submit(&yaml);
    let early = bench.store.resume("u1");
    assert!(matches!(early, Err(StoreError::NotFailed { .. })), "{early:?}");
    bench.finish().await;
    bench.store.submit(submission("u2", &yaml)).expect("submitted");
    let older = bench.store.resume("u1");
    assert!(matches!(&older, Err(StoreError::Superseded { uid, .. }) if uid == "u2"), "{older:?}");
    let interrupt = async {
        let is_alive = || bench.store.is_engine_alive("u2").expect("asked");
        eventually("an engine is alive", LIMIT, is_alive).await;
        let alive = bench.store.resume("u2");
        assert!(matches!(alive, Err(StoreError::EngineAlive { .. })), "{alive:?}");
    };
    engine::run(&bench.store, "u2", options(), interrupt).await.expect("an engine");
    let unknown = bench.store.resume("u3");
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
    assert!(!bench.store.run_folder("u3").exists());
}
