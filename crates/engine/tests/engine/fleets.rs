//! Jobs: the fleet of workers ends, fails, is paused and grows as on a cluster.

use std::path::Path;

use argo::{NodePhase, WorkflowStatus};
use engine::{Options, Programs, Shutdown};

use crate::support::{Bench, LIMIT, eventually, node, options, said, workflow};

/// A Job of three workers that take the items 1 to 5 from a folder.
fn fleet(command: &str, rest: &str) -> String {
    workflow(&format!(
        r#"  templates:
    - name: main
      dag:
        tasks:
          - {{name: workers, template: workers}}
    - name: workers
      resource:
        action: create
        setOwnerReference: true
        successCondition: status.completionTime
        failureCondition: "status.failed > 2"
        manifest: |
          apiVersion: batch/v1
          kind: Job
          metadata: {{generateName: fleet-}}
          spec:
            parallelism: 3
            backoffLimit: 2
            template:
              spec:
                restartPolicy: Never
                containers: [{{name: main, image: sh, command: [sh, -c, '{command}']}}]
{rest}"#
    ))
}

#[tokio::test]
async fn a_fleet_is_done_when_all_have_ended_and_one_succeeded() {
    let bench = Bench::new();
    bench.submit(&fleet("echo $HOSTNAME", ""));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert_eq!(said(&bench, "workers").len(), 3);
}

#[tokio::test]
async fn a_fleet_whose_workers_fail_too_often_fails() {
    let bench = Bench::new();
    bench.submit(&fleet("echo up; exit 1", ""));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Failed);
    assert!(said(&bench, "workers").len() >= 3);
    let message = node(&status, "workers").message.clone().expect("a message");
    assert!(message.contains("status.failed > 2"), "{message}");
}

#[tokio::test]
async fn a_fleet_ends_with_its_run() {
    for shutdown in [Shutdown::Stop, Shutdown::Terminate] {
        let bench = Bench::new();
        bench.submit(&fleet("echo $$; while :; do sleep 0.02; done", ""));
        let stopping = async {
            eventually("three workers run", LIMIT, || said(&bench, "workers").len() == 3).await;
            assert!(bench.store.request_stop("u1", shutdown).expect("asked"));
        };
        let status = tokio::join!(bench.finish(), stopping).0;
        assert_eq!(status.phase, NodePhase::Failed);
        assert_eq!(bench.store.worker_jobs("u1").expect("Jobs")[0].active, 0);
        let pids = said(&bench, "workers");
        let is_gone = |pid: &String| !Path::new("/proc").join(pid).exists();
        eventually("the workers are gone", LIMIT, || pids.iter().all(is_gone)).await;
    }
}

/// A fleet beside a step that follows it and learns when it fails.
fn followed(image: &str, folder: &Path) -> String {
    let folder = folder.display();
    workflow(&format!(
        r#"  templates:
    - name: main
      metadata: {{annotations: {{argosy.dev/retry: whole}}}}
      steps:
        - [{{name: prepare, template: sh, arguments: {{parameters: [{{name: text, value: "rm -f {folder}/note"}}]}}}}]
        - - {{name: fleet, template: fleet}}
          - name: follow
            template: sh
            arguments: {{parameters: [{{name: text, value: "while ! test -e {folder}/note -o -e {folder}/done; do sleep 0.02; done; test -e {folder}/done"}}]}}
    - name: fleet
      dag:
        tasks:
          - {{name: workers, template: workers}}
          - name: give-up
            template: sh
            arguments: {{parameters: [{{name: text, value: "touch {folder}/note; exit 1"}}]}}
            depends: workers.Failed || workers.Errored
    - name: sh
      inputs: {{parameters: [{{name: text}}]}}
      container: {{image: sh, command: [sh, -c], args: ["{{{{inputs.parameters.text}}}}"]}}
    - name: workers
      resource:
        action: create
        setOwnerReference: true
        successCondition: status.completionTime
        failureCondition: "status.failed > 1"
        manifest: |
          apiVersion: batch/v1
          kind: Job
          metadata: {{generateName: fleet-}}
          spec:
            parallelism: 2
            backoffLimit: 1
            template:
              spec:
                restartPolicy: Never
                containers: [{{name: main, image: {image}, command: [sh, -c, 'test -e {folder}/fixed && touch {folder}/done']}}]
"#
    ))
}

/// Names and phases of the parts of [`followed`].
fn parts(status: &WorkflowStatus) -> [(&'static str, NodePhase); 5] {
    ["prepare", "fleet", "workers", "give-up", "follow"]
        .map(|name| (name, node(status, name).phase))
}

#[tokio::test]
async fn a_fleet_that_fails_or_cannot_start_ends_who_follows_it_and_starts_again_when_mended() {
    use NodePhase::{Error, Failed, Omitted, Succeeded};
    // The first one fails too often; of the second one there is no program.
    for (image, workers) in [("sh", Failed), ("fleet", Error)] {
        let bench = Bench::new();
        let folder = bench.folder.path();
        let programs = Programs::in_folder(folder).with_own_command("sh");
        let options = || Options { programs: programs.clone(), ..options() };
        bench.submit(&followed(image, folder));
        let status = bench.finish_with(options()).await;
        assert_eq!(status.phase, Failed);
        assert_eq!(
            parts(&status),
            [
                ("prepare", Succeeded),
                ("fleet", Failed),
                ("workers", workers),
                ("give-up", Failed),
                ("follow", Failed)
            ]
        );

        fs_err::write(folder.join("fixed"), "").expect("written");
        std::os::unix::fs::symlink("/bin/sh", folder.join("fleet")).expect("a program");
        bench.store.resume("u1").expect("resumed");
        let status = bench.finish_with(options()).await;
        assert_eq!(status.phase, Succeeded, "{status:#?}");
        assert_eq!(
            parts(&status),
            [
                ("prepare", Succeeded),
                ("fleet", Succeeded),
                ("workers", Succeeded),
                ("give-up", Omitted),
                ("follow", Succeeded)
            ]
        );
    }
}
