//! `workflow --engine argo` against a real API server and Argo's real controller: gates, answers,
//! stop, logs, sessions, submit, reset, missing rights.
//!
//! It needs the image `localhost/busybox:1` on the node.

use std::thread;

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    argosy::{Done, run},
    gated::{ARGO, Gated, gate_of, phase_of},
    namespace::Namespace,
};

#[test]
fn a_gate_waits_is_approved_once_and_the_next_one_beforehand() -> Result<()> {
    let bench = Gated::new()?;
    bench.start("w")?;
    let status = bench.until_at("w", "one-a-b")?;
    assert_eq!(status["engine"], "argo");
    assert_eq!(phase_of(&status, "Second"), "Pending");
    let text = bench.workflow(&["status", "w"])?;
    assert!(text.stdout.contains("⟳ one-a-b (Waiting for approval)"), "{text:?}");
    assert!(text.stderr.contains("workflow approve step one-a-b --workflow-name w"), "{text:?}");

    let in_advance = ["approve", "step", "two-*", "--pre-approve", "--workflow-name", "w"];
    assert_eq!(bench.workflow(&in_advance)?.code, Some(0));
    let approve = |by| {
        let words = ["approve", "step", "one-a-b", "--workflow-name", "w", "--by", by];
        bench.workflow(&[words.as_slice(), &["--reason", "looked at it"]].concat())
    };
    let (first, second) = thread::scope(|scope| {
        let rival = scope.spawn(|| approve("ann"));
        (approve("bob"), rival.join())
    });
    let codes = [first?.code, second.expect("no panic")?.code];
    assert!(codes == [Some(0), Some(4)] || codes == [Some(4), Some(0)], "{codes:?}");
    assert_eq!(approve("eve")?.code, Some(4));

    let status = bench.until_ended("w")?;
    assert_eq!(status["phase"], "Succeeded");
    let gate = gate_of(&status, "one-a-b");
    assert_eq!((&gate["state"], &gate["reason"]), (&json!("approved"), &json!("looked at it")));
    assert_eq!(gate["by"], if codes[0] == Some(0) { "bob" } else { "ann" });
    assert_eq!(gate_of(&status, "two-a-b")["state"], "approved");

    let log = bench.workflow(&["log", "all", "--workflow-name", "w", "--timestamps"])?;
    for line in ["[first] 20", "the first says hello", "the second says hello", "leaving"] {
        assert!(log.stdout.contains(line), "{line}: {log:?}");
    }
    assert!(!log.stdout.contains("level=info"), "{log:?}");
    Ok(())
}

#[test]
fn a_rejection_fails_the_run_with_its_reason_and_resume_asks_again() -> Result<()> {
    let bench = Gated::new()?;
    bench.start("w")?;
    bench.until_at("w", "one-a-b")?;
    let words = ["reject", "step", "one-a-b", "--workflow-name", "w", "--reason", "not yet"];
    assert_eq!(bench.workflow(&words)?.code, Some(0));
    let status = bench.until_ended("w")?;
    assert_eq!(status["phase"], "Failed");
    let gate = gate_of(&status, "one-a-b");
    assert_eq!((&gate["state"], &gate["reason"]), (&json!("rejected"), &json!("not yet")));
    assert_eq!(phase_of(&status, "Second"), "Omitted");

    let resumed = bench.workflow(&["resume", "w"])?;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let status = bench.until_at("w", "one-a-b")?;
    assert_eq!(phase_of(&status, "First"), "Succeeded");
    let words = ["approve", "step", "one-a-b", "two-a-b", "--pre-approve", "--workflow-name", "w"];
    assert_eq!(bench.workflow(&words)?.code, Some(0));
    assert_eq!(bench.until_ended("w")?["phase"], "Succeeded");
    Ok(())
}

#[test]
fn a_stopped_run_leaves_in_good_order_and_takes_no_answers() -> Result<()> {
    let bench = Gated::new()?;
    bench.start("w")?;
    bench.until_at("w", "one-a-b")?;
    assert_eq!(bench.workflow(&["stop", "w"])?.code, Some(0));
    let status = bench.until_ended("w")?;
    assert_eq!(status["phase"], "Failed");
    let log = bench.workflow(&["log", "all", "--workflow-name", "w"])?;
    assert!(log.stdout.contains("leaving"), "{log:?}");
    assert_eq!(bench.workflow(&["stop", "w"])?.code, Some(4));
    let words = ["approve", "step", "one-a-b", "--workflow-name", "w"];
    assert_eq!(bench.workflow(&words)?.code, Some(4));
    Ok(())
}

#[test]
fn a_terminated_run_does_not_leave_in_good_order() -> Result<()> {
    let bench = Gated::new()?;
    bench.start("w")?;
    bench.until_at("w", "one-a-b")?;
    assert_eq!(bench.workflow(&["stop", "--terminate", "w"])?.code, Some(0));
    assert_eq!(bench.until_ended("w")?["phase"], "Failed");
    let log = bench.workflow(&["log", "all", "--workflow-name", "w"])?;
    assert!(!log.stdout.contains("leaving"), "{log:?}");
    Ok(())
}

/// A file that compiles and asks for an image that no registry has.
const FILE: &str = "\
sourceClusters:
  old:
    endpoint: http://10.244.0.1:9200
    authConfig: { basic: { secretName: old-credentials } }
    snapshotRepo: { repoPathUri: file:///srv/snapshots }
targetClusters:
  new: { endpoint: http://10.244.0.1:9201 }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [{ indices: [\"*\"] }] }
";

#[test]
fn a_submission_is_owned_replaced_and_removed_without_remains() -> Result<()> {
    let bench = Gated::new()?;
    let file = bench.argosy.write("migration.yaml", FILE)?;
    let file = file.display().to_string();
    let submit = ["submit", file.as_str(), "--image-registry", "registry.invalid"];

    let missing = bench.workflow(&submit)?;
    assert_eq!(missing.code, Some(3), "{missing:?}");
    let create = "workflow configure credentials create old-credentials";
    assert!(missing.stderr.contains(create), "{missing:?}");
    bench.namespace.create(
        &bench.namespace.path("/api/v1", "secrets"),
        &json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "old-credentials" },
            "stringData": { "username": "u", "password": "p" },
        }),
    )?;
    let submitted = bench.workflow(&submit)?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    let name = "migration-workflow";
    let trouble = |status: &Value| {
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().any(|node| {
            let message = node["message"].as_str().unwrap_or_default();
            message.contains("registry.invalid") && message.contains("--image-tag")
        })
    };
    let status = bench.until(name, trouble)?;
    assert_eq!(status["phase"], "Running");

    // All that is of this workflow alone goes with it.
    let selector = format!("?labelSelector=argosy.dev/workflow={name}");
    let uid = |workflow: &Value| workflow["metadata"]["uid"].as_str().map(str::to_owned);
    let workflow = format!("{}/{name}", bench.namespace.path(ARGO, "workflows"));
    let first = uid(&bench.namespace.get(&workflow)?);
    let own = [(ARGO, "workflowtemplates"), ("/api/v1", "configmaps")];
    for (api, resource) in own {
        let list = bench.namespace.get(&(bench.namespace.path(api, resource) + &selector))?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        assert!(!items.is_empty(), "{resource}");
        for item in items {
            let owner = item["metadata"]["ownerReferences"][0]["uid"].as_str().map(str::to_owned);
            assert_eq!(owner, first, "{resource}");
        }
    }

    // Once more: the old one is stopped and goes; a file with errors touches nothing.
    let wrong = bench
        .argosy
        .write("wrong.yaml", &FILE.replace("sourceCluster: old", "sourceCluster: od"))?;
    let wrong = bench.workflow(&["submit", &wrong.display().to_string()])?;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert_eq!(uid(&bench.namespace.get(&workflow)?), first);
    let again = bench.workflow(&submit)?;
    assert_eq!(again.code, Some(0), "{again:?}");
    let second = uid(&bench.namespace.get(&workflow)?);
    assert_ne!(second, first);
    let pods = bench.namespace.get(&bench.namespace.path("/api/v1", "pods"))?;
    for pod in pods["items"].as_array().cloned().unwrap_or_default() {
        let owner = pod["metadata"]["ownerReferences"][0]["uid"].as_str().map(str::to_owned);
        assert_eq!(owner, second, "a pod of the first run is still there");
    }

    let reset = bench.workflow(&["reset", "--all", "--yes"])?;
    assert_eq!(reset.code, Some(0), "{reset:?}");
    let kinds = [(ARGO, "workflows"), (ARGO, "workflowtemplates"), ("/api/v1", "configmaps")];
    for (api, resource) in kinds {
        let part_of = "?labelSelector=app.kubernetes.io/part-of=argosy";
        let list = bench.namespace.get(&(bench.namespace.path(api, resource) + part_of))?;
        assert_eq!(list["items"], json!([]), "{resource}");
    }
    Ok(())
}

#[test]
fn sessions_and_credentials_are_kept_in_the_namespace() -> Result<()> {
    let bench = Gated::new()?;
    assert_eq!(bench.workflow(&["configure", "view"])?.code, Some(3));
    assert_eq!(bench.workflow(&["configure", "sample", "--load"])?.code, Some(0));
    let map = bench.namespace.path("/api/v1", "configmaps") + "/argosy-session-default";
    let map = bench.namespace.get(&map)?;
    let view = bench.workflow(&["configure", "view"])?;
    assert_eq!(map["data"]["migration.yaml"].as_str(), Some(view.stdout.as_str()));
    assert_eq!(bench.workflow(&["configure", "clear", "--confirm"])?.code, Some(0));
    assert_eq!(bench.workflow(&["configure", "view"])?.code, Some(3));

    let create = |words: &[&str], input: &str| -> Result<Done> {
        let file = bench.argosy.write("input", input)?;
        let Namespace { name, kubeconfig, .. } = &bench.namespace;
        let engine = ["--engine", "argo", "--namespace", name, "--kubeconfig", kubeconfig];
        let mut command = bench.argosy.workflow(words.iter().chain(&engine));
        run(command.stdin(std::fs::File::open(file)?))
    };
    let words = ["configure", "credentials", "create", "old", "--stdin"];
    assert_eq!(create(&words, "ann:secret:with:colons")?.code, Some(0));
    assert_eq!(create(&words, "x:y")?.code, Some(4));
    let update = ["configure", "credentials", "update", "old", "--stdin"];
    assert_eq!(create(&update, "bob:other")?.code, Some(0));
    let secret = bench.namespace.path("/api/v1", "secrets") + "/old";
    let data = &bench.namespace.get(&secret)?["data"];
    assert_eq!(data, &json!({ "username": "Ym9i", "password": "b3RoZXI=" }));
    let list = bench.workflow(&["configure", "credentials", "list", "--output", "json"])?;
    assert_eq!(list.json()?["kept"], json!(["old"]));
    let delete = ["configure", "credentials", "delete", "old", "--yes"];
    assert_eq!(bench.workflow(&delete)?.code, Some(0));
    assert_eq!(bench.workflow(&delete)?.code, Some(3));
    Ok(())
}

#[test]
fn a_missing_right_is_named_with_the_rule_to_add() -> Result<()> {
    let bench = Gated::new()?;
    let accounts = bench.namespace.path("/api/v1", "serviceaccounts");
    bench.namespace.create(
        &accounts,
        &json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "nobody" } }),
    )?;
    let token = bench.namespace.create(
        &format!("{accounts}/nobody/token"),
        &json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} }),
    )?;
    let mut kubeconfig: Value =
        argo::yaml::read_value(&fs_err::read_to_string(&bench.namespace.kubeconfig)?)?;
    for user in kubeconfig["users"].as_array_mut().into_iter().flatten() {
        user["user"] = json!({ "token": token["status"]["token"] });
    }
    let file = bench.argosy.write("kubeconfig", &kubeconfig.to_string())?;
    let refused =
        bench.workflow_with(&file.display().to_string(), &["status", "w", "--output", "json"])?;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let error = refused.json()?;
    assert_eq!(error["error"]["kind"], "not-permitted");
    let message = error["error"]["message"].as_str().unwrap_or_default();
    let rule = "  - apiGroups: [argoproj.io]\n    resources: [workflows]\n    verbs: [get]";
    assert!(message.ends_with(rule), "{message}");
    Ok(())
}

#[test]
fn a_server_that_is_not_there_is_said_plainly() -> Result<()> {
    let bench = Gated::new()?;
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": { "server": "http://127.0.0.1:1" } }],
        "users": [{ "name": "u", "user": {} }],
    });
    let file = bench.argosy.write("kubeconfig", &kubeconfig.to_string())?;
    let unreachable = bench.workflow_with(&file.display().to_string(), &["status", "w"])?;
    assert_eq!(unreachable.code, Some(1), "{unreachable:?}");
    let said = "the API server at http://127.0.0.1:1/ cannot be reached";
    assert!(unreachable.stderr.contains(said), "{unreachable:?}");
    let nowhere = bench.workflow_with("/nowhere", &["status", "w"])?;
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    Ok(())
}
