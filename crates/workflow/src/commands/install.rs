//! `workflow install`: put into a namespace what migrations and the console pod need there.

use std::{collections::BTreeMap, path::Path};

use cli_support::{
    EngineFlags,
    output::{self, failure},
};
use contract::Exit;
use generator::Steps;
use runs::{Applied, Argo};
use serde_json::{Value, json};

use super::{folder, notices};
use crate::{
    args::{Format, Install},
    input,
    install::{self, CONSOLE_POD},
};

/// Runs `workflow install`.
pub(crate) async fn run(
    engine: &EngineFlags,
    flags: &Install,
    format: Format,
) -> anyhow::Result<Exit> {
    let access = engine.access();
    if let Some(namespace) = &access.namespace
        && !argo::names::is_allowed(namespace)
    {
        let message = format!("`{namespace}` cannot name a namespace");
        return Err(failure(Exit::Invalid, message));
    }
    let installation = input::installation(&flags.site, Steps::Pods);
    let mut objects = install::objects(&installation, access.namespace.as_deref())?;
    let is_offline = flags.print || flags.output_dir.is_some();
    if flags.create_namespace && is_offline {
        let Some(namespace) = &access.namespace else {
            let message = "`--create-namespace` needs a name; add `--namespace NAME`";
            return Err(failure(Exit::Invalid, message));
        };
        objects.insert(0, install::namespace(namespace));
    }
    if flags.print {
        print(&objects, format)?;
    } else if let Some(folder) = &flags.output_dir {
        write(folder, &objects)?;
    } else {
        apply(&Argo::new(access, notices::shown()), objects, flags.create_namespace, format)
            .await?;
    }
    Ok(Exit::Done)
}

/// Prints the objects. As JSON they are one List, which `kubectl apply` takes too.
fn print(objects: &[Value], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(&json!({ "apiVersion": "v1", "kind": "List", "items": objects }));
    }
    let documents = objects.iter().map(argo::yaml::write).collect::<Result<Vec<_>, _>>()?;
    output::plain(&documents.join("---\n"))
}

fn write(folder: &Path, objects: &[Value]) -> anyhow::Result<()> {
    let files: BTreeMap<String, &Value> = objects
        .iter()
        .map(|object| {
            let (kind, name) = identity(object);
            (folder::file(kind, name), object)
        })
        .collect();
    folder::write(folder, &files)?;
    let folder = folder.display();
    output::message(&format!("wrote {} objects to {folder}", objects.len()));
    output::hint(&format!("kubectl apply -k {folder}"));
    Ok(())
}

async fn apply(
    argo: &Argo,
    mut objects: Vec<Value>,
    create_namespace: bool,
    format: Format,
) -> anyhow::Result<()> {
    let namespace = argo.namespace().await?;
    if create_namespace {
        objects.insert(0, install::namespace(&namespace));
    }
    let outcomes = argo.install(&objects).await?;
    let applied = objects.iter().zip(outcomes);
    match format {
        Format::Json => {
            let applied: Vec<Value> = applied
                .map(|(object, outcome)| {
                    let (kind, name) = identity(object);
                    json!({ "kind": kind, "name": name, "outcome": word(outcome) })
                })
                .collect();
            output::json(&json!({ "namespace": namespace, "applied": applied }))?;
        }
        Format::Text => {
            for (object, outcome) in applied {
                let (kind, name) = identity(object);
                output::result(&format!("{kind}/{name} {}", word(outcome)))?;
            }
        }
    }
    output::hint(&format!("kubectl exec -it {CONSOLE_POD} -n {namespace} -- sh"));
    Ok(())
}

fn word(outcome: Applied) -> &'static str {
    match outcome {
        Applied::Created => "created",
        Applied::Changed => "changed",
        Applied::Unchanged => "unchanged",
    }
}

fn identity(object: &Value) -> (&str, &str) {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/kind"), text("/metadata/name"))
}
