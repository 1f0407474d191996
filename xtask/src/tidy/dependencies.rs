//! Dependencies point one way: what each crate must never reach, over any number of steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use super::Finding;

/// The pure crates: no network, no runtime.
const PURE: &[&str] = &["argo", "generator", "lucene", "contract", "transform"];
const EDGE: &[&str] = &["kube", "reqwest", "tokio"];

/// The crates that may talk to Kubernetes; the tests may, since they drive those.
const MAY_REACH_KUBE: &[&str] = &["argosy-console", "runs", "tests", "workflow"];

/// How the name of a step program's crate ends.
const STEP: &str = "-step";

/// What is for developers only; nothing of the product is built upon it.
const DEVELOPER: &[&str] = &[
    "bench",
    "images",
    "test-cluster",
    "test-datasets",
    "test-machine",
    "test-servers",
    "tests",
    "xtask",
];

pub(super) fn check(workspace: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new().manifest_path(workspace.join("Cargo.toml")).exec()?;
    let graph = Graph::new(&metadata)?;
    let ours: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root)?;
        for forbidden in forbidden(name, &ours) {
            if let Some(route) = graph.route(&package.id, forbidden) {
                findings.push(Finding::of_file(
                    manifest.as_std_path(),
                    format!("`{name}` must not reach `{forbidden}`, and does: {route}"),
                ));
            }
        }
    }
    Ok(findings)
}

/// What a crate of ours must not reach.
fn forbidden<'a>(name: &str, ours: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    if PURE.contains(&name) {
        all.extend(EDGE);
    }
    if name == "lucene" {
        all.extend(ours);
    }
    if name == "engine" {
        all.insert("generator");
    }
    // Steps may share with one another; what is beneath them does not know them.
    if !name.ends_with(STEP) && !DEVELOPER.contains(&name) {
        all.extend(ours.iter().filter(|other| other.ends_with(STEP)));
    }
    if !MAY_REACH_KUBE.contains(&name) {
        all.insert("kube");
    }
    if !DEVELOPER.contains(&name) {
        all.extend(DEVELOPER);
    }
    if name != "xtask" {
        all.insert("xtask");
    }
    all.remove(name);
    all
}

/// Who depends upon whom in what we ship: neither tests nor build scripts count.
struct Graph<'a> {
    names: BTreeMap<&'a PackageId, &'a str>,
    next: BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
}

impl<'a> Graph<'a> {
    fn new(metadata: &'a Metadata) -> Result<Self> {
        let resolve = metadata.resolve.as_ref().context("cargo resolved no dependencies")?;
        let names =
            metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
        let next = resolve
            .nodes
            .iter()
            .map(|node| {
                let normal = node.deps.iter().filter(|dependency| {
                    dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
                });
                (&node.id, normal.map(|dependency| &dependency.pkg).collect())
            })
            .collect();
        Ok(Self { names, next })
    }

    /// A shortest way from a crate to one of this name.
    fn route(&self, from: &'a PackageId, to: &str) -> Option<String> {
        let mut came_from: BTreeMap<&PackageId, &PackageId> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for &next in self.next.get(at).into_iter().flatten() {
                if next == from || came_from.contains_key(next) {
                    continue;
                }
                came_from.insert(next, at);
                if self.names.get(next) == Some(&to) {
                    return Some(self.shown(next, &came_from));
                }
                queue.push_back(next);
            }
        }
        None
    }

    fn shown(&self, end: &PackageId, came_from: &BTreeMap<&PackageId, &PackageId>) -> String {
        let mut way = vec![end];
        while let Some(before) = way.last().and_then(|at| came_from.get(at)) {
            way.push(before);
        }
        let names = way.iter().rev().filter_map(|id| self.names.get(id).copied());
        names.collect::<Vec<_>>().join(" -> ")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use cargo_metadata::MetadataCommand;

    use super::{Graph, forbidden};

    #[test]
    fn each_crate_has_the_limits_that_the_architecture_gives_it() {
        let ours =
            BTreeSet::from(["cluster", "engine", "generator", "lucene", "rfs-step", "workflow"]);
        assert!(forbidden("generator", &ours).contains("tokio"));
        assert!(forbidden("lucene", &ours).contains("cluster"));
        assert!(!forbidden("lucene", &ours).contains("lucene"));
        assert!(forbidden("engine", &ours).contains("generator"));
        assert!(forbidden("cluster", &ours).contains("kube"));
        assert!(!forbidden("workflow", &ours).contains("kube"));
        assert!(forbidden("coordination", &ours).contains("rfs-step"));
        assert!(!forbidden("verify-step", &ours).contains("rfs-step"));
    }

    #[test]
    fn a_forbidden_crate_is_found_over_several_steps() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).exec().unwrap();
        let graph = Graph::new(&metadata).unwrap();
        let xtask =
            metadata.workspace_packages().into_iter().find(|package| package.name == "xtask");
        let route = graph.route(&xtask.unwrap().id, "mio").unwrap();
        assert_eq!(route, "xtask -> test-servers -> tokio -> mio");
        assert_eq!(graph.route(&xtask.unwrap().id, "kube"), None);
    }
}
