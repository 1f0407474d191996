//! Workflows as real Argo ran them: the same phases, messages and outputs come out here.

use std::time::Duration;

use crate::support::{Bench, node, phases, said};
use argo::{NodePhase, NodeType};
use engine::{Decided, GateState, Pause, Shutdown, Verdict};

/// A Workflow `w` with these templates.
fn workflow(spec: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  entrypoint: main\n{spec}"
    )
}

#[tokio::test]
async fn one_container_is_one_node() {
    let bench = Bench::new();
    bench.submit(&workflow(
        "  templates: [{name: main, container: {image: sh, command: [echo, hello world]}}]\n",
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert_eq!(phases(&status), [("w", NodePhase::Succeeded)]);
    let root = node(&status, "w");
    assert_eq!((root.kind, root.id.as_str()), (NodeType::Pod, "w"));
    let exit_code = root.outputs.clone().and_then(|outputs| outputs.exit_code);
    assert_eq!(exit_code.as_deref(), Some("0"));
    assert_eq!(said(&bench, "w"), ["hello world"]);
}

#[tokio::test]
async fn the_exit_handler_knows_that_the_run_failed() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  onExit: farewell
  templates:
    - name: main
      container: {image: sh, command: [sh, -c, "exit 3"]}
    - name: farewell
      container: {image: sh, command: [echo, "status={{workflow.status}} failures={{workflow.failures}}"]}
"#,
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(status.message.as_deref(), Some("main: Error (exit code 3)"));
    assert_eq!(node(&status, "w.onExit").phase, NodePhase::Succeeded);
    let said = said(&bench, "w.onExit");
    assert!(said[0].starts_with("status=Failed failures=\"[{"), "{said:?}");
    assert!(said[0].contains("exit code 3"), "{said:?}");
}

#[tokio::test]
async fn a_run_fails_when_only_its_exit_handler_does() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  onExit: farewell
  templates:
    - {name: main, container: {image: sh, command: ["true"]}}
    - {name: farewell, container: {image: sh, command: ["false"]}}
"#,
    ));
    let status = bench.finish().await;
    assert_eq!(node(&status, "w").phase, NodePhase::Succeeded);
    assert_eq!(status.phase, NodePhase::Failed);
}

#[tokio::test]
async fn one_step_an_item_of_a_printed_list_two_at_a_time() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  parallelism: 2
  templates:
    - name: main
      steps:
        - - {name: list, template: list}
        - - name: each
            template: each
            arguments: {parameters: [{name: item, value: "{{item}}"}]}
            withParam: "{{steps.list.outputs.result}}"
        - - name: sum
            template: each
            arguments: {parameters: [{name: item, value: "{{steps.each.outputs.result}}"}]}
    - name: list
      container: {image: sh, command: [sh, -c, 'echo "[1,2,3,4]"']}
    - name: each
      inputs: {parameters: [{name: item}]}
      container: {image: sh, command: [sh, -c, 'echo "$0"', "{{inputs.parameters.item}}"]}
"#,
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    let names: Vec<&str> = phases(&status).iter().map(|(name, _)| *name).collect();
    let expected = [
        "w",
        "[0]",
        "list",
        "[1]",
        "each(0:1)",
        "each(1:2)",
        "each(2:3)",
        "each(3:4)",
        "[2]",
        "sum",
    ];
    assert_eq!(names, expected);
    assert_eq!(said(&bench, "sum"), ["[1,2,3,4]"]);
    let list = node(&status, "list");
    assert_eq!(list.outputs.clone().expect("outputs").result.as_deref(), Some("[1,2,3,4]"));
    assert_eq!(node(&status, "each(0:1)").boundary_id.as_deref(), Some("w"));
}

#[tokio::test]
async fn the_first_attempt_fails_and_the_second_succeeds() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      retryStrategy: {limit: "2", retryPolicy: Always, backoff: {duration: "10ms", factor: "2"}}
      container: {image: sh, command: [sh, -c, 'echo attempt $0; test $0 -ge 1', "{{retries}}"]}
"#,
    ));
    let status = bench.finish().await;
    let expected =
        [("w", NodePhase::Succeeded), ("w(0)", NodePhase::Failed), ("w(1)", NodePhase::Succeeded)];
    assert_eq!(phases(&status), expected);
    let root = node(&status, "w");
    assert_eq!((root.kind, root.children.len()), (NodeType::Retry, 2));
    assert_eq!(said(&bench, "w(1)"), ["attempt 1"]);
}

#[tokio::test]
async fn a_wrong_request_is_not_tried_again() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      retryStrategy: {limit: "5", expression: "asInt(lastRetry.exitCode) == 75"}
      container: {image: sh, command: [sh, -c, "test {{retries}} -ge 1 && exit 2; exit 75"]}
"#,
    ));
    let status = bench.finish().await;
    let root = node(&status, "w");
    assert_eq!((root.phase, root.children.len()), (NodePhase::Failed, 2));
    assert_eq!(root.message.as_deref(), Some("retryStrategy.expression evaluated to false"));
}

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

/// Waits until the gate asks, then calls `then`.
async fn at_the_gate(bench: &Bench, then: impl FnOnce(&Bench)) -> argo::WorkflowStatus {
    let answering = async {
        loop {
            let gates = bench.store.gates("u1").expect("gates");
            if gates[0].state == GateState::Waiting {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
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
        assert_eq!(first.expect("decided"), Decided::Recorded);
        let second = bench.store.decide("u1", "checked", Verdict::Rejected, "bob", None);
        let Decided::NotWaiting(gate) = second.expect("decided") else { panic!("bob was late") };
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
            assert_eq!(decided.expect("decided"), Decided::ApprovedInAdvance);
            let again = bench.store.decide("u1", "checked", Verdict::Approved, "bob", None);
            assert!(matches!(again.expect("decided"), Decided::NotWaiting(_)));
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
    assert!(matches!(early, Decided::NotWaiting(gate) if gate.state == GateState::Pending));
    let unknown =
        bench.store.decide("u1", "cheked", Verdict::Approved, "ann", None).expect("asked");
    assert_eq!(unknown, Decided::Unknown);
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
        while bench.store.log_files("u1").expect("logs").is_empty()
            || said(&bench, "long").is_empty()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bench.store.request_stop("u1", Shutdown::Stop).expect("asked");
    };
    let status = tokio::join!(bench.finish(), stopping).0;
    assert_eq!(status.phase, NodePhase::Failed);
    let long = node(&status, "long");
    assert_eq!(long.message.as_deref(), Some("workflow shutdown with strategy:  Stop"));
    assert_eq!(node(&status, "after").phase, NodePhase::Omitted);
}

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

#[tokio::test]
async fn a_task_in_a_dag_decides_what_depends_on_it() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      dag:
        failFast: false
        tasks:
          - {name: good, template: good}
          - {name: bad, template: bad}
          - {name: after-bad, template: good, depends: bad}
          - {name: after-omitted, template: good, depends: after-bad.Omitted}
          - {name: always, template: good, depends: bad.Failed || bad.Succeeded}
          - {name: both, template: good, depends: good && !bad.Succeeded}
          - {name: skipped, template: good, depends: good, when: "{{tasks.good.status}} == Failed"}
          - {name: after-skipped, template: good, dependencies: [skipped]}
          - {name: code, template: say, depends: bad.Failed, arguments: {parameters: [{name: text, value: "{{tasks.bad.exitCode}}"}]}}
    - {name: good, container: {image: sh, command: ["true"]}}
    - {name: bad, container: {image: sh, command: [sh, -c, "exit 7"]}}
    - {name: say, inputs: {parameters: [{name: text}]}, container: {image: sh, command: [echo, "{{inputs.parameters.text}}"]}}
"#,
    ));
    let status = bench.finish().await;
    // No target failed: what hangs on `bad` came to a good end, so Argo calls the DAG a success.
    let expected = [
        ("w", NodePhase::Succeeded),
        ("after-bad", NodePhase::Omitted),
        ("after-omitted", NodePhase::Succeeded),
        ("after-skipped", NodePhase::Succeeded),
        ("always", NodePhase::Succeeded),
        ("bad", NodePhase::Failed),
        ("both", NodePhase::Succeeded),
        ("code", NodePhase::Succeeded),
        ("good", NodePhase::Succeeded),
        ("skipped", NodePhase::Skipped),
    ];
    assert_eq!(phases(&status), expected);
    assert_eq!(said(&bench, "code"), ["7"]);
}

#[tokio::test]
async fn a_failed_task_does_not_end_a_run_while_a_gate_waits() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      dag:
        tasks:
          - {name: bad, template: bad}
          - {name: ask, template: ask}
          - {name: after, template: good, depends: ask}
    - {name: good, container: {image: sh, command: ["true"]}}
    - {name: bad, container: {image: sh, command: ["false"]}}
    - {name: ask, suspend: {}}
"#,
    ));
    let answering = async {
        loop {
            let status = bench.store.status("u1").expect("a status").status;
            let failed = status.nodes.values().any(|node| node.phase == NodePhase::Failed);
            if failed {
                assert_eq!(status.phase, NodePhase::Running);
                let decided = bench.store.decide("u1", "ask", Verdict::Approved, "ann", None);
                assert_eq!(decided.expect("decided"), Decided::Recorded);
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let status = tokio::join!(bench.finish(), answering).0;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(node(&status, "after").phase, NodePhase::Succeeded);
}

#[tokio::test]
async fn loops_conditions_and_outputs_come_together() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  arguments: {parameters: [{name: coin, value: heads}]}
  templates:
    - name: main
      outputs: {parameters: [{name: all, valueFrom: {parameter: "{{tasks.show.outputs.parameters.all}}"}, globalName: everything}]}
      dag:
        tasks:
          - name: write
            template: write
            withItems: [{name: a, size: 1}, {name: b, size: 2}]
            arguments: {parameters: [{name: text, value: "{{item.name}}{{item.size}}"}]}
          - name: count
            template: write
            withSequence: {start: "3", count: "2", format: "n%02d"}
            arguments: {parameters: [{name: text, value: "{{item}}"}]}
          - {name: none, template: write, withParam: "[]", arguments: {parameters: [{name: text, value: "{{item}}"}]}}
          - name: show
            template: show
            depends: write && count && none
            when: "{{workflow.parameters.coin}} == heads"
            arguments: {parameters: [{name: texts, value: "{{tasks.write.outputs.parameters.text}} {{tasks.count.outputs.parameters.text}}"}]}
    - name: show
      inputs: {parameters: [{name: texts}]}
      outputs: {parameters: [{name: all, valueFrom: {parameter: "{{steps.again.outputs.parameters.text}}"}}]}
      parallelism: 1
      steps:
        - - {name: again, template: write, arguments: {parameters: [{name: text, value: "{{inputs.parameters.texts}}"}]}}
          - {name: other, template: write, arguments: {parameters: [{name: text, value: x}]}}
    - name: write
      inputs: {parameters: [{name: text}]}
      outputs: {parameters: [{name: text, valueFrom: {path: /out/text}}]}
      volumes: [{name: out, emptyDir: {}}]
      container:
        image: sh
        command: [sh, -c, 'printf %s "$TEXT" >"$FILE"']
        env: [{name: TEXT, value: "{{inputs.parameters.text}}"}, {name: FILE, value: /out/text}]
        volumeMounts: [{name: out, mountPath: /out}]
"#,
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded, "{status:#?}");
    let output = |name: &str| {
        let outputs = node(&status, name).outputs.clone().expect("outputs");
        outputs.parameters[0].value.clone().expect("a value")
    };
    let all = r#"["a1","b2"] ["n03","n04"]"#;
    assert_eq!(output("show"), all);
    assert_eq!(output("w"), all);
    let kinds = |name: &str| node(&status, name).kind;
    assert_eq!(kinds("write"), NodeType::TaskGroup);
    assert_eq!(kinds("none"), NodeType::Skipped);
    assert_eq!(node(&status, "write(0:name:a,size:1)").phase, NodePhase::Succeeded);
}

#[tokio::test]
async fn secrets_and_maps_reach_the_environment_and_nothing_else() {
    let bench = Bench::new();
    bench.store.secrets().write("source", "password", b"s3cret-word").expect("written");
    let templates = workflow(
        r#"  templates:
    - name: main
      volumes: [{name: request, configMap: {name: data}}]
      metadata: {labels: {argosy.dev/group: critical}}
      container:
        image: sh
        command: [sh, -c, 'test "$PASSWORD" = "$(printf s3cret; echo -word)" && echo "$COLOUR $GROUP $NONE-$(COLOUR) $HOME" && cat "$0"', /request/text]
        env:
          - {name: PASSWORD, valueFrom: {secretKeyRef: {name: source, key: password}}}
          - {name: NONE, valueFrom: {secretKeyRef: {name: source, key: none, optional: true}}}
          - {name: COLOUR, valueFrom: {configMapKeyRef: {name: data, key: colour}}}
          - {name: GROUP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['argosy.dev/group']"}}}
        volumeMounts: [{name: request, mountPath: /request}]
"#,
    );
    bench.submit(&format!(
        "{templates}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: data}}\ndata: {{colour: red, text: mounted}}\n"
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded, "{status:#?}");
    assert_eq!(said(&bench, "w"), ["red critical -red ", "mounted"]);
    let files = bench.store.log_files("u1").expect("logs");
    assert_eq!(files[0].labels["argosy.dev/group"], "critical");
    let database = fs_err::read(bench.folder.path().join("state/argosy.db")).expect("read");
    let log = fs_err::read(bench.folder.path().join("state/argosy.db-wal")).unwrap_or_default();
    for bytes in [database, log] {
        assert!(!bytes.windows(11).any(|window| window == b"s3cret-word"));
    }
}

#[tokio::test]
async fn a_secret_or_program_that_is_missing_is_an_error_of_the_node() {
    let missing_secret = "container: {image: sh, command: [x], env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}";
    for (container, word) in [
        (missing_secret, "no entry `k` in secret `s`"),
        ("container: {image: 'host/argosy-none:1', command: [x]}", "`argosy-none` is not in"),
        ("container: {image: sh, command: [/no/such/program]}", "/no/such/program"),
    ] {
        let bench = Bench::new();
        bench.submit(&workflow(&format!("  templates: [{{name: main, {container}}}]\n")));
        let status = bench.finish().await;
        assert_eq!(status.phase, NodePhase::Error);
        let message = status.message.expect("a message");
        assert!(message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn an_output_file_that_is_missing_takes_its_default_or_fails() {
    for (default, phase) in [(", default: none", NodePhase::Succeeded), ("", NodePhase::Error)] {
        let bench = Bench::new();
        bench.submit(&workflow(&format!(
            r"  templates:
    - name: main
      volumes: [{{name: t, emptyDir: {{}}}}]
      outputs: {{parameters: [{{name: a, valueFrom: {{path: /t/a{default}}}}}]}}
      container: {{image: sh, command: ['true'], volumeMounts: [{{name: t, mountPath: /t}}]}}
"
        )));
        let status = bench.finish().await;
        assert_eq!(status.phase, phase);
    }
}

#[tokio::test]
async fn progress_is_kept_as_the_step_told_it() {
    let json =
        r#"{"shards":{"done":1,"total":2},"documents":{"done":5,"total":10},"bytes":7,"rate":1.5}"#;
    for place in ["", "env: [{name: ARGOSY_PROGRESS_FILE, value: /t/progress.json}]"] {
        let bench = Bench::new();
        bench.submit(&workflow(&format!(
            r#"  templates:
    - name: main
      volumes: [{{name: t, emptyDir: {{}}}}]
      container:
        image: sh
        command: [sh, -c, 'echo "$0" >"$ARGOSY_PROGRESS_FILE"; echo 5/10 >"$ARGO_PROGRESS_FILE"', '{json}']
        volumeMounts: [{{name: t, mountPath: /t}}]
        {place}
"#
        )));
        bench.finish().await;
        let status = bench.store.status("u1").expect("a status");
        assert_eq!(status.progress["w"].documents.done, 5);
        assert_eq!(status.status.nodes["w"].progress.as_deref(), Some("5/10"));
    }
}

#[tokio::test]
async fn a_pod_that_takes_too_long_is_ended() {
    let bench = Bench::new();
    bench.submit(&workflow(
        "  templates: [{name: main, activeDeadlineSeconds: 1, container: {image: sh, command: [sleep, '600']}}]\n",
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Failed);
    assert!(status.message.clone().expect("a message").contains("deadline"), "{status:#?}");
}

#[tokio::test]
async fn a_suspend_with_a_duration_goes_on_by_itself() {
    let bench = Bench::new();
    bench.submit(&workflow("  templates: [{name: main, suspend: {duration: 50ms}}]\n"));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    assert!(bench.store.gates("u1").expect("gates").is_empty());
}

#[tokio::test]
async fn a_template_that_calls_itself_ends() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  arguments: {parameters: [{name: n, value: "x"}]}
  templates:
    - name: main
      inputs: {parameters: [{name: n}]}
      steps:
        - - name: again
            template: main
            when: "{{inputs.parameters.n}} != xxxx"
            arguments: {parameters: [{name: n, value: "{{inputs.parameters.n}}x"}]}
"#,
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded);
    let skipped = status.nodes.values().filter(|node| node.phase == NodePhase::Skipped).count();
    assert_eq!(skipped, 1);
}
