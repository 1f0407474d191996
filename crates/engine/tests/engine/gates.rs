//! A person at a gate: approve, reject, stop; the same phases and messages as on real Argo.

use argo::{NodePhase, NodeType};
use engine::{DecisionOutcome, GateState, Shutdown, Verdict};

use crate::support::{Bench, LIMIT, eventually, node, said, workflow};

/// A DAG that writes a value, waits at a gate, and reads the value.
fn gated(decisions: &str) -> String {
    let templates = r#"apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: gated}
spec:
  entrypoint: main
  onExit: farewell
  arguments: {parameters: [{name: word, value: forty-two}]}
  templates:
    - name: main
      dag:
        tasks:
          - name: write
            template: write
            arguments: {parameters: [{name: word, value: "{{workflow.parameters.word}}"}]}
          - {name: gate-checked, template: checked, depends: write}
          - name: read
            template: read
            depends: gate-checked
            arguments: {parameters: [{name: value, value: "{{tasks.write.outputs.parameters.value}}"}]}
    - name: write
      inputs: {parameters: [{name: word}]}
      outputs: {parameters: [{name: value, valueFrom: {path: /tmp/value}}]}
      volumes: [{name: tmp, emptyDir: {}}]
      container:
        image: sh
        command: [sh, -c, 'echo "$0" >"$OUT"', "{{inputs.parameters.word}}"]
        env: [{name: OUT, value: /tmp/value}]
        volumeMounts: [{name: tmp, mountPath: /tmp}]
    - name: checked
      inputs:
        parameters:
          - name: decision
            valueFrom: {default: pending, configMapKeyRef: {name: "{{workflow.name}}-decisions", key: checked, optional: true}}
      steps:
        - - {name: checked, templateRef: {name: waits, template: wait}, when: '"{{inputs.parameters.decision}}" != "approved"'}
    - name: read
      inputs: {parameters: [{name: value}]}
      container: {image: sh, command: [echo, "read={{inputs.parameters.value}}"]}
    - name: farewell
      steps: [[{name: tidy, template: tidy}]]
    - name: tidy
      container: {image: sh, command: [echo, "{{workflow.status}}"]}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: waits}
spec: {templates: [{name: wait, suspend: {}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec: {workflowTemplateRef: {name: gated}}
"#;
    format!(
        "{templates}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: w-decisions}}\ndata: {decisions}\n"
    )
}

/// Waits until the gate waits, then calls `then`.
async fn at_the_gate(bench: &Bench, then: impl FnOnce(&Bench)) -> argo::WorkflowStatus {
    let answering = async {
        bench.until_the_gate_waits().await;
        then(bench);
    };
    tokio::join!(bench.finish(), answering).0
}

#[tokio::test]
async fn nothing_after_a_gate_starts_before_it_is_approved() {
    let bench = Bench::new();
    bench.submit(&gated("{}"));
    assert_eq!(bench.store.gates("u1").expect("gates")[0].state, GateState::Pending);
    let status = at_the_gate(&bench, |bench| {
        let status = bench.store.status("u1").expect("a status").status;
        assert!(status.nodes.values().all(|node| node.display_name != "read"));
        assert_eq!(node(&status, "checked").kind, NodeType::Suspend);
        let first =
            bench.store.decide("u1", "checked", Verdict::Approved, "ann", Some("looks right"));
        assert_eq!(first.expect("decided"), DecisionOutcome::Recorded);
        let second = bench.store.decide("u1", "checked", Verdict::Rejected, "bob", None);
        let DecisionOutcome::NotWaiting(gate) = second.expect("decided") else {
            panic!("bob was late")
        };
        assert_eq!((gate.state, gate.by.as_deref()), (GateState::Approved, Some("ann")));
    })
    .await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert_eq!(said(&bench, "read"), ["read=forty-two"]);
    assert_eq!(said(&bench, "tidy"), ["Succeeded"]);
    let gate = node(&status, "checked");
    assert_eq!(gate.message.as_deref(), Some("approved by ann: looks right"));
    let gates = serde_json::to_value(bench.store.gates("u1").expect("gates")).expect("JSON");
    assert_eq!(gates[0]["state"], "approved");
    assert_eq!(gates[0]["reason"], "looks right");
}

#[tokio::test]
async fn a_rejected_gate_leaves_later_tasks_out_and_fails_the_run() {
    let bench = Bench::new();
    bench.submit(&gated("{}"));
    let status = at_the_gate(&bench, |bench| {
        bench.store.decide("u1", "checked", Verdict::Rejected, "ann", None).expect("decided");
    })
    .await;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(node(&status, "read").phase, NodePhase::Omitted);
    assert_eq!(node(&status, "checked").message.as_deref(), Some("rejected by ann"));
    assert_eq!(said(&bench, "tidy"), ["Failed"]);
    assert_eq!(bench.store.gates("u1").expect("gates")[0].state, GateState::Rejected);
}

#[tokio::test]
async fn a_gate_approved_in_advance_does_not_ask() {
    for in_map in [true, false] {
        let bench = Bench::new();
        bench.submit(&gated(if in_map { "{checked: approved}" } else { "{}" }));
        if !in_map {
            let decided = bench.store.decide("u1", "checked", Verdict::Approved, "ann", None);
            assert_eq!(decided.expect("decided"), DecisionOutcome::ApprovedInAdvance);
            let again = bench.store.decide("u1", "checked", Verdict::Approved, "bob", None);
            assert!(matches!(again.expect("decided"), DecisionOutcome::NotWaiting(_)));
        }
        let status = bench.finish().await;
        assert_eq!(status.phase, NodePhase::Succeeded);
        let gate = node(&status, "checked");
        assert_eq!((gate.kind, gate.phase), (NodeType::Skipped, NodePhase::Skipped));
        assert_eq!(
            gate.message.as_deref(),
            Some("when '\"approved\" != \"approved\"' evaluated false")
        );
        assert_eq!(bench.store.gates("u1").expect("gates")[0].state, GateState::Approved);
    }
}

#[tokio::test]
async fn a_rejection_in_advance_and_an_unknown_gate_are_not_taken() {
    let bench = Bench::new();
    bench.submit(&gated("{}"));
    let early = bench.store.decide("u1", "checked", Verdict::Rejected, "ann", None).expect("asked");
    assert!(matches!(early, DecisionOutcome::NotWaiting(gate) if gate.state == GateState::Pending));
    let unknown =
        bench.store.decide("u1", "cheked", Verdict::Approved, "ann", None).expect("asked");
    assert_eq!(unknown, DecisionOutcome::Unknown);
}

#[tokio::test]
async fn a_stop_ends_open_gates_and_runs_the_exit_handler() {
    for (shutdown, handler) in [(Shutdown::Stop, true), (Shutdown::Terminate, false)] {
        let bench = Bench::new();
        bench.submit(&gated("{}"));
        let status = at_the_gate(&bench, |bench| {
            assert!(bench.store.request_stop("u1", shutdown).expect("asked"));
        })
        .await;
        let message = format!("Stopped with strategy '{}'", shutdown.word());
        assert_eq!(status.phase, NodePhase::Failed);
        assert_eq!(status.message.as_ref(), Some(&message));
        assert_eq!(node(&status, "checked").message.as_ref(), Some(&message));
        assert_eq!(node(&status, "checked").phase, NodePhase::Failed);
        let ran = status.nodes.values().any(|node| node.display_name == "tidy");
        assert_eq!(ran, handler);
        assert!(!bench.store.request_stop("u1", shutdown).expect("asked"));
    }
}

#[tokio::test]
async fn a_stop_ends_running_processes() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      dag:
        tasks:
          - {name: long, template: long}
          - {name: after, template: long, depends: long}
    - {name: long, container: {image: sh, command: [sh, -c, "echo up; sleep 600"]}}
"#,
    ));
    let stopping = async {
        eventually("the process writes", LIMIT, || !said(&bench, "long").is_empty()).await;
        bench.store.request_stop("u1", Shutdown::Stop).expect("asked");
    };
    let status = tokio::join!(bench.finish(), stopping).0;
    assert_eq!(status.phase, NodePhase::Failed);
    let long = node(&status, "long");
    assert_eq!(long.message.as_deref(), Some("workflow shutdown with strategy:  Stop"));
    assert_eq!(node(&status, "after").phase, NodePhase::Omitted);
}

#[tokio::test]
async fn a_stop_does_not_reach_a_pause_that_is_over_at_once() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      dag:
        tasks:
          - {name: ask, template: ask}
          - {name: after, template: pass, depends: ask.Failed}
    - {name: ask, suspend: {}}
    - {name: pass, suspend: {duration: "0"}}
"#,
    ));
    let stopping = async {
        let nodes = || bench.store.status("u1").expect("a status").status.nodes.len();
        eventually("the first task has a node", LIMIT, || nodes() >= 2).await;
        bench.store.request_stop("u1", Shutdown::Stop).expect("asked");
    };
    let status = tokio::join!(bench.finish(), stopping).0;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(node(&status, "after").phase, NodePhase::Succeeded);
}
