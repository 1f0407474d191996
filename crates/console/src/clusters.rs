//! The clusters of a migration file, as clients.

use cluster::Client;
use engine::environment::{SecretError, Secrets};
use generator::{
    DefaultRepository, Installation,
    findings::{self, Colour},
    plan::PlannedMigration,
};
use session::StateDir;
use step_api::{ClusterAccess, Exit, Failure};

use crate::args::Global;

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

/// Returns the clusters of the migration file that `wanted` means: `source`, `target`, a name, or
/// all of them.
pub(crate) fn open(global: &Global, wanted: Option<&str>) -> anyhow::Result<Vec<Known>> {
    let state = StateDir::choose(&global.common.state)?;
    let (text, name) = match &global.config_file {
        Some(path) => (fs_err::read_to_string(path)?, path.display().to_string()),
        None => (session::read(&state, &global.session)?, "migration.yaml".to_owned()),
    };
    let migrations = migrations(&text, &name)?;
    let secrets = Secrets::in_folder(state.path().join("secrets"));
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
                let client = client(access, secret.as_deref(), &secrets)?;
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

fn client(
    access: &ClusterAccess,
    secret: Option<&str>,
    secrets: &Secrets,
) -> anyhow::Result<Client> {
    session::client(access, |key| match secret.map(|name| secrets.read(name, key)) {
        None | Some(Err(SecretError::Missing { .. })) => Ok(None),
        Some(read) => Ok(Some(read?)),
    })
}
