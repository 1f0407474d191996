//! Installation on a real Kubernetes, as an operator does it: `workflow install`, the quick start of
//! `docs/installation.md` typed in the console pod, and the way by Git, with no program of ours on
//! the cluster's side.
//!
//! `kubectl` and `argo` are the cluster's own. The servers run in the cluster's network, where pods
//! reach them by address.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use test_cluster::Running;
use test_machine::{Machine, launch::Lifetime};
use test_servers::{
    distribution::{ELASTICSEARCH_7_17, OPENSEARCH_2_19},
    server::{Server, start_all_at},
};
use tests::{
    argosy::{Argosy, Done, run},
    claim::Claim,
    cluster_pair::{DOCUMENTS, INDICES, create_index},
    eventually::{Observed, eventually},
    host,
    namespace::Namespace,
    servers::TestServer,
};

const WORKFLOW: &str = "migration-workflow";
const WITHIN: Duration = Duration::from_mins(5);

/// A namespace, the programs, and who runs the cluster.
struct Place {
    machine: Machine,
    running: Running,
    argosy: Argosy,
    namespace: Namespace,
}

impl Place {
    fn new(name: &str) -> Result<Self> {
        let machine = host::machine()?;
        let running = host::cluster(&machine)?;
        let (argosy, namespace) = (Argosy::new()?, Namespace::new(name)?);
        Ok(Self { machine, running, argosy, namespace })
    }

    /// `workflow` on this machine, about the namespace.
    fn workflow(&self, words: &[&str]) -> Command {
        let mut command = self.argosy.workflow(words);
        let Namespace { name, kubeconfig, .. } = &self.namespace;
        command.args(["--namespace", name, "--kubeconfig", kubeconfig]);
        command
    }

    fn kubectl(&self, words: &[&str]) -> Command {
        let mut command = self.running.program("kubectl");
        command.args(["--namespace", &self.namespace.name]).args(words);
        command
    }

    /// A file that a command reads.
    fn stdin(&self, text: &str) -> Result<Stdio> {
        Ok(Stdio::from(std::fs::File::open(self.argosy.write("stdin", text)?)?))
    }
}

/// Fails unless a command ended with 0.
fn done(what: &str, command: &mut Command) -> Result<Done> {
    let done = run(command)?;
    ensure!(done.code == Some(0), "{what}: {done:?}");
    Ok(done)
}

#[test]
fn what_is_printed_is_what_is_installed_and_a_second_time_changes_nothing() -> Result<()> {
    let place = Place::new("install")?;
    let site = ["--image-registry", "registry.example.com/argosy", "--snapshot-volume"];
    let site: Vec<&str> = site.into_iter().chain(["snapshots:/mnt/snapshots"]).collect();
    let with = |words: &[&'static str]| [words, &site].concat();

    // Argo and the API server take what is printed; nothing was asked to print it.
    let name = &place.namespace.name;
    let printed = place.argosy.workflow(with(&["install", "--print"])).output()?;
    let printed = String::from_utf8(printed.stdout)?;
    let lint = place.argosy.write("install.yaml", &printed)?;
    let mut argo = Command::new(place.running.programs.join("argo"));
    argo.env("KUBECONFIG", "/dev/null").args(["lint", "--offline", "--no-color"]).arg(lint);
    done("argo lint", &mut argo)?;
    let mut dry = place.kubectl(&["apply", "--server-side", "--dry-run=server", "-f", "-"]);
    let dry = done("kubectl", dry.arg("--validate=strict").stdin(place.stdin(&printed)?))?;
    ensure!(dry.stdout.contains("statefulset.apps/argosy-console serverside-applied"), "{dry:?}");
    let objects = printed.matches("\nkind: ").count();
    ensure!(dry.stdout.lines().count() == objects && objects > 12, "{objects}: {dry:?}");

    let first = done("install", &mut place.workflow(&with(&["install"])))?;
    let all = |done: &Done, word: &str| done.stdout.lines().all(|line| line.ends_with(word));
    ensure!(first.stdout.lines().count() == objects && all(&first, " created"), "{first:?}");
    ensure!(first.stderr.contains(&format!("-n {name}")), "{first:?}");
    let again = done("install", &mut place.workflow(&with(&["install"])))?;
    ensure!(all(&again, " unchanged"), "{again:?}");
    let newer = ["install", "--image-tag", "next", "--output", "json"];
    let newer = done("install", &mut place.workflow(&with(&newer)))?.json()?;
    let changed = newer["applied"].as_array().into_iter().flatten();
    let changed: BTreeSet<&str> = changed
        .filter(|object| object["outcome"] == "changed")
        .filter_map(|object| object["kind"].as_str())
        .collect();
    ensure!(changed == BTreeSet::from(["StatefulSet", "WorkflowTemplate"]), "{newer:#}");

    // The same by kustomize.
    let folder = place.argosy.state().join("base").display().to_string();
    let to_folder = [&["install", "--output-dir", &folder][..], &site].concat();
    done("install", &mut place.argosy.workflow(to_folder))?;
    let kept = done(
        "kubectl",
        &mut place.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &folder]),
    )?;
    ensure!(kept.stdout.lines().count() == objects, "{kept:?}");

    // An account without rights gets a list of every rule that it lacks, and nothing else happens.
    done("kubectl", &mut place.kubectl(&["create", "serviceaccount", "nobody"]))?;
    let token = done("kubectl", &mut place.kubectl(&["create", "token", "nobody"]))?;
    let config = fs_err::read_to_string(&place.namespace.kubeconfig)?;
    let mut config: Value = argo::yaml::read_value(&config)?;
    for user in config["users"].as_array_mut().into_iter().flatten() {
        user["user"] = json!({ "token": token.stdout.trim() });
    }
    let config = place.argosy.write("nobody", &config.to_string())?.display().to_string();
    let refused = ["install", "--namespace", name, "--kubeconfig", &config];
    let refused = run(&mut place.argosy.workflow(refused))?;
    ensure!(refused.code == Some(5), "{refused:?}");
    for resource in ["serviceaccounts", "roles", "rolebindings", "statefulsets"] {
        ensure!(refused.stderr.contains(&format!("resources: [{resource}]")), "{refused:?}");
    }
    let nowhere =
        ["install", "--namespace", "no-such", "--kubeconfig", &place.namespace.kubeconfig];
    let nowhere = run(&mut place.argosy.workflow(nowhere))?;
    ensure!(nowhere.code == Some(3), "{nowhere:?}");
    ensure!(nowhere.stderr.contains("kubectl create namespace no-such"), "{nowhere:?}");
    Ok(())
}

/// A source with two small indices and an empty target, where pods reach them.
struct Clusters {
    source: TestServer,
    target: TestServer,
    _servers: Vec<Server>,
}

impl Clusters {
    fn start(place: &Place, name: &str) -> Result<Self> {
        place.running.enter_network()?;
        let run = place.machine.area.new_run(name)?;
        let wanted = [ELASTICSEARCH_7_17, OPENSEARCH_2_19];
        let servers =
            start_all_at(test_cluster::ADDRESS, &place.machine, &run, &wanted, Lifetime::WithUs)?;
        let at = |position: usize| {
            let server: &Server = servers.get(position).context("two servers were started")?;
            TestServer::at(server.address.clone())
        };
        let (source, target) = (at(0)?, at(1)?);
        for index in INDICES {
            create_index(&source, index)?;
        }
        Ok(Self { source, target, _servers: servers })
    }

    fn file(&self, indices: &str) -> String {
        let Self { source, target, .. } = self;
        format!(
            "sourceClusters:\n  old:\n    endpoint: {}\n    authConfig: {{ basic: {{ secretName: \
             source-credentials }} }}\n    snapshotRepo: {{ repoPathUri: \"{}\" }}\n\
             targetClusters:\n  new: {{ endpoint: {} }}\nmigrations:\n  - sourceCluster: old\n    \
             targetCluster: new\n    snapshotMigrations: [{{ name: shop, indices: [{indices}] }}]\n",
            source.address.url,
            source.repository_uri(),
            target.address.url,
        )
    }

    fn volume(&self) -> String {
        format!("{}:{}", Claim::NAME, self.source.address.repository.display())
    }

    fn arrived(&self, index: &str) -> Result<()> {
        self.target.http.post(&format!("/{index}/_refresh"), &json!({}))?;
        let count = self.target.http.get(&format!("/{index}/_count"))?;
        ensure!(count["count"] == DOCUMENTS, "{index}: {count}");
        Ok(())
    }
}

/// Types commands in the console pod.
struct Console<'a> {
    place: &'a Place,
}

impl<'a> Console<'a> {
    fn ready(place: &'a Place) -> Result<Self> {
        let rollout = ["rollout", "status", "statefulset/argosy-console", "--timeout=120s"];
        done("the console", &mut place.kubectl(&rollout))?;
        Ok(Self { place })
    }

    fn try_typing(&self, line: &str, input: &str) -> Result<Done> {
        let exec = ["exec", "-i", "argosy-console-0", "--", "sh", "-c", line];
        run(self.place.kubectl(&exec).stdin(self.place.stdin(input)?))
    }

    /// Types a line, which must end with 0.
    fn types(&self, line: &str, input: &str) -> Result<Done> {
        let done = self.try_typing(line, input)?;
        ensure!(done.code == Some(0), "{line}: {done:?}\n{}", self.report());
        Ok(done)
    }

    fn report(&self) -> String {
        let mut report = String::new();
        for line in ["workflow status", "workflow log all"] {
            if let Ok(done) = self.try_typing(line, "") {
                writeln!(report, "$ {line}\n{}{}", done.stdout, done.stderr).ok();
            }
        }
        report
    }

    /// Waits until the run of the workflow is as wanted.
    fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let poll = || {
            let status = self.types("workflow status --output json", "")?.json()?;
            let is_so = is_so(&status);
            ensure!(is_so || status["finishedAt"].is_null(), "the run has ended before {what}");
            Ok(Observed::when(is_so, status, |status| format!("{status:#}")))
        };
        eventually(what, WITHIN, poll).with_context(|| self.report())
    }

    /// Waits at a gate; returns its name.
    fn until_a_gate_waits(&self) -> Result<String> {
        let waiting = |status: &Value| {
            let gates = status["gates"].as_array().into_iter().flatten();
            let waiting = gates.clone().find(|gate| gate["state"] == "waiting");
            waiting.and_then(|gate| gate["name"].as_str()).map(str::to_owned)
        };
        let status = self.until("a gate", |status| waiting(status).is_some())?;
        waiting(&status).context("a gate waits")
    }
}

#[test]
fn the_quick_start_is_typed_in_the_console_pod() -> Result<()> {
    let place = Place::new("quick-start")?;
    let clusters = Clusters::start(&place, "quick-start")?;
    let _claim = Claim::on(&place.namespace, &clusters.source.address.repository)?;
    let volume = clusters.volume();
    done("install", &mut place.workflow(&["install", "--snapshot-volume", &volume]))?;

    // Steps 1 to 4: the pod, the version, the sample, the file.
    let console = Console::ready(&place)?;
    for program in ["workflow", "console"] {
        let version = console.types(&format!("{program} --version"), "")?;
        ensure!(version.stdout.starts_with(program), "{version:?}");
    }
    let sample = console.types("workflow configure sample --load", "")?;
    ensure!(sample.stderr.contains("workflow configure edit"), "{sample:?}");
    let [pilot, rest] = INDICES;
    // Nothing types into the editor here; the test checks only that it is installed.
    console.types("command -v vi", "")?;
    let first = clusters.file(&format!("\"{pilot}\""));
    console.types("workflow configure edit --stdin", &first)?;
    ensure!(console.types("workflow configure view", "")?.stdout == first);

    // Step 5: the Secret, by kubectl as the guide has it. Without it nothing starts.
    let early = console.try_typing("workflow submit", "")?;
    ensure!(early.code == Some(3), "{early:?}");
    ensure!(early.stderr.contains("create source-credentials"), "{early:?}");
    let secret = ["create", "secret", "generic", "source-credentials"];
    let entries = ["--from-literal=username=ann", "--from-literal=password=secret"];
    done("kubectl", place.kubectl(&secret).args(entries))?;

    // Steps 6 and 7: both clusters, from the pod.
    let check = console.types("console clusters connection-check", "")?;
    ensure!(check.stdout.matches('✓').count() == 2, "{check:?}");
    let health = console.types("console clusters curl target /_cluster/health", "")?;
    ensure!(health.stdout.contains("number_of_nodes"), "{health:?}");
    let plan = console.types("workflow plan", "")?;
    ensure!(plan.stdout.contains(pilot) && !plan.stdout.contains(rest), "{plan:?}");

    // Step 8: the pilot, gate by gate, with the account of the pod.
    let submitted = console.types("workflow submit", "")?;
    ensure!(!submitted.stderr.contains("left unchanged"), "{submitted:?}");
    for expected in ["metadata-evaluated-old-to-new-shop", "documents-backfilled-old-to-new-shop"] {
        let gate = console.until_a_gate_waits()?;
        ensure!(gate == expected, "{gate}");
        let report = console.types("workflow show evaluate-metadata", "")?;
        ensure!(report.stdout.contains(pilot), "{report:?}");
        console.types(&format!("workflow approve step {gate} --reason looked"), "")?;
    }
    let status = console.until("the end", |status| !status["finishedAt"].is_null())?;
    ensure!(status["phase"] == "Succeeded", "{}", console.report());
    let by = &status["gates"][0]["by"];
    let account = format!("system:serviceaccount:{}:argosy-console", place.namespace.name);
    ensure!(by == &json!(account), "{by}");

    // Step 9: look at what arrived.
    let indices = console.types("console clusters cat-indices --refresh", "")?;
    ensure!(indices.stdout.contains(pilot), "{indices:?}");
    let count = console.types(&format!("console clusters curl target /{pilot}/_count"), "")?;
    ensure!(count.stdout.contains(&format!("\"count\":{DOCUMENTS}")), "{count:?}");

    // Step 10: the rest, in one go. The ended run of that name is replaced.
    let second = clusters.file(&format!("\"orders-*\", \"-{pilot}\""));
    console.types("workflow configure edit --stdin", &second)?;
    let submit = "workflow submit --approve-all --wait --wait-interval 1 --timeout 300";
    console.types(submit, "")?;
    clusters.arrived(pilot)?;
    clusters.arrived(rest)?;

    // Step 11: what there is to read, and nothing that stays.
    let log = console.types("workflow log all", "")?;
    ensure!(log.stdout.contains("[initialize]"), "{log:?}");
    let manifests = console.types("workflow show --manifest", "")?;
    ensure!(manifests.stdout.contains("kind: Workflow\n"), "{manifests:?}");
    console.types("workflow reset --all --yes", "")?;
    let left = console.types("workflow reset --list", "")?;
    ensure!(left.stderr.contains("nothing to remove"), "{left:?}");
    // The console may start migrations. It may not give away rights, its own among them.
    let refused = console.try_typing("workflow install", "")?;
    ensure!(refused.code == Some(5) && refused.stderr.contains("serviceaccounts"), "{refused:?}");
    Ok(())
}

#[test]
fn a_migration_out_of_git_needs_kubectl_and_argo_only() -> Result<()> {
    let place = Place::new("gitops")?;
    let clusters = Clusters::start(&place, "gitops")?;
    let _claim = Claim::on(&place.namespace, &clusters.source.address.repository)?;
    let secret = ["create", "secret", "generic", "source-credentials"];
    let entries = ["--from-literal=username=ann", "--from-literal=password=secret"];
    done("kubectl", place.kubectl(&secret).args(entries))?;

    let file = place.argosy.write("migration.yaml", &clusters.file("\"orders-*\""))?;
    let folder = place.argosy.state().join("manifests").display().to_string();
    let volume = clusters.volume();
    let words = ["compile", "--output-dir", &folder, "--snapshot-volume", &volume];
    done("compile", place.argosy.workflow(words).arg(file))?;
    done("kubectl", &mut place.kubectl(&["apply", "-k", &folder]))?;
    done("kubectl", &mut place.kubectl(&["create", "-f", &format!("{folder}/workflow.yaml")]))?;

    let workflow = place.namespace.path("/apis/argoproj.io/v1alpha1", "workflows");
    let workflow = format!("{workflow}/{WORKFLOW}");
    let until = |what: &str, is_so: &dyn Fn(&Value) -> bool| {
        eventually(what, WITHIN, || {
            let status = place.namespace.get(&workflow)?["status"].take();
            let is_so = is_so(&status);
            ensure!(
                is_so || status["finishedAt"].is_null(),
                "it has ended before {what}: {status:#}"
            );
            Ok(Observed::when(is_so, status, |status| format!("{status:#}")))
        })
    };
    for gate in ["metadata-evaluated-old-to-new-shop", "documents-backfilled-old-to-new-shop"] {
        until(gate, &|status| {
            let nodes = status["nodes"].as_object().into_iter().flatten();
            nodes.clone().any(|(_, node)| {
                node["type"] == "Suspend"
                    && node["phase"] == "Running"
                    && node["displayName"] == gate
            })
        })?;
        let mut resume = place.running.program("argo");
        resume.args(["resume", WORKFLOW, "--namespace", &place.namespace.name]);
        done("argo resume", &mut resume)?;
    }
    let status = until("the end", &|status| !status["finishedAt"].is_null())?;
    ensure!(status["phase"] == "Succeeded", "{status:#}");
    for index in INDICES {
        clusters.arrived(index)?;
    }
    // Our program shows the same run.
    let seen = done("status", place.workflow(&["status", WORKFLOW]).args(["--engine", "argo"]))?;
    ensure!(seen.stdout.contains("Phase: Succeeded"), "{seen:?}");
    Ok(())
}
