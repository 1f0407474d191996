//! Jobs: the fleet of workers ends, fails, is paused and grows as on a cluster.

use std::time::Duration;

use crate::support::{Bench, node, said, workflow};
use argo::NodePhase;
use engine::Pause;

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
async fn a_fleet_can_be_paused_and_given_more_workers() {
    let bench = Bench::new();
    let command = format!(
        "echo up; while ! test -e {}/go; do sleep 0.02; done",
        bench.folder.path().display()
    );
    bench.submit(&fleet(&command, ""));
    let up = async |count: usize| {
        while bench.store.log_files("u1").expect("logs").is_empty()
            || said(&bench, "workers").len() < count
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let managing = async {
        up(3).await;
        let fleets = bench.store.fleets("u1").expect("fleets");
        assert_eq!((fleets[0].parallelism, fleets[0].active), (3, 3));
        let id = fleets[0].node.clone();
        bench.store.change_job("u1", &id, None, Some(Pause::Paused)).expect("paused");
        bench.store.change_job("u1", &id, Some(5), Some(Pause::Running)).expect("resumed");
        up(5).await;
        fs_err::write(bench.folder.path().join("go"), "").expect("written");
    };
    let status = tokio::join!(bench.finish(), managing).0;
    assert_eq!(status.phase, NodePhase::Succeeded, "{status:#?}");
    assert_eq!(node(&status, "workers").phase, NodePhase::Succeeded);
}
