//! The plain Kubernetes objects around the workflow: labels, ConfigMaps, account and Role.

use std::collections::BTreeMap;

use argo::{
    ConfigMap, Manifest, ObjectMeta, PolicyRule, Role, RoleBinding, ServiceAccount,
    convention::{decisions, label},
    object::{RoleRef, Subject},
};

use super::scope::ScopeLabels;
use crate::installation::Installation;

/// Returns the labels of an object of a workflow, with those of a migration or group.
pub(super) fn labels(workflow: &str, labels: Option<ScopeLabels<'_>>) -> BTreeMap<String, String> {
    let own = std::iter::once(("workflow", workflow));
    let mut all: BTreeMap<String, String> = own
        .chain(labels.into_iter().flat_map(ScopeLabels::iter))
        .map(|(name, value)| (label::ours(name), value.to_owned()))
        .collect();
    all.extend(part_of());
    all
}

fn part_of() -> [(String, String); 1] {
    let (name, value) = label::PART_OF;
    [(name.to_owned(), value.to_owned())]
}

/// Returns a ConfigMap.
pub(super) fn config_map(
    name: &str,
    labels: BTreeMap<String, String>,
    data: BTreeMap<String, String>,
) -> ConfigMap {
    ConfigMap {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        metadata: ObjectMeta::named(name, labels),
        data,
    }
}

/// Returns the ConfigMap of gate decisions. Argo reads parameters only from ConfigMaps with this
/// label.
pub(super) fn decisions(workflow: &str) -> ConfigMap {
    let mut labels = labels(workflow, None);
    let (name, value) = label::ARGO_PARAMETERS;
    labels.insert(name.to_owned(), value.to_owned());
    config_map(&decisions::map_name(workflow), labels, BTreeMap::new())
}

/// Returns the account that pods run as and what it may do: report results of nodes, and make and
/// watch the Jobs of the fleet.
pub(super) fn account(installation: &Installation) -> [Manifest; 3] {
    let name = &installation.service_account;
    let metadata = || ObjectMeta::named(name, part_of().into());
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let rule = |group: &str, resource: &str, verbs: &[&str]| PolicyRule {
        api_groups: texts(&[group]),
        resources: texts(&[resource]),
        verbs: texts(verbs),
    };
    [
        Manifest::ServiceAccount(ServiceAccount {
            api_version: "v1".to_owned(),
            kind: "ServiceAccount".to_owned(),
            metadata: metadata(),
        }),
        Manifest::Role(Role {
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            kind: "Role".to_owned(),
            metadata: metadata(),
            rules: vec![
                rule("argoproj.io", "workflowtaskresults", &["create", "patch"]),
                rule("batch", "jobs", &["create", "get", "list", "watch"]),
            ],
        }),
        Manifest::RoleBinding(RoleBinding {
            api_version: "rbac.authorization.k8s.io/v1".to_owned(),
            kind: "RoleBinding".to_owned(),
            metadata: metadata(),
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: "Role".to_owned(),
                name: name.clone(),
            },
            subjects: vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: name.clone(),
                namespace: None,
            }],
        }),
    ]
}
