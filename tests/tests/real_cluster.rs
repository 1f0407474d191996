//! Does a real Argo on a real Kubernetes take what we make? Every example before Argo's own lint
//! and before the API server that knows every field; every image in a pod.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use generator::{Compiled, Installation, Output};
use serde_json::{Map, Value, json};
use test_cluster::Running;
use tests::{
    argosy::run,
    eventually::{Observed, eventually},
    host,
    namespace::Namespace,
};

const POD_ENDS_WITHIN: Duration = Duration::from_secs(90);

fn cluster() -> Result<Running> {
    host::cluster(&host::machine()?)
}

/// Every example, compiled, with its name.
fn examples() -> Result<Vec<(String, Output)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    // It stands in for the default repository, which two of the examples rely on.
    let installation = Installation {
        default_snapshot_repository: Some(generator::DefaultRepository {
            repo_path_uri: "s3://default-bucket/snapshots".to_owned(),
            aws_region: Some("us-east-1".to_owned()),
            ..generator::DefaultRepository::default()
        }),
        ..Installation::default()
    };
    let mut examples = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let kind = path.extension().unwrap_or_default();
        if kind != "yaml" && kind != "json" {
            continue;
        }
        let Compiled { findings, output } =
            generator::compile(&fs_err::read_to_string(&path)?, &installation);
        examples
            .push((name, output.with_context(|| format!("{}: {findings:#?}", path.display()))?));
    }
    ensure!(examples.len() > 10, "only {} examples were found", examples.len());
    examples.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(examples)
}

/// Runs Argo's lint, which needs no cluster, on a text of manifests.
fn lint(running: &Running, text: &str) -> Result<tests::argosy::Done> {
    let folder = tempfile::tempdir()?;
    fs_err::write(folder.path().join("manifests.yaml"), text)?;
    let mut command = Command::new(running.programs.join("argo"));
    command.env("KUBECONFIG", "/dev/null").args(["lint", "--offline", "--no-color"]);
    run(command.arg(folder.path()))
}

#[test]
fn argos_own_lint_has_nothing_to_say_about_any_example() -> Result<()> {
    let running = cluster()?;
    for (name, output) in examples()? {
        let texts: Result<Vec<_>, _> = output.manifests.iter().map(argo::yaml::write).collect();
        let text = texts?.join("---\n");
        let done = lint(&running, &text)?;
        ensure!(done.code == Some(0), "{name}: {}{}", done.stdout, done.stderr);
        // A judge that finds nothing in anything would be none.
        let spoilt = text.replacen("template: run", "template: walk", 1);
        ensure!(lint(&running, &spoilt)?.code == Some(1), "{name}: a wrong reference passed");
    }
    Ok(())
}

#[test]
fn every_object_is_stored_as_it_was_emitted() -> Result<()> {
    for (name, output) in examples()? {
        stored_as_emitted(&name, &output)?;
    }
    Ok(())
}

#[test]
fn a_file_of_a_thousand_groups_becomes_objects_that_are_stored() -> Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/minimal.yaml");
    let group =
        |number| format!("      - {{ name: g{number}, indices: [\"tenant-{number}-*\"] }}\n");
    let groups: String = (0..1_000).map(group).collect();
    let example = fs_err::read_to_string(example)?;
    let (head, _) = example.split_once("snapshotMigrations:").context("the example has groups")?;
    let file = format!("{head}snapshotMigrations:\n{groups}");
    let Compiled { findings, output } = generator::compile(&file, &Installation::default());
    let output = output.with_context(|| format!("{findings:#?}"))?;
    let templates = output.manifests.iter().filter(|it| it.kind() == "WorkflowTemplate").count();
    ensure!(templates > 20, "{templates} templates");
    stored_as_emitted("a-thousand-groups", &output)
}

/// Applies all objects to a namespace of their own.
fn stored_as_emitted(name: &str, output: &Output) -> Result<()> {
    let namespace = Namespace::new(&format!("accept-{name}"))?;
    for manifest in &output.manifests {
        let ours = serde_json::to_value(manifest)?;
        let kind = manifest.kind();
        let object = format!("{kind} `{}` of {name}", manifest.metadata().name);
        let path = path(&namespace, kind, &manifest.metadata().name)?;
        let answered = namespace.apply(&path, &ours, "&dryRun=All").context(object.clone())?;
        same(&object, &ours, answered)?;
        // A stored Workflow would be run.
        if kind != "Workflow" {
            namespace.apply(&path, &ours, "").context(object.clone())?;
            same(&object, &ours, namespace.get(&path)?)?;
        }
    }
    Ok(())
}

#[test]
fn the_api_server_refuses_a_field_that_argo_does_not_know() -> Result<()> {
    let namespace = Namespace::new("refuse")?;
    let (_, output) = examples()?.into_iter().next().context("there are examples")?;
    let manifest = output.manifests.iter().find(|manifest| manifest.kind() == "WorkflowTemplate");
    let manifest = manifest.context("there are templates")?;
    let mut object = serde_json::to_value(manifest)?;
    object["spec"]["paralelism"] = json!(3);
    let path = path(&namespace, manifest.kind(), &manifest.metadata().name)?;
    let refused = namespace.apply(&path, &object, "&dryRun=All");
    let Err(error) = refused else { bail!("it was taken: {refused:?}") };
    ensure!(format!("{error:#}").contains("paralelism"), "{error:#}");
    Ok(())
}

/// Where the API has an object.
fn path(namespace: &Namespace, kind: &str, name: &str) -> Result<String> {
    let (api, resource) = match kind {
        "WorkflowTemplate" => ("/apis/argoproj.io/v1alpha1", "workflowtemplates"),
        "Workflow" => ("/apis/argoproj.io/v1alpha1", "workflows"),
        "ConfigMap" => ("/api/v1", "configmaps"),
        "ServiceAccount" => ("/api/v1", "serviceaccounts"),
        "Role" => ("/apis/rbac.authorization.k8s.io/v1", "roles"),
        "RoleBinding" => ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
        other => bail!("where the API has a `{other}` is not known here"),
    };
    Ok(format!("{}/{name}", namespace.path(api, resource)))
}

/// Fails unless the server's object is ours with nothing but its own metadata added.
fn same(object: &str, ours: &Value, mut theirs: Value) -> Result<()> {
    let its_own =
        ["creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid"];
    if let Some(metadata) = theirs.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !its_own.contains(&field.as_str()));
    }
    let differences = differences("", ours, &theirs);
    ensure!(differences.is_empty(), "{object}:\n{}", differences.join("\n"));
    Ok(())
}

/// Every place at which two values differ.
fn differences(place: &str, ours: &Value, theirs: &Value) -> Vec<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let missing = |from: &Map<String, Value>, in_: &Map<String, Value>, what: &str| {
                let keys = from.iter().filter(|(key, _)| !in_.contains_key(*key));
                keys.map(|(key, value)| format!("{place}/{key}: {what}: {value}"))
                    .collect::<Vec<_>>()
            };
            let mut found = missing(ours, theirs, "dropped");
            found.extend(missing(theirs, ours, "added"));
            for (key, value) in ours {
                if let Some(other) = theirs.get(key) {
                    found.extend(differences(&format!("{place}/{key}"), value, other));
                }
            }
            found
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => ours
            .iter()
            .zip(theirs)
            .enumerate()
            .flat_map(|(index, (one, other))| differences(&format!("{place}/{index}"), one, other))
            .collect(),
        _ if ours == theirs => Vec::new(),
        _ => vec![format!("{place}: ours {ours}, theirs {theirs}")],
    }
}

#[test]
fn every_image_is_small_and_its_program_runs_with_no_rights_and_nothing_else_in_the_image()
-> Result<()> {
    let installation = Installation::default();
    let namespace = Namespace::new("images")?;
    let pods = namespace.path("/api/v1", "pods");
    let archives = host::machine()?.area.folder("images")?;
    let steps = images::steps(&host::machine()?)?;
    ensure!(steps.len() > 5, "{steps:?}");
    // A step that is given no request says so and ends with 2.
    let mut programs: Vec<(String, String, i32)> =
        steps.iter().map(|step| (step.clone(), format!("/argosy-{step}"), 2)).collect();
    programs.push(("console".to_owned(), "/usr/bin/workflow".to_owned(), 0));
    for (name, program, _) in &programs {
        let size = fs_err::metadata(archives.join(format!("argosy-{name}.tar")))?.len();
        // The console has two programs and a shell.
        let limit = if name == "console" { 60_000_000 } else { 20_000_000 };
        ensure!(size < limit, "the image of {name} has {size} bytes");
        let image =
            format!("{}/argosy-{name}:{}", installation.image_registry, installation.image_tag);
        namespace.create(
            &pods,
            &json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "containers": [{
                        "name": "main", "image": image, "imagePullPolicy": "Never",
                        "command": [program], "args": ["--version"],
                        "securityContext": {
                            "runAsNonRoot": true, "readOnlyRootFilesystem": true,
                            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
                            "seccompProfile": { "type": "RuntimeDefault" },
                        },
                    }],
                },
            }),
        )?;
    }
    for (name, _, code) in &programs {
        let ended = ending(&namespace, &format!("{pods}/{name}"))?;
        ensure!(ended["exitCode"] == *code, "{name}: {ended}");
    }
    Ok(())
}

/// How the container of a pod ended.
fn ending(namespace: &Namespace, path: &str) -> Result<Value> {
    eventually(&format!("the end of `{path}`"), POD_ENDS_WITHIN, || {
        let pod = namespace.get(path)?;
        let ending = pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
        Ok(Observed::when(ending.is_object(), ending, |_| format!("{:#}", pod["status"])))
    })
}
