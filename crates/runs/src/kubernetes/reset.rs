//! What `workflow reset` can remove from a namespace: all that carries our labels.

use std::collections::{BTreeMap, BTreeSet};

use argo::{
    NodePhase,
    convention::label::{PART_OF, SESSION, WORKFLOW},
};
use serde_json::Value;

use super::{
    fault::Fault,
    kind::Kind,
    nodes,
    server::{Server, text},
    submit,
};
use crate::backend::{Holding, HoldingKind};

/// What holds the templates and accounts that all workflows share.
const SHARED: &str = "argosy-templates";
/// The label of capture proxies.
const COMPONENT: &str = "app.kubernetes.io/component";
const PROXY: &str = "capture-proxy";
/// The kinds of objects that a workflow consists of, in the order in which they are removed.
const OF_WORKFLOWS: [Kind; 2] = [Kind::WorkflowTemplate, Kind::ConfigMap];
const OF_ALL: [Kind; 4] =
    [Kind::WorkflowTemplate, Kind::RoleBinding, Kind::Role, Kind::ServiceAccount];
const OF_PROXIES: [Kind; 2] = [Kind::Deployment, Kind::Service];

/// Returns what can be removed, dependents first.
pub(super) async fn holdings(server: &Server) -> anyhow::Result<Vec<Holding>> {
    let selector = format!("{}={}", PART_OF.0, PART_OF.1);
    let mut workflows: BTreeMap<String, (NodePhase, Vec<String>)> = BTreeMap::new();
    for workflow in server.list(Kind::Workflow, &selector).await? {
        let name = text(&workflow, "/metadata/name").to_owned();
        workflows.insert(name, (nodes::phase(&workflow)?, vec![part(Kind::Workflow, &workflow)]));
    }
    // The console is no migration's, and must not take away its own account.
    let migrations = format!("{selector},{COMPONENT}!=console");
    let mut shared = Vec::new();
    for kind in OF_WORKFLOWS.into_iter().chain(OF_ALL.into_iter().skip(1)) {
        for object in permitted(server, kind, &migrations).await? {
            let is_session = label(&object, SESSION).is_some();
            match label(&object, WORKFLOW) {
                Some(workflow) => {
                    // Left behind by a workflow that is gone: they are its remains.
                    let remains = (NodePhase::Omitted, Vec::new());
                    let known = workflows.entry(workflow.to_owned()).or_insert(remains);
                    known.1.push(part(kind, &object));
                }
                None if is_session || kind == Kind::ConfigMap => {}
                None => shared.push(part(kind, &object)),
            }
        }
    }
    let mut holdings = Vec::new();
    let live: BTreeSet<String> = workflows
        .iter()
        .filter(|(_, (phase, _))| !phase.is_complete())
        .map(|(name, _)| name.clone())
        .collect();
    for (name, (phase, parts)) in workflows {
        let kind = HoldingKind::Workflow(phase);
        holdings.push(Holding { name, kind, parts, needed_by: Vec::new() });
    }
    if !shared.is_empty() {
        holdings.push(Holding {
            name: SHARED.to_owned(),
            kind: HoldingKind::Shared,
            parts: shared,
            needed_by: live.into_iter().collect(),
        });
    }
    for kind in OF_PROXIES {
        let proxies = format!("{selector},{COMPONENT}={PROXY}");
        for object in permitted(server, kind, &proxies).await? {
            add(&mut holdings, HoldingKind::Proxy, kind, &object);
        }
    }
    for object in permitted(server, Kind::PersistentVolumeClaim, &selector).await? {
        add(&mut holdings, HoldingKind::Storage, Kind::PersistentVolumeClaim, &object);
    }
    Ok(holdings)
}

/// Lists what this account may see. What it may not, somebody else installed and removes.
async fn permitted(server: &Server, kind: Kind, selector: &str) -> anyhow::Result<Vec<Value>> {
    match server.list(kind, selector).await {
        Err(Fault::Forbidden { .. }) if !OF_WORKFLOWS.contains(&kind) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

fn add(holdings: &mut Vec<Holding>, of: HoldingKind, kind: Kind, object: &Value) {
    let (name, part) = (text(object, "/metadata/name").to_owned(), part(kind, object));
    match holdings.iter_mut().find(|holding| holding.kind == of && holding.name == name) {
        Some(known) => known.parts.push(part),
        None => holdings.push(Holding { name, kind: of, parts: vec![part], needed_by: Vec::new() }),
    }
}

/// Removes a holding.
pub(super) async fn remove(server: &Server, holding: &Holding) -> anyhow::Result<()> {
    let Holding { name, kind, parts, needed_by: _ } = holding;
    if matches!(kind, HoldingKind::Workflow(_))
        && let Some(workflow) = server.get(Kind::Workflow, name).await?
    {
        submit::remove(server, name, text(&workflow, "/metadata/uid")).await?;
    }
    for part in parts {
        let Some((kind, name)) = part.split_once('/') else { continue };
        if let Some(kind) = Kind::named(kind).filter(|kind| *kind != Kind::Workflow) {
            server.delete(kind, name, None).await?;
        }
    }
    Ok(())
}

fn part(kind: Kind, object: &Value) -> String {
    format!("{}/{}", kind.name(), text(object, "/metadata/name"))
}

fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(name)?.as_str()
}
