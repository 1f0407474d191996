//! Whole migrations on Argo with our own images: a real Elasticsearch moves into a real OpenSearch,
//! and every step is a pod.
//!
//! The servers run in the cluster's network, where pods reach them by address; so does the thread
//! of each test, with all that it starts. One file is migrated on Argo and on the embedded engine,
//! which must come to the same end. Another migration reads from a real S3 server with keys out of
//! a Secret.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use engine::{Clock, Store};
use fs_err as fs;
use serde_json::{Value, json};
use test_datasets::shop;
use test_machine::{Machine, launch::Lifetime};
use test_servers::{
    distribution::{ELASTICSEARCH_7_17, OPENSEARCH_2_19},
    s3::S3Server,
    server::{Server, start_all_at},
};
use tests::{
    argosy::{Argosy, Done, run},
    bucket::Bucket,
    claim::Claim,
    compare::differences,
    eventually::{Observed, eventually},
    host,
    namespace::Namespace,
    servers::TestServer,
};

const ARGO: &str = "/apis/argoproj.io/v1alpha1";
const WORKFLOW: &str = "migration-workflow";
const WITHIN: Duration = Duration::from_mins(10);

/// Two servers that pods reach, the product's programs, and a namespace to migrate in.
struct Setup {
    machine: Machine,
    run: PathBuf,
    source: TestServer,
    target: TestServer,
    argosy: Argosy,
    namespace: Namespace,
    _servers: Vec<Server>,
}

impl Setup {
    fn new(name: &str) -> Result<Self> {
        let machine = host::machine()?;
        let running = host::cluster(&machine)?;
        running.enter_network()?;
        let run = machine.area.new_run(name)?;
        let wanted = [ELASTICSEARCH_7_17, OPENSEARCH_2_19];
        let servers =
            start_all_at(test_cluster::ADDRESS, &machine, &run, &wanted, Lifetime::WithUs)?;
        let at = |position: usize| {
            let server: &Server = servers.get(position).context("two servers were started")?;
            TestServer::at(server.address.clone())
        };
        let (source, target) = (at(0)?, at(1)?);
        shop::dataset().load(&source.http)?;
        Ok(Self {
            machine,
            run,
            source,
            target,
            argosy: Argosy::new()?,
            namespace: Namespace::new(name)?,
            _servers: servers,
        })
    }

    /// A command of `workflow` for the cluster.
    fn on_argo<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.argosy.workflow(arguments);
        command
            .args(["--engine", "argo", "--namespace", &self.namespace.name])
            .args(["--kubeconfig", &self.namespace.kubeconfig]);
        command
    }

    /// Waits until the status of the workflow is as wanted.
    fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let poll = || {
            let status =
                run(&mut self.on_argo(["status", WORKFLOW, "--output", "json"]))?.json()?;
            let is_so = is_so(&status);
            ensure!(is_so || status["finishedAt"].is_null(), "the run has ended before {what}");
            Ok(Observed::when(is_so, status, |status| format!("{status:#}")))
        };
        let seen = eventually(what, WITHIN, poll);
        seen.or_else(|error| Err(error.context(self.report()?)))
    }

    fn report(&self) -> Result<String> {
        let status = run(&mut self.on_argo(["status", WORKFLOW]))?;
        let log = run(&mut self.on_argo(["log", "all"]))?;
        let Done { stdout, stderr, .. } = status;
        Ok(format!("{stdout}{stderr}{}{}", log.stdout, log.stderr))
    }

    /// Fails unless every index and every document of the source is on the target.
    fn arrived(&self) -> Result<()> {
        let expected = test_datasets::counts(&self.source.http)?;
        ensure!(expected.len() > 5, "the source holds {expected:?} only");
        let found = test_datasets::counts(&self.target.http)?;
        ensure!(found == expected, "{found:?} arrived, not {expected:?}");
        let mut problems = Vec::new();
        for index in expected.keys() {
            problems.extend(differences(&self.source.http, &self.target.http, index)?);
        }
        problems.truncate(20);
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(())
    }

    fn pods(&self) -> Result<Vec<Value>> {
        let list = self.namespace.get(&self.namespace.path("/api/v1", "pods"))?;
        list["items"].as_array().cloned().context("a list of pods")
    }

    /// The status as Argo keeps it.
    fn argos_status(&self) -> Result<Value> {
        let path = format!("{}/{WORKFLOW}", self.namespace.path(ARGO, "workflows"));
        Ok(self.namespace.get(&path)?["status"].take())
    }
}

fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"]["labels"][name].as_str().unwrap_or_default()
}

/// A node by what a person calls it.
fn node<'a>(status: &'a Value, name: &str) -> Result<&'a Value> {
    let nodes = status["nodes"].as_object().context("nodes")?;
    let found = nodes.values().find(|node| node["displayName"] == name);
    found.with_context(|| format!("there is no node `{name}`"))
}

/// What must be the same wherever a migration runs: each node's type, phase and kind of answer.
fn ends(status: &Value) -> Result<BTreeMap<String, String>> {
    let mut ends = BTreeMap::new();
    for node in status["nodes"].as_object().context("nodes")?.values() {
        let mut end = format!("{} {}", node["type"], node["phase"]);
        for output in node["outputs"]["parameters"].as_array().into_iter().flatten() {
            let answer: Value =
                serde_json::from_str(output["value"].as_str().context("a value that is text")?)?;
            end = format!("{end} {}: {}", output["name"], shape(&answer));
        }
        let name = node["name"].as_str().context("a node has a name")?;
        ends.insert(name.to_owned(), end);
    }
    Ok(ends)
}

/// A value without what differs from run to run.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        Value::Array(items) => items.first().map_or(json!([]), |first| json!([shape(first)])),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Bool(_) | Value::Null => value.clone(),
    }
}

#[test]
fn a_migration_on_argo_comes_to_the_same_end_as_on_this_machine() -> Result<()> {
    let setup = Setup::new("migration")?;
    let Setup { source, target, argosy, namespace, .. } = &setup;
    let claim = Claim::on(namespace, &source.address.repository)?;
    let text = format!(
        "sourceClusters:\n  old:\n    endpoint: {}\n    snapshotRepo: {{ repoPathUri: \"{}\" }}\n\
         targetClusters:\n  new: {{ endpoint: {} }}\nmigrations:\n  - sourceCluster: old\n    \
         targetCluster: new\n    snapshotMigrations:\n      - name: shop\n        indices: \
         [\"*\"]\n        documentBackfill: {{ workers: 3 }}\n",
        source.address.url,
        source.repository_uri(),
        target.address.url,
    );
    let file = argosy.write("migration.yaml", &text)?;

    let warned = run(setup.on_argo(["validate"]).arg(&file))?;
    ensure!(warned.stderr.contains("repository::unseen-folder"), "{warned:?}");
    let volume = format!("{}:{}", Claim::NAME, source.address.repository.display());
    let submitted = run(setup.on_argo(["submit", "--snapshot-volume", &volume]).arg(&file))?;
    ensure!(submitted.code == Some(0) && !submitted.stderr.contains("warning"), "{submitted:?}");

    for gate in ["metadata-evaluated-old-to-new-shop", "documents-backfilled-old-to-new-shop"] {
        setup.until(gate, |status| {
            let gates = status["gates"].as_array().into_iter().flatten();
            gates.clone().any(|known| known["name"] == gate && known["state"] == "waiting")
        })?;
        let is_up = |pod: &Value| {
            ["Pending", "Running"].iter().any(|phase| pod["status"]["phase"] == *phase)
        };
        // The node ends before its pod does.
        eventually(&format!("no pods while `{gate}` waits"), Duration::from_mins(1), || {
            let up: Vec<Value> = setup.pods()?.into_iter().filter(is_up).collect();
            Ok(Observed::when(up.is_empty(), up, |up| format!("{up:#?}")))
        })?;
        let approved = run(&mut setup.on_argo(["approve", "step", gate, "--reason", "as hoped"]))?;
        ensure!(approved.code == Some(0), "{approved:?}");
    }
    let status = setup.until("the end", |status| !status["finishedAt"].is_null())?;
    ensure!(status["phase"] == "Succeeded", "{}", setup.report()?);
    setup.arrived()?;

    let pods = setup.pods()?;
    let is_worker = |pod: &&Value| !label(pod, "batch.kubernetes.io/job-name").is_empty();
    let (workers, others): (Vec<&Value>, Vec<&Value>) = pods.iter().partition(is_worker);
    ensure!(workers.len() >= 3, "{} workers", workers.len());
    let of_group = others.iter().filter(|pod| label(pod, "argosy.dev/group") == "shop").count();
    println!("{} workers, {} other pods, {of_group} of the group", workers.len(), others.len());
    ensure!((1..=8).contains(&of_group), "{of_group} pods for one group");
    let jobs = namespace.get(&namespace.path("/apis/batch/v1", "jobs"))?;
    for owned in jobs["items"].as_array().into_iter().flatten().chain(workers) {
        ensure!(label(owned, "argosy.dev/workflow") == WORKFLOW, "{}", owned["metadata"]);
    }

    let on_argo = setup.argos_status()?;
    let exit = node(&on_argo, &format!("{WORKFLOW}.onExit"))?;
    ensure!(exit["phase"] == "Succeeded", "{exit:#}");
    let left_on_argo = left(source)?;
    drop(claim);

    target.empty()?;
    let done = argosy.migrate(&file)?;
    ensure!(done.code == Some(0), "{}{}{}", done.stdout, done.stderr, argosy.report());
    setup.arrived()?;
    ensure!(left(source)? == left_on_argo, "what is left on the source differs");
    let store = Store::open(argosy.state(), Clock::new(jiff::Timestamp::now))?;
    let uid = store.run(WORKFLOW)?.uid;
    let on_this_machine = serde_json::to_value(store.status(&uid)?.status)?;
    // Here every gate was answered beforehand.
    let same = |ends: BTreeMap<String, String>| {
        let is_gate =
            |name: &str| name.contains("metadata-evaluated") || name.contains("backfilled");
        ends.into_iter().filter(|(name, _)| !is_gate(name)).collect::<BTreeMap<_, _>>()
    };
    let (here, there) = (same(ends(&on_this_machine)?), same(ends(&on_argo)?));
    ensure!(here.len() > 15, "{here:#?}");
    equal(&here, &there)?;

    let documents: u64 = test_datasets::counts(&source.http)?.values().sum();
    // Lucene counts nested documents too, and the executor polls only now and then.
    let progress = node(&on_argo, "follow(0)")?["progress"].as_str().unwrap_or_default();
    let (done, total) = progress.split_once('/').unwrap_or_default();
    let is_whole = done == total && done.parse::<u64>().is_ok_and(|done| done >= documents);
    ensure!(is_whole, "`follow` is at {progress} of {documents} documents");
    Ok(())
}

/// The repositories and snapshots that a cluster knows.
fn left(server: &TestServer) -> Result<Value> {
    server.http.get("/_snapshot")
}

fn equal(here: &BTreeMap<String, String>, there: &BTreeMap<String, String>) -> Result<()> {
    let mut different = Vec::new();
    for name in here.keys().chain(there.keys().filter(|name| !here.contains_key(*name))) {
        if here.get(name) != there.get(name) {
            different.push(format!(
                "{name}\n  here   {:?}\n  on argo {:?}",
                here.get(name),
                there.get(name)
            ));
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n"));
    Ok(())
}

#[test]
fn pods_read_a_snapshot_from_s3_with_keys_out_of_a_secret() -> Result<()> {
    let setup = Setup::new("from-s3")?;
    let Setup { machine, run: folder, source, target, argosy, namespace, .. } = &setup;
    let s3 = S3Server::start_at(test_cluster::ADDRESS, machine, folder)?;
    let variables = BTreeMap::from(s3.variables());
    let of = |name: &str| variables.get(name).map(|value| (*value).to_owned()).context("a setting");
    let bucket = Bucket {
        name: of("ARGOSY_S3_BUCKET")?,
        region: of("ARGOSY_S3_REGION")?,
        endpoint: of("ARGOSY_S3_ENDPOINT")?,
        access_key: of("AWS_ACCESS_KEY_ID")?,
        secret_key: of("AWS_SECRET_ACCESS_KEY")?,
    };
    let repository = &source.address.repository;
    source.http.put(
        "/_snapshot/backup",
        &json!({ "type": "fs", "settings": { "location": repository } }),
    )?;
    source.http.put(
        "/_snapshot/backup/nightly?wait_for_completion=true",
        &json!({ "indices": "*", "include_global_state": true }),
    )?;
    bucket.upload(repository, "shop")?;
    let text = format!(
        "sourceClusters:\n  old:\n    snapshotRepo:\n      repoPathUri: s3://{}/shop\n      \
         awsRegion: {}\n      endpoint: {}\n      snapshotName: nightly\n      secretName: \
         s3-keys\ntargetClusters:\n  new: {{ endpoint: {} }}\nmigrations:\n  - sourceCluster: \
         old\n    targetCluster: new\n    snapshotMigrations:\n      - indices: [\"*\"]\n",
        bucket.name, bucket.region, bucket.endpoint, target.address.url,
    );
    let file = argosy.write("migration.yaml", &text)?;

    let submit = ["submit", "--approve-all", "--wait", "--wait-interval", "1", "--timeout", "600"];
    let early = run(setup.on_argo(submit).arg(&file))?;
    ensure!(early.code == Some(3) && early.stderr.contains("create s3-keys"), "{early:?}");
    let keys = format!(
        "AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n",
        bucket.access_key, bucket.secret_key
    );
    let keys = Stdio::from(fs::File::open(argosy.write("keys", &keys)?)?.into_parts().0);
    let create = ["configure", "credentials", "create", "s3-keys", "--storage"];
    let created = run(setup.on_argo(create).stdin(keys))?;
    ensure!(created.code == Some(0), "{created:?}");

    let done = run(setup.on_argo(submit).arg(&file))?;
    ensure!(done.code == Some(0), "{}{}{}", done.stdout, done.stderr, setup.report()?);
    setup.arrived()?;
    // The key is in its Secret and nowhere else.
    let mut kept = setup.report()?;
    for (api, resource) in [
        (ARGO, "workflows"),
        (ARGO, "workflowtemplates"),
        ("/api/v1", "configmaps"),
        ("/api/v1", "pods"),
        ("/apis/batch/v1", "jobs"),
    ] {
        kept.push_str(&namespace.get(&namespace.path(api, resource))?.to_string());
    }
    ensure!(kept.contains("s3-keys") && !kept.contains(&bucket.secret_key));
    Ok(())
}
