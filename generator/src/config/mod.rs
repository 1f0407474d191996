//! What does the file mean, once every rule has passed? The proved types.
//!
//! [`prove`] turns the raw file into values that need no further question: URLs are plain,
//! versions and patterns parsed, references resolved, defaults filled in.

pub(crate) mod endpoint;
pub(crate) mod file;
pub(crate) mod repository;

use std::collections::BTreeMap;

use argo::names;
use contract::{
    Auth, ClusterAccess, Group, IndexSelection, Repository, rfs::RfsLimits, verify::VerifyMode,
};

use crate::{
    ClearTextSecret,
    check::structure,
    findings::Report,
    installation::Installation,
    kinds::snapshot::gates::{GATES, GateSpec},
    pointer::Pointer,
};
use file::{
    AuthConfig, DocumentBackfill, Migration as MigrationEntry, MigrationFile, SnapshotMigration,
};

/// A migration file that can be carried out.
#[derive(Debug)]
pub(crate) struct Config {
    pub parallelism: u32,
    pub migrations: Vec<Migration>,
    pub secrets: Vec<ClearTextSecret>,
}

/// Groups that go from one source to one target.
#[derive(Debug)]
pub(crate) struct Migration {
    pub name: String,
    pub source_name: String,
    /// Absent when the snapshot exists and the source is not needed.
    pub source: Option<Cluster>,
    pub target: Cluster,
    pub repository: Repository,
    /// The Secret with the keys to the repository.
    pub storage_secret: Option<String>,
    /// The snapshot that exists; one is taken when absent.
    pub existing_snapshot: Option<String>,
    pub max_rate_mb_per_node: Option<u32>,
    pub groups: Vec<GroupConfig>,
}

/// A cluster and the Secret with its credentials.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub access: ClusterAccess,
    pub secret: Option<String>,
}

/// A group and what is done with it.
#[derive(Debug)]
pub(crate) struct GroupConfig {
    pub group: Group,
    pub metadata: MetadataWork,
    pub documents: Option<Documents>,
    /// The gates that wait for a person.
    pub gates: Vec<&'static GateSpec>,
}

/// Whether templates, settings, mappings and aliases are migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataWork {
    Migrated,
    LeftOut,
}

/// How the documents of a group are migrated.
#[derive(Debug)]
pub(crate) struct Documents {
    pub workers: u32,
    pub limits: RfsLimits,
    pub allowed_rejections: u64,
    pub allow_partial_source: bool,
    pub verify: VerifyMode,
}

/// Workers of a group when the file does not say.
const DEFAULT_WORKERS: u32 = 2;
/// Pods at once when the file does not say.
const DEFAULT_PARALLELISM: u32 = 100;

/// Proves the file. `None`, with a finding, would mean that a rule is missing.
pub(crate) fn prove(
    file: &MigrationFile,
    installation: &Installation,
    report: &mut Report<'_>,
) -> Option<Config> {
    let mut secrets = BTreeMap::new();
    let mut migrations = Vec::new();
    for (position, entry) in file.migrations.iter().flatten().enumerate() {
        let Some(migration) = migration(file, entry, installation, &mut secrets) else {
            let path = Pointer::root().key("migrations").index(position);
            report
                .value(&structure::NOT_UNDERSTOOD, &path, "this migration was not understood")
                .help("this is a defect of the compiler: please report it with this file");
            return None;
        };
        migrations.push(migration);
    }
    Some(Config {
        parallelism: file.parallelism.unwrap_or(DEFAULT_PARALLELISM),
        migrations,
        secrets: secrets.into_values().collect(),
    })
}

fn migration(
    file: &MigrationFile,
    entry: &MigrationEntry,
    installation: &Installation,
    secrets: &mut BTreeMap<String, ClearTextSecret>,
) -> Option<Migration> {
    let source_name = entry.source_cluster.clone()?;
    let target_name = entry.target_cluster.clone()?;
    let source = file.source_clusters.as_ref()?.get(&source_name)?;
    let target = file.target_clusters.as_ref()?.get(&target_name)?;
    let workflow = &installation.workflow_name;
    let cluster = |name: &str, endpoint: &str, version: Option<&String>, insecure, auth| {
        Some(Cluster {
            access: ClusterAccess {
                name: name.to_owned(),
                endpoint: endpoint::plain(endpoint).ok()?,
                version: version.map(|text| text.parse()).transpose().ok()?,
                allow_insecure: Option::unwrap_or(insecure, false),
                auth: authentication(auth)?,
            },
            secret: secret_name(workflow, name, auth),
        })
    };
    let source_cluster = match &source.endpoint {
        Some(endpoint) => Some(cluster(
            &source_name,
            endpoint,
            source.version.as_ref(),
            source.allow_insecure,
            source.auth_config.as_ref(),
        )?),
        None => None,
    };
    let target_cluster = cluster(
        &target_name,
        target.endpoint.as_deref()?,
        target.version.as_ref(),
        target.allow_insecure,
        target.auth_config.as_ref(),
    )?;
    for (name, auth) in [(&source_name, &source.auth_config), (&target_name, &target.auth_config)] {
        if let Some(secret) = clear_text(workflow, name, auth.as_ref()) {
            secrets.insert(secret.name.clone(), secret);
        }
    }
    let repo = source.snapshot_repo.as_ref();
    let repository = repository::of(&source_name, repo, installation)?;
    Some(Migration {
        name: migration_name(entry)?,
        source_name,
        source: source_cluster,
        target: target_cluster,
        repository,
        storage_secret: repository::secret(repo, installation),
        existing_snapshot: repo.and_then(|repo| repo.snapshot_name.clone()),
        max_rate_mb_per_node: repo.and_then(|repo| repo.max_snapshot_rate_mb_per_node),
        groups: entry
            .snapshot_migrations
            .as_ref()?
            .iter()
            .enumerate()
            .map(|(position, group)| group_config(file, entry, group, position))
            .collect::<Option<_>>()?,
    })
}

fn group_config(
    file: &MigrationFile,
    migration: &MigrationEntry,
    entry: &SnapshotMigration,
    position: usize,
) -> Option<GroupConfig> {
    let levels = [
        (entry.approvals.as_ref(), entry.skip_approvals),
        (migration.approvals.as_ref(), migration.skip_approvals),
        (file.approvals.as_ref(), file.skip_approvals),
    ];
    let metadata =
        if entry.migrates_metadata() { MetadataWork::Migrated } else { MetadataWork::LeftOut };
    let has_documents = entry.migrates_documents();
    Some(GroupConfig {
        group: Group {
            name: group_name(entry, position),
            indices: IndexSelection::try_from(entry.indices.clone()?).ok()?,
            existing_indices: entry.existing_indices.unwrap_or_default(),
            allow_empty: entry.allow_empty.unwrap_or(false),
        },
        metadata,
        documents: has_documents.then(|| documents(entry.document_backfill.as_ref())),
        gates: GATES.into_iter().filter(|gate| gate.waits(&levels)).collect(),
    })
}

fn documents(part: Option<&DocumentBackfill>) -> Documents {
    let defaults = RfsLimits::default();
    let limits = RfsLimits {
        bulk_bytes: part.and_then(|part| part.bulk_bytes).unwrap_or(defaults.bulk_bytes),
        bulk_documents: part
            .and_then(|part| part.bulk_documents)
            .unwrap_or(defaults.bulk_documents),
        connections: part.and_then(|part| part.max_connections).unwrap_or(defaults.connections),
        lease_seconds: part.and_then(|part| part.lease_seconds).unwrap_or(defaults.lease_seconds),
    };
    Documents {
        workers: part.and_then(|part| part.workers).unwrap_or(DEFAULT_WORKERS),
        limits,
        allowed_rejections: part.and_then(|part| part.allowed_rejections).unwrap_or(0),
        allow_partial_source: part.and_then(|part| part.allow_partial_source).unwrap_or(false),
        verify: part.and_then(|part| part.verify).unwrap_or_default(),
    }
}

/// Returns a migration's name: its own, or one made of its clusters.
pub(crate) fn migration_name(entry: &MigrationEntry) -> Option<String> {
    if let Some(name) = &entry.name {
        return Some(name.clone());
    }
    Some(format!("{}-to-{}", entry.source_cluster.as_ref()?, entry.target_cluster.as_ref()?))
}

/// Returns a group's name: its own, or one made of its position.
pub(crate) fn group_name(entry: &SnapshotMigration, position: usize) -> String {
    entry.name.clone().unwrap_or_else(|| format!("group-{}", position + 1))
}

fn authentication(auth: Option<&AuthConfig>) -> Option<Auth> {
    let Some(AuthConfig { basic, sigv4, mtls }) = auth else { return Some(Auth::None) };
    match (basic, sigv4, mtls) {
        (Some(_), None, None) => Some(Auth::Basic),
        (None, Some(sigv4), None) => Some(Auth::Sigv4 {
            region: sigv4.region.clone()?,
            service: sigv4.service.clone().unwrap_or_else(|| "es".to_owned()),
        }),
        (None, None, Some(_)) => Some(Auth::Mtls),
        (None, None, None) => Some(Auth::None),
        _ => None,
    }
}

/// Returns the name of the Secret that holds a cluster's credentials.
fn secret_name(workflow: &str, cluster: &str, auth: Option<&AuthConfig>) -> Option<String> {
    let AuthConfig { basic, sigv4: _, mtls } = auth?;
    if let Some(mtls) = mtls {
        return mtls.secret_name.clone();
    }
    let basic = basic.as_ref()?;
    basic.secret_name.clone().or_else(|| Some(own_secret_name(workflow, cluster)))
}

/// The Secret for credentials in clear text. The workflow's name keeps it apart from Secrets that
/// people made, which it must never overwrite.
fn own_secret_name(workflow: &str, cluster: &str) -> String {
    names::joined(&[workflow, cluster, "credentials"])
}

fn clear_text(workflow: &str, cluster: &str, auth: Option<&AuthConfig>) -> Option<ClearTextSecret> {
    let basic = auth?.basic.as_ref()?;
    if basic.secret_name.is_some() {
        return None;
    }
    let entries = [("username", &basic.username), ("password", &basic.password)];
    let data = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect();
    Some(ClearTextSecret { name: own_secret_name(workflow, cluster), data })
}
