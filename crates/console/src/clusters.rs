//! The clusters of a migration file, as clients.

use cli_support::{EngineChoice, StateDir, session_file};
use cluster::Client;
use contract::{ClusterAccess, Exit, Failure};
use engine::secrets::{SecretError, Secrets};
use generator::{
    DefaultRepository, Installation,
    findings::{self, Colour},
    plan::PlannedMigration,
};

use crate::{args::Global, namespace::Namespace};

/// Whether a cluster is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Target,
}

impl Role {
    /// Returns the word that commands take.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// A cluster of the file.
pub(crate) struct Known {
    /// Read or written.
    pub(crate) role: Role,
    /// Its name in the file.
    pub(crate) name: String,
    /// How to talk to it.
    pub(crate) client: Client,
}

/// Where migration files and credentials are kept.
enum Kept {
    Here(StateDir),
    There(Namespace),
}

impl Kept {
    async fn open(global: &Global) -> anyhow::Result<Self> {
        Ok(match global.common.engine.choose()? {
            EngineChoice::Local => Self::Here(StateDir::choose(&global.common.state)?),
            EngineChoice::Argo(access) => Self::There(Namespace::connect(&access).await?),
        })
    }

    async fn session(&self, session: &str) -> anyhow::Result<String> {
        match self {
            Self::Here(state) => session_file::read(state, session),
            Self::There(namespace) => namespace.session(session).await,
        }
    }

    /// Makes a client of a cluster, with the credentials of that name.
    async fn client(&self, access: &ClusterAccess, secret: Option<&str>) -> anyhow::Result<Client> {
        match (self, secret) {
            (_, None) => cli_support::client(access, |_| Ok(None)),
            (Self::Here(state), Some(name)) => {
                let secrets = Secrets::in_folder(state.path().join("secrets"));
                cli_support::client(access, |key| match secrets.read(name, key) {
                    Err(SecretError::Missing { .. }) => Ok(None),
                    read => Ok(Some(read?)),
                })
            }
            (Self::There(namespace), Some(name)) => {
                let entries = namespace.secret(name).await?;
                cli_support::client(access, |key| Ok(entries.get(key).cloned()))
            }
        }
    }
}

/// Returns the clusters of the migration file that `wanted` means: `source`, `target`, a name, or
/// all of them.
pub(crate) async fn open(global: &Global, wanted: Option<&str>) -> anyhow::Result<Vec<Known>> {
    let kept = Kept::open(global).await?;
    let (text, name) = match &global.config_file {
        Some(path) => (fs_err::read_to_string(path)?, path.display().to_string()),
        None => (kept.session(&global.session).await?, "migration.yaml".to_owned()),
    };
    let migrations = migrations(&text, &name)?;
    let mut known: Vec<Known> = Vec::new();
    for migration in &migrations {
        let PlannedMigration { source, source_secret, target, target_secret, .. } = migration;
        let source = source.as_ref().map(|access| (Role::Source, access, source_secret));
        for (role, access, secret) in
            source.into_iter().chain([(Role::Target, target, target_secret)])
        {
            let is_wanted =
                wanted.is_none_or(|wanted| wanted == role.word() || wanted == access.name);
            let is_new = !known.iter().any(|other| other.name == access.name);
            if is_wanted && is_new {
                let client = kept.client(access, secret.as_deref()).await?;
                known.push(Known { role, name: access.name.clone(), client });
            }
        }
    }
    if known.is_empty() {
        let wanted = wanted.unwrap_or("any cluster");
        let message =
            format!("{name} has no cluster `{wanted}`; write `source`, `target` or a name");
        return Err(Failure::new(Exit::NotFound, message).into());
    }
    Ok(known)
}

fn migrations(text: &str, name: &str) -> anyhow::Result<Vec<PlannedMigration>> {
    // Only the clusters are looked at, so a missing repository must not be in the way.
    let nowhere = DefaultRepository {
        repo_path_uri: "file:///nowhere".to_owned(),
        ..DefaultRepository::default()
    };
    let installation =
        Installation { default_snapshot_repository: Some(nowhere), ..Installation::default() };
    let compiled = generator::compile(text, &installation);
    let Some(output) = compiled.output else {
        let printed = findings::text(&compiled.findings, text, name, Colour::Never);
        return Err(Failure::new(Exit::Invalid, format!("{name} has errors\n{printed}")).into());
    };
    Ok(output.plan.migrations)
}
