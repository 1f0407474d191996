//! Real engines, killed and started again; two engines; two people.

use std::{future::pending, path::Path, process::Stdio};

use argo::NodePhase;
use engine::{Clock, EngineOutcome, Existing, RunError, Shutdown, Store, StoreError};

use crate::support::{Bench, LIMIT, eventually, node, options, submission};

/// Three steps: one that counts, one that waits for a file, one that counts.
fn workflow(folder: &Path) -> String {
    format!(
        r#"apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: w}}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {{name: first, template: count}}
        - - {{name: second, template: wait}}
        - - {{name: third, template: count}}
    - name: count
      container: {{image: sh, workingDir: {folder}, command: [sh, -c, "echo . >>count"]}}
    - name: wait
      container:
        image: sh
        workingDir: {folder}
        command:
          - sh
          - -c
          - |
            for old in $(cat pids 2>/dev/null); do grep -qs . /proc/$old/cmdline && echo $old >>overlap; done
            echo $$ >>pids
            while ! test -e go; do sleep 0.02; done
"#,
        folder = folder.display()
    )
}

fn lines(path: &Path) -> usize {
    fs_err::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// Waits until the waiting step was started as often as `count` says.
async fn until_started(folder: &Path, count: usize) {
    let pids = folder.join("pids");
    eventually("the waiting step is started", LIMIT, || lines(&pids) == count).await;
}

#[tokio::test]
async fn an_engine_that_is_killed_is_followed_by_one_that_goes_on() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    bench.submit(&workflow(folder));
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_engine-process"))
        .arg(folder.join("state"))
        .arg("u1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    until_started(folder, 1).await;
    assert!(bench.store.is_engine_alive("u1").expect("asked"));
    let second = engine::run(&bench.store, "u1", options(), pending()).await;
    assert!(matches!(second, Err(RunError::AlreadyRunning)), "{second:?}");

    child.kill().await.expect("killed");
    assert!(!bench.store.is_engine_alive("u1").expect("asked"));
    let status = bench.store.status("u1").expect("a status").status;
    assert_eq!(status.phase, NodePhase::Running);
    assert_eq!(node(&status, "second").phase, NodePhase::Running);

    let going = async {
        until_started(folder, 2).await;
        fs_err::write(folder.join("go"), "").expect("written");
    };
    let status = tokio::join!(bench.finish(), going).0;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert_eq!(lines(&folder.join("count")), 2, "the first step did not run again");
    assert_eq!(lines(&folder.join("overlap")), 0, "the old process was gone");
}

#[tokio::test]
async fn an_engine_that_is_interrupted_ends_its_processes_and_can_go_on() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    bench.submit(&workflow(folder));
    let interrupt = until_started(folder, 1);
    let ended = engine::run(&bench.store, "u1", options(), interrupt).await.expect("an engine");
    let EngineOutcome::Interrupted(status) = ended else { panic!("it was interrupted") };
    assert_eq!(status.phase, NodePhase::Running);
    fs_err::write(folder.join("go"), "").expect("written");
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert_eq!(lines(&folder.join("overlap")), 0);
    assert_eq!(lines(&folder.join("pids")), 2);
}

#[tokio::test]
async fn a_run_that_is_stopped_while_no_engine_is_at_work_ends_when_one_is() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    bench.submit(&workflow(folder));
    let interrupt = until_started(folder, 1);
    engine::run(&bench.store, "u1", options(), interrupt).await.expect("an engine");
    assert!(bench.store.request_stop("u1", Shutdown::Stop).expect("asked"));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(lines(&folder.join("pids")), 1, "nothing was started again");
}

#[test]
fn of_two_submissions_of_one_name_at_once_one_wins() {
    let bench = Bench::new();
    let yaml = workflow(bench.folder.path());
    let submit = |uid: &'static str| {
        let state = bench.folder.path().join("state");
        let yaml = yaml.clone();
        std::thread::spawn(move || {
            let store = Store::open(state, Clock::new(jiff::Timestamp::now)).expect("a store");
            store.submit(submission(uid, &yaml)).map(|run| run.uid)
        })
    };
    let threads: Vec<_> = ["a", "b", "c", "d"].map(submit).into_iter().collect();
    let results: Vec<_> =
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let winners: Vec<&String> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1);
    for result in &results {
        if let Err(error) = result {
            assert!(
                matches!(error, StoreError::Conflict { uid, .. } if uid == winners[0]),
                "{error}"
            );
        }
    }
}

#[test]
fn a_new_state_directory_can_be_opened_by_several_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let state = folder.path().join("state");
            std::thread::spawn(move || Store::open(state, Clock::new(jiff::Timestamp::now)))
        })
        .collect();
    for thread in threads {
        let store = thread.join().expect("no panic").expect("a store");
        assert!(store.runs().expect("runs").is_empty());
    }
}

#[tokio::test]
async fn a_name_is_free_again_when_its_run_has_ended() {
    let bench = Bench::new();
    let yaml = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {entrypoint: main, templates: [{name: main, container: {image: sh, command: ['true']}}]}\n";
    bench.submit(yaml);
    let early = bench.store.submit(submission("u2", yaml));
    assert!(matches!(early, Err(StoreError::Conflict { .. })));
    bench.finish().await;
    bench.store.submit(submission("u2", yaml)).expect("submitted");
    let over = submission("u3", yaml);
    let third = bench.store.submit(engine::Submission { existing: Existing::Abandon, ..over });
    third.expect("submitted over one that no engine runs");
    let runs = bench.store.runs().expect("runs");
    let seen: Vec<_> = runs.iter().map(|run| (run.uid.as_str(), run.phase)).collect();
    assert_eq!(
        seen,
        [("u3", NodePhase::Pending), ("u2", NodePhase::Error), ("u1", NodePhase::Succeeded)]
    );
    assert_eq!(bench.store.run("w").expect("a run").uid, "u3");
    bench.store.forget("u1").expect("forgotten");
    assert!(!bench.store.run_folder("u1").exists());
    assert!(matches!(bench.store.status("u1"), Err(StoreError::NotFound(_))));
}
