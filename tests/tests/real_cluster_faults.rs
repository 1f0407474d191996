//! What can go wrong on a real cluster, done to it: each ends in the right state, and with words
//! that say what happened and what to type.
//!
//! Parts of the cluster go away here, which every other user of it notices: these tests run one at
//! a time. They need the images `localhost/busybox:1` and our own on the node. An image that is
//! not there is in `real_cluster_cli`.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use test_cluster::{
    Running,
    outage::Part::{ApiServer, Controller, Kubelet},
};
use tests::{
    argosy::{Done, run},
    eventually::{Observed, eventually},
    gated::{ARGO, Gated, Steps, gate_of, node_of, phase_of, step},
    host,
};

const WITHIN: Duration = Duration::from_mins(1);
const NAME: &str = "migration-workflow";

fn cluster() -> Result<Running> {
    host::cluster(&host::machine()?)
}

/// A migration of so many groups between clusters that do not answer.
fn file(groups: usize) -> String {
    let groups: Vec<String> = (0..groups)
        .map(|group| format!("      - {{ name: g{group}, indices: [\"a{group}-*\"] }}\n"))
        .collect();
    let groups = groups.concat();
    format!(
        "\
sourceClusters:
  old:
    endpoint: http://10.244.0.1:9200
    authConfig: {{ basic: {{ secretName: old-credentials }} }}
    snapshotRepo: {{ repoPathUri: s3://bucket/snapshots, awsRegion: us-east-1 }}
targetClusters:
  new: {{ endpoint: http://10.244.0.1:9201 }}
migrations:
  - sourceCluster: old
    targetCluster: new
    snapshotMigrations:
{groups}"
    )
}

/// The product on the cluster, with credentials for [`file`].
struct Setup {
    gated: Gated,
    file: String,
}

impl Setup {
    fn new(groups: usize) -> Result<Self> {
        let gated = Gated::new()?;
        let file = gated.argosy.write("migration.yaml", &file(groups))?.display().to_string();
        let setup = Self { gated, file };
        setup.make_credentials()?;
        Ok(setup)
    }

    fn make_credentials(&self) -> Result<()> {
        let input = self.gated.argosy.write("password", "ann:secret")?;
        let words = ["configure", "credentials", "create", "old-credentials", "--stdin"];
        let mut command = self.gated.command(&self.gated.namespace.kubeconfig, &words);
        let done = tests::argosy::run(command.stdin(std::fs::File::open(input)?))?;
        ensure!(done.code == Some(0), "{done:?}");
        Ok(())
    }

    /// A submission of the file, with images that no registry has: nothing of it ever runs.
    fn submission(&self) -> Command {
        let words = ["submit", &self.file, "--image-registry", "registry.invalid"];
        self.gated.command(&self.gated.namespace.kubeconfig, &words)
    }

    fn workflows(&self) -> Result<Vec<Value>> {
        let list = self.gated.namespace.get(&self.gated.namespace.path(ARGO, "workflows"))?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }
}

fn start(mut command: Command) -> Result<Child> {
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn end(child: Child) -> Result<Done> {
    let output = child.wait_with_output()?;
    Ok(Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Waits for a state that is not in a status.
fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    eventually(what, WITHIN, || Ok(Observed::when(is_so()?, (), |()| "it is not so".to_owned())))
}

/// Waits until a node says all of these words.
fn until_it_says(gated: &Gated, name: &str, node: &str, words: &[&str]) -> Result<Value> {
    gated.until(name, |status| {
        let node = node_of(status, node);
        let message = node["message"].as_str().unwrap_or_default();
        words.iter().all(|word| message.contains(word))
    })
}

/// The names of the pods of a step.
fn pods_of(gated: &Gated, step: &str) -> Result<Vec<String>> {
    let list = gated.namespace.get(&gated.namespace.path("/api/v1", "pods"))?;
    let pods = list["items"].as_array().cloned().unwrap_or_default();
    let names = pods.iter().filter(|pod| pod["status"]["phase"] == "Running");
    let names = names.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned));
    Ok(names.filter(|name| name.contains(&format!("-{step}-"))).collect())
}

#[test]
fn a_run_outlives_the_api_server_the_controller_and_the_kubelet() -> Result<()> {
    let running = cluster()?;
    let gated = Gated::new()?;
    let steps = Steps {
        first: "sleep 6; echo the first says hello",
        second: "sleep 6; echo the second says hello",
        ..Steps::default()
    };
    gated.start_with("w", steps)?;
    gated.until("w", |status| phase_of(status, "First") == "Running")?;
    running.without(ApiServer)?.end()?;
    gated.until_at("w", "one-a-b")?;

    let approve = ["approve", "step", "one-a-b", "--workflow-name", "w", "--by", "ann"];
    let outage = running.without(ApiServer)?;
    for words in [&["status", "w"][..], &approve, &["stop", "w"]] {
        let away = gated.workflow(words)?;
        assert_eq!(away.code, Some(1), "{away:?}");
        assert!(away.stderr.contains("cannot be reached"), "{away:?}");
        assert!(away.stderr.contains("check that the cluster is running"), "{away:?}");
    }
    outage.end()?;
    assert_eq!(gate_of(&gated.status("w")?, "one-a-b")["state"], "waiting");

    // A decision is kept until a controller is there to act on it.
    let outage = running.without(Controller)?;
    let approved = gated.workflow(&approve)?;
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert_eq!(gated.workflow(&approve)?.code, Some(4));
    assert_eq!(gate_of(&gated.status("w")?, "one-a-b")["by"], "ann");
    outage.end()?;

    gated.until("w", |status| phase_of(status, "Second") == "Running")?;
    running.without(Kubelet)?.end()?;
    gated.until_at("w", "two-a-b")?;
    let approved = gated.workflow(&["approve", "step", "--all", "--workflow-name", "w"])?;
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert_eq!(gated.until_ended("w")?["phase"], "Succeeded");
    let log = gated.workflow(&["log", "all", "--workflow-name", "w"])?;
    for line in ["the first says hello", "the second says hello", "leaving"] {
        assert_eq!(log.stdout.matches(line).count(), 1, "{line}: {log:?}");
    }
    Ok(())
}

#[test]
fn a_submission_outlives_the_api_server() -> Result<()> {
    let running = cluster()?;
    let setup = Setup::new(20)?;
    let mut submission = start(setup.submission())?;
    wait_until("the first of what is submitted is there", || {
        let templates = setup.gated.namespace.path(ARGO, "workflowtemplates");
        let list = setup.gated.namespace.get(&templates)?;
        let is_there = list["items"].as_array().is_some_and(|items| !items.is_empty());
        ensure!(submission.try_wait()?.is_none(), "the submission was faster");
        Ok(is_there)
    })?;
    let outage = running.without(ApiServer)?;
    ensure!(submission.try_wait()?.is_none(), "the submission was faster");
    outage.end()?;
    let submitted = end(submission)?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    assert_eq!(setup.workflows()?.len(), 1);
    Ok(())
}

#[test]
fn pods_that_cannot_get_on_say_why() -> Result<()> {
    let gated = Gated::new()?;
    let mut hungry = step("hungry", "dd if=/dev/zero of=/dev/null bs=200M count=1");
    hungry["container"]["resources"] = json!({ "limits": { "memory": "24Mi" } });
    let mut huge = step("huge", "true");
    huge["container"]["resources"] = json!({ "requests": { "cpu": "1000" } });
    let mut secretless = step("secretless", "true");
    let key = json!({ "name": "gone", "key": "password" });
    secretless["container"]["env"] =
        json!([{ "name": "PASSWORD", "valueFrom": { "secretKeyRef": key } }]);
    let names = ["hungry", "huge", "secretless"];
    let tasks: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "template": name })).collect();
    let main = json!({ "name": "main", "dag": { "tasks": tasks, "failFast": false } });
    gated.run(
        "w",
        &json!({ "entrypoint": "main", "templates": [main, hungry, huge, secretless] }),
    )?;
    until_it_says(&gated, "w", "Hungry", &["more memory than its limit", "raise the limit"])?;
    until_it_says(&gated, "w", "Huge", &["no node of the cluster can run", "Insufficient cpu"])?;
    until_it_says(&gated, "w", "Secretless", &["secret \"gone\" not found", "credentials create"])?;
    let text = gated.workflow(&["status", "w"])?;
    assert!(text.stdout.contains("more memory than its limit"), "{text:?}");
    assert_eq!(gated.workflow(&["stop", "w"])?.code, Some(0));
    assert_eq!(gated.until_ended("w")?["phase"], "Failed");
    Ok(())
}

#[test]
fn credentials_removed_between_submission_and_start_are_asked_for() -> Result<()> {
    let running = cluster()?;
    let setup = Setup::new(1)?;
    let gated = &setup.gated;
    let outage = running.without(Controller)?;
    let submitted = gated.workflow(&["submit", &setup.file])?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    let waiting = gated.workflow(&["status", NAME])?;
    assert!(format!("{waiting:?}").contains("controller is running"), "{waiting:?}");
    let delete = ["configure", "credentials", "delete", "old-credentials", "--yes"];
    assert_eq!(gated.workflow(&delete)?.code, Some(0));
    outage.end()?;
    let status = gated.until_ended(NAME)?;
    assert_eq!(status["phase"], "Failed");
    let message = node_of(&status, "Initialize")["message"].as_str().unwrap_or_default().to_owned();
    for words in ["cluster `old`", "of Secret `old-credentials`", "credentials create old-cred"] {
        assert!(message.contains(words), "{message}");
    }
    Ok(())
}

#[test]
fn a_quota_holds_a_run_up_and_refuses_a_submission() -> Result<()> {
    let setup = Setup::new(1)?;
    let gated = &setup.gated;
    let quotas = gated.namespace.path("/api/v1", "resourcequotas");
    let limit = |resource: &str, most: &str| {
        gated.namespace.create(
            &quotas,
            &json!({
                "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "narrow" },
                "spec": { "hard": { resource: most } },
            }),
        )?;
        wait_until("the quota holds", || {
            let quota = gated.namespace.get(&format!("{quotas}/narrow"))?;
            Ok(quota["status"]["hard"][resource] == most)
        })
    };
    limit("pods", "0")?;
    gated.start("w")?;
    let status = until_it_says(gated, "w", "First", &["exceeded quota: narrow", "raise"])?;
    assert_eq!(status["phase"], "Running");
    gated.namespace.delete(&format!("{quotas}/narrow"))?;
    gated.until_at("w", "one-a-b")?;

    limit("count/configmaps", "1")?;
    let refused = tests::argosy::run(&mut setup.submission())?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for word in ["exceeded quota: narrow", "raise"] {
        assert!(refused.stderr.contains(word), "{refused:?}");
    }
    // Half a submission would be in the way of the next.
    assert_eq!(gated.workflow(&["status", NAME])?.code, Some(3));
    gated.namespace.delete(&format!("{quotas}/narrow"))?;
    let submitted = tests::argosy::run(&mut setup.submission())?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    Ok(())
}

#[test]
fn a_namespace_that_is_being_deleted_takes_no_submission() -> Result<()> {
    let setup = Setup::new(1)?;
    let gated = &setup.gated;
    let maps = gated.namespace.path("/api/v1", "configmaps");
    let holder = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "holder", "finalizers": ["tests.argosy.dev/hold"] },
    });
    gated.namespace.create(&maps, &holder)?;
    gated.start("w")?;
    gated.until_at("w", "one-a-b")?;
    let own = format!("/api/v1/namespaces/{}", gated.namespace.name);
    gated.namespace.delete(&own)?;
    wait_until("the run is gone", || Ok(gated.workflow(&["status", "w"])?.code == Some(3)))?;
    // The credentials go with it, now or soon.
    let without =
        file(1).replace("    authConfig: { basic: { secretName: old-credentials } }\n", "");
    let without = gated.argosy.write("without.yaml", &without)?.display().to_string();
    let refused = gated.workflow(&["submit", &without])?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for word in ["is being deleted", "--namespace"] {
        assert!(refused.stderr.contains(word), "{refused:?}");
    }
    let let_go = json!({ "metadata": { "finalizers": null } });
    gated.namespace.merge(&format!("{maps}/holder"), &let_go)?;
    Ok(())
}

#[test]
fn a_submission_waits_for_a_run_that_is_stopping_and_of_two_one_stays() -> Result<()> {
    let setup = Setup::new(1)?;
    let gated = &setup.gated;
    let steps = Steps { leave: "sleep 5; echo left in good order", ..Steps::default() };
    gated.start_with(NAME, steps)?;
    gated.until_at(NAME, "one-a-b")?;
    let follow = ["log", "all", "--follow", "--workflow-name", NAME];
    let log = start(gated.command(&gated.namespace.kubeconfig, &follow))?;
    assert_eq!(gated.workflow(&["stop", NAME])?.code, Some(0));
    let ending = gated.workflow(&["status", NAME])?;
    assert!(format!("{ending:?}").contains("asked to end"), "{ending:?}");
    let submitted = tests::argosy::run(&mut setup.submission())?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    let log = end(log)?;
    assert!(log.stdout.contains("left in good order"), "{log:?}");

    let (one, other) = (start(setup.submission())?, start(setup.submission())?);
    let (one, other) = (end(one)?, end(other)?);
    let lost: Vec<&Done> = [&one, &other].into_iter().filter(|done| done.code != Some(0)).collect();
    assert!(lost.len() < 2, "{lost:?}");
    for done in lost {
        assert_eq!(done.code, Some(4), "{done:?}");
        assert!(done.stderr.contains("workflow status"), "{done:?}");
    }
    let left = setup.workflows()?;
    assert_eq!(left.len(), 1);
    let uid = left[0]["metadata"]["uid"].as_str().context("a uid")?;
    let named = [&one, &other].into_iter().filter(|done| done.stdout.contains(uid)).count();
    assert_eq!(named, 1, "{uid}: {one:?} {other:?}");
    Ok(())
}

#[test]
fn an_approval_and_a_stop_at_once_leave_one_story() -> Result<()> {
    let gated = Gated::new()?;
    let names = ["r-a", "r-b", "r-c", "r-d"];
    for name in names {
        gated.start(name)?;
    }
    for (position, name) in names.into_iter().enumerate() {
        gated.until_at(name, "one-a-b")?;
        let approve = ["approve", "step", "one-a-b", "--workflow-name", name, "--by", "ann"];
        let kubeconfig = &gated.namespace.kubeconfig;
        let stop = start(gated.command(kubeconfig, &["stop", name]))?;
        // Now one is faster, now the other.
        thread::sleep(Duration::from_millis(20) * u32::try_from(position)?);
        let approval = end(start(gated.command(kubeconfig, &approve))?)?;
        let stop = end(stop)?;
        assert_eq!(stop.code, Some(0), "{stop:?}");
        let status = gated.until_ended(name)?;
        assert_eq!(status["phase"], "Failed");
        assert_ne!(phase_of(&status, "Second"), "Succeeded");
        let gate = gate_of(&status, "one-a-b");
        match approval.code {
            Some(0) => {
                assert_eq!((&gate["state"], &gate["by"]), (&json!("approved"), &json!("ann")));
            }
            Some(4) => assert_eq!(gate["state"], "skipped", "{approval:?}"),
            _ => panic!("{approval:?}"),
        }
    }
    Ok(())
}

#[test]
fn an_approval_from_a_machine_an_hour_fast_is_noted_at_the_servers_time() -> Result<()> {
    let gated = Gated::new()?;
    gated.start("w")?;
    gated.until_at("w", "one-a-b")?;
    let asked = Timestamp::now();
    let plain = gated.command(
        &gated.namespace.kubeconfig,
        &["approve", "step", "one-a-b", "--workflow-name", "w"],
    );
    let done = run(&mut an_hour_fast(&plain))?;
    assert_eq!(done.code, Some(0), "{done:?}");

    let status = gated.until_at("w", "two-a-b")?;
    let at = gate_of(&status, "one-a-b")["at"].as_str().unwrap_or_default().parse::<Timestamp>()?;
    let apart = at.duration_since(asked).abs();
    assert!(apart < SignedDuration::from_mins(5), "{status:#}");
    Ok(())
}

/// The same command on a machine whose clock is wrong.
fn an_hour_fast(command: &Command) -> Command {
    let mut fast = Command::new("/usr/bin/faketime");
    fast.args(["-f", "+1h"]).arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        fast.envs(value.map(|value| (name, value)));
    }
    fast
}

#[test]
fn a_pod_that_is_deleted_or_evicted_is_told_and_made_again() -> Result<()> {
    let gated = Gated::new()?;
    let pods = gated.namespace.path("/api/v1", "pods");
    gated.start_with("w", Steps { first: "sleep 5; echo hello", ..Steps::default() })?;
    // As our steps are retried.
    let mut patient = step("patient", "sleep 5; echo hello");
    patient["retryStrategy"] = json!({
        "limit": "10", "retryPolicy": "Always",
        "expression": "asInt(lastRetry.exitCode) != 130 && (asInt(lastRetry.exitCode) > 5 || \
                       asInt(lastRetry.exitCode) < 0)",
        "backoff": { "duration": "2s", "factor": "2", "cap": "1m" },
    });
    gated.run("p", &json!({ "entrypoint": "patient", "templates": [patient] }))?;

    wait_until("the first step runs", || Ok(!pods_of(&gated, "first")?.is_empty()))?;
    for pod in pods_of(&gated, "first")? {
        gated.namespace.delete(&format!("{pods}/{pod}"))?;
    }
    wait_until("the patient step runs", || Ok(!pods_of(&gated, "patient")?.is_empty()))?;
    for pod in pods_of(&gated, "patient")? {
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": pod },
        });
        gated.namespace.create(&format!("{pods}/{pod}/eviction"), &eviction)?;
    }

    let status = gated.until_ended("w")?;
    assert_eq!(status["phase"], "Failed");
    let message = node_of(&status, "First")["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("its pod was deleted or ended from outside"), "{message}");
    let text = gated.workflow(&["status", "w"])?;
    assert!(text.stderr.contains("workflow resume w"), "{text:?}");
    assert_eq!(gated.workflow(&["resume", "w"])?.code, Some(0));
    gated.until_at("w", "one-a-b")?;

    assert_eq!(gated.until_ended("p")?["phase"], "Succeeded");
    Ok(())
}
