//! Dependencies point one way: what each crate must never reach, over any number of steps.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::finding::Finding;

/// Who must not reach whom, and why.
struct Direction {
    /// What a finding calls the rule.
    rule: &'static str,
    of: Crates,
    never: Crates,
}

/// A set of crates.
enum Crates {
    /// Those of these names, ours or not.
    Named(&'static [&'static str]),
    /// All of the workspace, without these names.
    OursExcept(&'static [&'static str]),
    /// The step programs: what is in `step-images`.
    Steps,
    /// What the product is built of.
    Product,
    /// What is neither a step program nor for developers.
    Libraries,
    /// What is for developers only: `testing`, `tests`, `xtask`, `fuzz`.
    Developers,
}

const DIRECTIONS: &[Direction] = &[
    Direction {
        rule: "a pure crate has no runtime and no network",
        of: Crates::Named(&["argo", "contract", "generator", "lucene", "transform"]),
        never: Crates::Named(&["kube", "reqwest", "tokio"]),
    },
    Direction {
        rule: "lucene knows files, and nothing of ours",
        of: Crates::Named(&["lucene"]),
        never: Crates::OursExcept(&["lucene"]),
    },
    Direction {
        rule: "the contract is beneath everything of ours",
        of: Crates::Named(&["contract"]),
        never: Crates::OursExcept(&["contract"]),
    },
    Direction {
        rule: "the engine runs manifests and does not compile",
        of: Crates::Named(&["engine"]),
        never: Crates::Named(&["generator"]),
    },
    Direction {
        rule: "the compiler does not run anything",
        of: Crates::Named(&["generator"]),
        never: Crates::Named(&["cluster", "engine", "snapshot-repo", "state-store"]),
    },
    Direction {
        rule: "a library does not reach a step program",
        of: Crates::Libraries,
        never: Crates::Steps,
    },
    Direction {
        rule: "a step program does not reach another one",
        of: Crates::Steps,
        never: Crates::Steps,
    },
    Direction {
        rule: "the state store, the fleet and the load know no kind of migration",
        of: Crates::Named(&["fleet", "load", "state-store"]),
        never: Crates::Named(&["argo", "coordination", "engine", "generator", "snapshot-repo"]),
    },
    Direction {
        rule: "only the crates that read a cluster's runs reach Kubernetes",
        of: Crates::OursExcept(&["argosy-console", "runs", "tests", "workflow"]),
        never: Crates::Named(&["kube"]),
    },
    Direction {
        rule: "the product does not reach what is for its developers",
        of: Crates::Product,
        never: Crates::Developers,
    },
    Direction {
        rule: "the commands of developers are on top",
        of: Crates::OursExcept(&["xtask"]),
        never: Crates::Named(&["xtask"]),
    },
];

/// Reports each dependency that points the wrong way, with a shortest route.
pub(crate) fn check(workspace: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new().manifest_path(workspace.join("Cargo.toml")).exec()?;
    let graph = Graph::new(&metadata)?;
    let ours = Ours::new(&metadata)?;
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root)?;
        for (forbidden, rule) in ours.forbidden(name) {
            if let Some(route) = graph.route(&package.id, forbidden) {
                let message = format!("`{name}` reaches `{forbidden}`: {route}; {rule}");
                findings.push(Finding::of_file(manifest.as_std_path(), message));
            }
        }
    }
    Ok(findings)
}

/// The crates of the workspace, each with the folder that it is in.
struct Ours<'a> {
    folders: BTreeMap<&'a str, &'a Path>,
}

impl<'a> Ours<'a> {
    fn new(metadata: &'a Metadata) -> Result<Self> {
        let mut folders = BTreeMap::new();
        for package in metadata.workspace_packages() {
            let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root)?;
            folders.insert(package.name.as_str(), manifest.as_std_path());
        }
        Ok(Self { folders })
    }

    /// What a crate must not reach, with the rule that says so.
    fn forbidden(&self, name: &'a str) -> BTreeMap<&'a str, &'static str> {
        let mut all = BTreeMap::new();
        for Direction { rule, of, never } in DIRECTIONS {
            if self.members(of).contains(name) {
                let never = self.members(never).into_iter().filter(|other| *other != name);
                all.extend(never.map(|other| (other, *rule)));
            }
        }
        all
    }

    fn members(&self, crates: &Crates) -> BTreeSet<&'a str> {
        let is_step = |folder: &Path| folder.starts_with("step-images");
        let is_for_developers = |folder: &Path| {
            ["fuzz", "testing", "tests", "xtask"].iter().any(|top| folder.starts_with(top))
        };
        let ours = |holds: &dyn Fn(&str, &Path) -> bool| {
            let found = self.folders.iter().filter(|(name, folder)| holds(name, folder));
            found.map(|(name, _)| *name).collect()
        };
        match crates {
            Crates::Named(names) => names.iter().copied().collect(),
            Crates::OursExcept(names) => ours(&|name, _| !names.contains(&name)),
            Crates::Steps => ours(&|_, folder| is_step(folder)),
            Crates::Product => ours(&|_, folder| !is_for_developers(folder)),
            Crates::Libraries => ours(&|_, folder| !is_step(folder) && !is_for_developers(folder)),
            Crates::Developers => ours(&|_, folder| is_for_developers(folder)),
        }
    }
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
        let mut queue = VecDeque::from([from]);
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
    use std::path::Path;

    use cargo_metadata::MetadataCommand;

    use super::{Graph, Ours};

    #[test]
    fn each_crate_has_the_limits_that_the_architecture_gives_it() {
        let folders = [
            ("cluster", "crates/cluster"),
            ("engine", "crates/engine"),
            ("generator", "generator"),
            ("lucene", "crates/lucene"),
            ("rfs-step", "step-images/rfs"),
            ("test-servers", "testing/servers"),
            ("verify-step", "step-images/verify"),
            ("workflow", "crates/workflow"),
            ("xtask", "xtask"),
        ];
        let folders = folders.map(|(name, folder)| (name, Path::new(folder))).into();
        let ours = Ours { folders };
        let never = |name, other| ours.forbidden(name).contains_key(other);
        assert!(never("generator", "tokio") && never("lucene", "cluster"));
        assert!(!never("lucene", "lucene"));
        assert!(never("engine", "generator") && !never("workflow", "generator"));
        assert!(never("cluster", "kube") && !never("workflow", "kube"));
        assert!(never("cluster", "rfs-step") && never("verify-step", "rfs-step"));
        assert!(!never("rfs-step", "rfs-step"));
        assert!(never("workflow", "test-servers") && !never("xtask", "test-servers"));
        assert!(never("test-servers", "xtask"));
    }

    #[test]
    fn a_forbidden_crate_is_found_over_several_steps() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).exec().expect("metadata");
        let graph = Graph::new(&metadata).expect("a graph");
        let packages = metadata.workspace_packages();
        let xtask = packages.iter().find(|package| package.name == "xtask").expect("xtask");
        let route = graph.route(&xtask.id, "mio");
        assert_eq!(route.as_deref(), Some("xtask -> test-servers -> tokio -> mio"));
        assert_eq!(graph.route(&xtask.id, "kube"), None);
    }
}
