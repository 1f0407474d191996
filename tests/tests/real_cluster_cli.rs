//! `workflow --engine argo` against a real API server and Argo's real controller: gates, answers,
//! stop, fleets, logs, sessions, submit, reset, installation, missing rights.
//!
//! It needs the image `localhost/busybox:1` on the node.

use std::{thread, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    argosy::{Done, run},
    eventually::{Observed, eventually},
    gated::{ARGO, Gated, gate_of, phase_of, step},
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
    let secret = "there is no Secret `old-credentials`";
    for said in [secret, create] {
        assert!(missing.stderr.contains(said), "{missing:?}");
    }
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

/// Returns a kubeconfig for an account that may do what the rules say.
fn account(bench: &Gated, name: &str, rules: &Value) -> Result<String> {
    let Namespace { kubeconfig, .. } = &bench.namespace;
    let accounts = bench.namespace.path("/api/v1", "serviceaccounts");
    bench.namespace.create(
        &accounts,
        &json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name } }),
    )?;
    allow(bench, name, rules)?;
    let token = bench.namespace.create(
        &format!("{accounts}/{name}/token"),
        &json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} }),
    )?;
    let mut kubeconfig: Value = argo::yaml::read_value(&fs_err::read_to_string(kubeconfig)?)?;
    for user in kubeconfig["users"].as_array_mut().into_iter().flatten() {
        user["user"] = json!({ "token": token["status"]["token"] });
    }
    let file = bench.argosy.write(&format!("kubeconfig-{name}"), &kubeconfig.to_string())?;
    Ok(file.display().to_string())
}

/// Gives an account what the rules say, beside what it has.
fn allow(bench: &Gated, account: &str, rules: &Value) -> Result<()> {
    let group = "rbac.authorization.k8s.io";
    let (api, name) = (format!("{group}/v1"), format!("more-{account}"));
    let metadata = json!({ "name": name });
    bench.namespace.create(
        &bench.namespace.path(&format!("/apis/{api}"), "roles"),
        &json!({ "apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules }),
    )?;
    bench.namespace.create(
        &bench.namespace.path(&format!("/apis/{api}"), "rolebindings"),
        &json!({
            "apiVersion": api, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": { "apiGroup": group, "kind": "Role", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": account }],
        }),
    )?;
    Ok(())
}

/// The rule of a Role for some verbs on a resource.
fn rule(group: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs })
}

#[test]
fn a_missing_right_is_named_with_the_rule_to_add() -> Result<()> {
    let bench = Gated::new()?;
    let file = account(&bench, "nobody", &json!([]))?;
    let refused = bench.workflow_with(&file, &["status", "w", "--output", "json"])?;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let error = refused.json()?;
    assert_eq!(error["error"]["kind"], "not-permitted");
    let message = error["error"]["message"].as_str().unwrap_or_default();
    let rule = "  - apiGroups: [argoproj.io]\n    resources: [workflows]\n    verbs: [get]";
    assert!(message.ends_with(rule), "{message}");
    Ok(())
}

/// A Job whose workers work until they are ended.
const FLEET: &str = "\
apiVersion: batch/v1
kind: Job
metadata: { generateName: fleet-, labels: { argosy.dev/group: g } }
spec:
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - { name: main, image: \"localhost/busybox:1\", command: [/bin/busybox, sleep, \"600\"] }
";

/// Starts a run that has a fleet, and waits until its two workers work.
fn start_fleet(bench: &Gated, name: &str) -> Result<()> {
    let fleet = json!({
        "name": "workers",
        "resource": {
            "action": "create", "setOwnerReference": true, "manifest": FLEET,
            "successCondition": "status.completionTime",
        },
    });
    let left = step("leave", "echo leaving");
    let spec = json!({ "entrypoint": "workers", "onExit": "leave", "templates": [fleet, left] });
    bench.run(name, &spec)?;
    until_workers(bench, 2)
}

/// How many workers run.
fn workers(bench: &Gated) -> Result<usize> {
    let pods =
        bench.namespace.path("/api/v1", "pods") + "?labelSelector=batch.kubernetes.io/job-name";
    let pods = bench.namespace.get(&pods)?["items"].as_array().cloned().unwrap_or_default();
    Ok(pods.iter().filter(|pod| pod["status"]["phase"] == "Running").count())
}

/// Waits until so many workers run.
fn until_workers(bench: &Gated, count: usize) -> Result<()> {
    eventually(&format!("{count} workers"), Duration::from_mins(2), || {
        let running = workers(bench)?;
        Ok(Observed::when(running == count, (), |()| format!("{running} workers")))
    })
}

#[test]
fn a_terminated_run_takes_its_fleet_along() -> Result<()> {
    let bench = Gated::new()?;
    allow(&bench, "default", &json!([rule("batch", "jobs", &["create", "get", "list", "watch"])]))?;
    start_fleet(&bench, "w")?;

    // Who may not end the workers does not take away those who watch them.
    let steering = json!([rule("argoproj.io", "workflows", &["get", "patch"])]);
    let file = account(&bench, "steerer", &steering)?;
    let refused = bench.workflow_with(&file, &["stop", "--terminate", "w"])?;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let rule = "  - apiGroups: [batch]\n    resources: [jobs]\n    verbs: [list]";
    assert!(refused.stderr.contains("nothing was ended"), "{refused:?}");
    assert!(refused.stderr.trim_end().ends_with(rule), "{refused:?}");
    assert_eq!(bench.status("w")?["phase"], "Running");
    assert_eq!(workers(&bench)?, 2);

    let ended = bench.workflow(&["stop", "--terminate", "w", "--output", "json"])?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let fleets = ended.json()?["endedFleets"].clone();
    assert_eq!(fleets.as_array().map(Vec::len), Some(1), "{ended:?}");
    assert!(fleets[0].as_str().is_some_and(|it| it.ends_with("(group g, 2 workers)")), "{fleets}");
    assert!(ended.stderr.contains("ended: Job fleet-"), "{ended:?}");
    assert_eq!(bench.until_ended("w")?["phase"], "Failed");
    until_workers(&bench, 0)?;
    assert_eq!(bench.workflow(&["stop", "--terminate", "w"])?.code, Some(4));

    // What was terminated by Argo's means has left its fleet behind.
    start_fleet(&bench, "v")?;
    let workflow = bench.namespace.path(ARGO, "workflows") + "/v";
    bench.namespace.merge(&workflow, &json!({ "spec": { "shutdown": "Terminate" } }))?;
    bench.until_ended("v")?;
    assert_eq!(workers(&bench)?, 2);
    let ended = bench.workflow(&["stop", "--terminate", "v"])?;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    until_workers(&bench, 0)
}

#[test]
fn an_installation_makes_its_namespace_when_asked_to() -> Result<()> {
    let bench = Gated::new()?;
    let name = format!("{}-new", bench.namespace.name);
    let install = |more: &[&str]| {
        let Namespace { kubeconfig, .. } = &bench.namespace;
        let words =
            ["install", "--engine", "argo", "--namespace", &name, "--kubeconfig", kubeconfig];
        run(&mut bench.argosy.workflow(words.iter().chain(more)))
    };
    let without = install(&[])?;
    let first = install(&["--create-namespace"])?;
    let second = install(&["--create-namespace"])?;
    bench.namespace.delete(&format!("/api/v1/namespaces/{name}"))?;
    assert_eq!(without.code, Some(3), "{without:?}");
    assert!(without.stderr.contains("--create-namespace"), "{without:?}");
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    assert!(first.stdout.contains(&format!("Namespace/{name} created")), "{first:?}");
    assert!(second.stdout.contains(&format!("Namespace/{name} unchanged")), "{second:?}");

    let installing = json!([rule("argoproj.io", "workflows", &["get"])]);
    let file = account(&bench, "installer", &installing)?;
    let refused = bench.workflow_with(&file, &["install", "--create-namespace"])?;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.contains("ClusterRole"), "{refused:?}");
    Ok(())
}
