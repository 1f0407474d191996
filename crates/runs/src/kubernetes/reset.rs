//! What `workflow reset` can remove from a namespace: everything that carries our labels.

use std::collections::{BTreeMap, BTreeSet};

use argo::{
    NodePhase,
    convention::label::{PART_OF, SESSION, WORKFLOW},
};
use serde_json::Value;

use super::{
    fault::Fault,
    nodes,
    server::{Server, text},
    submit,
};
use crate::{
    error::BackendError,
    object_kind::ObjectKind,
    reset::{Part, Removable, RemovableKind},
};

/// What messages call the templates and accounts that all workflows share.
const SHARED: &str = "argosy-templates";
/// The label that distinguishes the console from migrations.
const COMPONENT: &str = "app.kubernetes.io/component";
/// The kinds of objects that a workflow consists of, in the order in which they are removed.
const WORKFLOW_KINDS: [ObjectKind; 2] = [ObjectKind::WorkflowTemplate, ObjectKind::ConfigMap];
/// The kinds of objects that all workflows share, besides WorkflowTemplates.
const SHARED_ACCESS: [ObjectKind; 3] =
    [ObjectKind::RoleBinding, ObjectKind::Role, ObjectKind::ServiceAccount];

/// The objects of a workflow.
struct WorkflowObjects {
    kind: RemovableKind,
    parts: Vec<Part>,
}

/// Returns what can be removed, dependents first.
pub(super) async fn removables(server: &Server) -> Result<Vec<Removable>, BackendError> {
    let selector = format!("{}={}", PART_OF.0, PART_OF.1);
    let mut workflows: BTreeMap<String, WorkflowObjects> = BTreeMap::new();
    let mut live: BTreeSet<String> = BTreeSet::new();
    for workflow in server.list(ObjectKind::Workflow, &selector).await? {
        let name = text(&workflow, "/metadata/name").to_owned();
        let phase: NodePhase = nodes::phase(&workflow)?;
        if !phase.is_complete() {
            live.insert(name.clone());
        }
        let parts = vec![part(ObjectKind::Workflow, &workflow)];
        workflows.insert(name, WorkflowObjects { kind: RemovableKind::Workflow(phase), parts });
    }
    // The console belongs to no migration, and must not remove its own account.
    let migrations = format!("{selector},{COMPONENT}!=console");
    let mut shared = Vec::new();
    for kind in WORKFLOW_KINDS.into_iter().chain(SHARED_ACCESS) {
        for object in permitted(server, kind, &migrations).await? {
            match label(&object, WORKFLOW) {
                Some(workflow) => {
                    let leftovers =
                        WorkflowObjects { kind: RemovableKind::Leftovers, parts: Vec::new() };
                    let known = workflows.entry(workflow.to_owned()).or_insert(leftovers);
                    known.parts.push(part(kind, &object));
                }
                None if kind == ObjectKind::ConfigMap || label(&object, SESSION).is_some() => {}
                None => shared.push(part(kind, &object)),
            }
        }
    }
    let mut removables: Vec<Removable> = workflows
        .into_iter()
        .map(|(name, WorkflowObjects { kind, parts })| Removable {
            name,
            kind,
            parts,
            needed_by: Vec::new(),
        })
        .collect();
    if !shared.is_empty() {
        removables.push(Removable {
            name: SHARED.to_owned(),
            kind: RemovableKind::Shared,
            parts: shared,
            needed_by: live.into_iter().collect(),
        });
    }
    Ok(removables)
}

/// Lists what this account may read. What it may not read was installed by another account, which
/// removes it.
async fn permitted(
    server: &Server,
    kind: ObjectKind,
    selector: &str,
) -> Result<Vec<Value>, BackendError> {
    match server.list(kind, selector).await {
        Err(Fault::Forbidden { .. }) if !WORKFLOW_KINDS.contains(&kind) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// Removes something.
pub(super) async fn remove(server: &Server, removable: &Removable) -> Result<(), BackendError> {
    let Removable { name, kind, parts, needed_by: _ } = removable;
    if *kind != RemovableKind::Shared
        && let Some(workflow) = server.get(ObjectKind::Workflow, name).await?
    {
        submit::remove(server, name, text(&workflow, "/metadata/uid")).await?;
    }
    for part in parts {
        if let Part::Object { kind, name } = part
            && *kind != ObjectKind::Workflow
        {
            server.delete(*kind, name, None).await?;
        }
    }
    Ok(())
}

fn part(kind: ObjectKind, object: &Value) -> Part {
    Part::Object { kind, name: text(object, "/metadata/name").to_owned() }
}

fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(name)?.as_str()
}
