//! Workflows as real Argo ran them: the same phases, messages and outputs come out here.

use std::time::Duration;

use argo::{NodePhase, NodeType};
use engine::{DecisionOutcome, Options, Programs, Shutdown, Verdict};

use crate::support::{Bench, LIMIT, eventually, node, options, phases, said, workflow};

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
          - {name: after-skipped, template: good, depends: skipped}
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
        let status = || bench.store.status("u1").expect("a status").status;
        let has_failed = || status().nodes.values().any(|node| node.phase == NodePhase::Failed);
        eventually("a task has failed", LIMIT, has_failed).await;
        assert_eq!(status().phase, NodePhase::Running);
        let decided = bench.store.decide("u1", "ask", Verdict::Approved, "ann", None);
        assert_eq!(decided.expect("decided"), DecisionOutcome::Recorded);
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
    bench.store.secrets().write("storage", "AWS_REGION", b"eu-north-1").expect("written");
    bench.store.secrets().write("storage", "COLOUR", b"overruled").expect("written");
    let templates = workflow(
        r#"  templates:
    - name: main
      volumes:
        - {name: request, configMap: {name: data}}
        - {name: shared, persistentVolumeClaim: {claimName: snapshots, readOnly: true}}
      metadata: {labels: {argosy.dev/group: critical}}
      container:
        image: sh
        command: [sh, -c, 'test "$PASSWORD" = "$(printf s3cret; echo -word)" && echo "$COLOUR $GROUP $NONE-$(COLOUR) $HOME$AWS_REGION" && cat "$0" && cat "$1"', /request/text, /proc/self/comm]
        envFrom: [{secretRef: {name: storage}}, {secretRef: {name: nobody, optional: true}}]
        env:
          - {name: PASSWORD, valueFrom: {secretKeyRef: {name: source, key: password}}}
          - {name: NONE, valueFrom: {secretKeyRef: {name: source, key: none, optional: true}}}
          - {name: COLOUR, valueFrom: {configMapKeyRef: {name: data, key: colour}}}
          - {name: GROUP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['argosy.dev/group']"}}}
        volumeMounts: [{name: request, mountPath: /request}, {name: shared, mountPath: /proc/self}]
"#,
    );
    bench.submit(&format!(
        "{templates}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: data}}\ndata: {{colour: red, text: mounted}}\n"
    ));
    let status = bench.finish().await;
    assert_eq!(status.phase, NodePhase::Succeeded, "{status:#?}");
    assert_eq!(said(&bench, "w"), ["red critical -red eu-north-1", "mountedcat"]);
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
        (missing_secret, "secret `s` has no entry `k`"),
        (
            "container: {image: sh, command: [x], envFrom: [{secretRef: {name: s}}]}",
            "no secret `s`",
        ),
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
async fn what_a_running_step_waits_for_is_seen_within_seconds() {
    let json =
        r#"{"waiting":{"request":"GET /","lastAnswer":"503","since":"2026-11-20T10:00:00Z"}}"#;
    let bench = Bench::new();
    bench.submit(&workflow(&format!(
        r#"  templates:
    - name: main
      container:
        image: sh
        command: [sh, -c, 'echo up; echo "$0" >"$ARGOSY_PROGRESS_FILE"; while :; do sleep 0.02; done', '{json}']
"#
    )));
    let watching = async {
        eventually("the step runs", LIMIT, || !said(&bench, "w").is_empty()).await;
        let waits = || {
            let progress = bench.store.status("u1").expect("a status").progress;
            progress.get("w").and_then(|progress| progress.waiting.clone())
        };
        eventually("the status shows it", Duration::from_secs(3), || waits().is_some()).await;
        let waiting = waits().expect("it waits");
        assert_eq!(
            (waiting.request.as_str(), waiting.last_answer.as_deref()),
            ("GET /", Some("503"))
        );
        bench.store.request_stop("u1", Shutdown::Stop).expect("asked");
    };
    // With the usual timing: what a person would see.
    let options = Options { poll: Options::new(Programs::in_folder("/")).poll, ..options() };
    tokio::join!(bench.finish_with(options), watching);
}

#[tokio::test]
async fn progress_is_kept_as_the_step_reported_it() {
    let json = r#"{"measures":[{"what":"documents","done":5,"total":10}]}"#;
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
        assert_eq!(status.progress["w"].to_string(), "5/10 documents");
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

#[tokio::test]
async fn an_item_is_its_json_without_quotes() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      steps: [[{name: say, template: say, arguments: {parameters: [{name: p, value: "{{item}}"}]}, withItems: ["a \"b\" <c>", {z: 1, a: "<"}, [1, "&"]]}]]
    - name: say
      inputs: {parameters: [{name: p}]}
      container: {image: sh, command: [echo, "{{inputs.parameters.p}}"]}
"#,
    ));
    bench.finish().await;
    assert_eq!(said(&bench, r#"say(0:a \"b\" <c>)"#), [r#"a \"b\" <c>"#]);
    assert_eq!(said(&bench, "say(1:a:<,z:1)"), [r#"{"a":"\u003c","z":1}"#]);
    assert_eq!(said(&bench, "say(2:[1 &])"), [r#"[1,"\u0026"]"#]);
}

#[tokio::test]
async fn results_of_a_loop_that_are_not_json_are_an_error() {
    let calls = [
        "dag: {tasks: [{name: each, template: say, withItems: [1, x]}, {name: all, template: say, depends: each, when: \"'{{tasks.each.outputs.result}}' != ''\"}]}",
        "steps: [[{name: each, template: say, withItems: [1, x]}], [{name: all, template: say, when: \"'{{steps.each.outputs.result}}' != ''\"}]]",
    ];
    for calls in calls {
        let bench = Bench::new();
        bench.submit(&workflow(&format!(
            "  templates:\n    - name: main\n      {calls}\n    - {{name: say, container: {{image: sh, command: [echo, no json]}}}}\n"
        )));
        let status = bench.finish().await;
        assert_eq!(status.phase, NodePhase::Error, "{calls}");
        let message = node(&status, "w").message.clone().unwrap_or_default();
        assert!(message.contains("loop `each` is not JSON"), "{message}");
    }
}

#[tokio::test]
async fn a_loop_has_no_state_by_its_name() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  templates:
    - name: main
      dag:
        tasks:
          - {name: each, template: say, withItems: [1], arguments: {parameters: [{name: p, value: x}]}}
          - {name: after, template: say, depends: each, arguments: {parameters: [{name: p, value: "{{tasks.each.status}}"}]}}
    - name: say
      inputs: {parameters: [{name: p}]}
      container: {image: sh, command: [echo, "{{inputs.parameters.p}}"]}
"#,
    ));
    bench.finish().await;
    assert_eq!(said(&bench, "after"), ["{{tasks.each.status}}"]);
}

#[tokio::test]
async fn labels_of_the_object_that_holds_a_template_count_more_than_its_own() {
    let bench = Bench::new();
    bench.submit(&workflow(
        r#"  podMetadata: {labels: {a: of the run}, annotations: {b: of the run}}
  templates:
    - name: main
      metadata: {labels: {a: of the template, c: of the template}}
      container:
        image: sh
        command: [sh, -c, 'echo "$A $B $C"']
        env:
          - {name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels['a']"}}}
          - {name: B, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['b']"}}}
          - {name: C, valueFrom: {fieldRef: {fieldPath: "metadata.labels['c']"}}}
"#,
    ));
    bench.finish().await;
    assert_eq!(said(&bench, "w"), ["of the run of the run of the template"]);
}

#[tokio::test]
async fn a_parameter_named_json_is_itself() {
    for (name, said_then) in [("json", "x"), ("other", r#"[{"name":"other","value":"x"}]"#)] {
        let bench = Bench::new();
        bench.submit(&workflow(&format!(
            "  arguments: {{parameters: [{{name: {name}, value: x}}]}}\n  templates:\n    - {{name: main, container: {{image: sh, command: [echo, '{{{{workflow.parameters.json}}}}']}}}}\n"
        )));
        bench.finish().await;
        assert_eq!(said(&bench, "w"), [said_then]);
    }
}
