//! How is the repository of the migration registered on the source?
//!
//! A registration of the same location is used, under whatever name. Another location under our name
//! is an error, because another process relies on it.

use cluster::{
    Client, ClusterError,
    repositories::{
        self, LOCATION_SETTINGS, RegisteredRepository, RepositoryDefinition, is_same_location,
    },
};
use contract::{Exit, Failure, Repository, ServerVersion, snapshot::SnapshotRequest};

/// Registers the repository on the source unless it is registered; returns its name there.
pub(crate) async fn ensure(
    client: &Client,
    request: &SnapshotRequest,
    version: &ServerVersion,
) -> anyhow::Result<String> {
    let ours = &request.repository_name;
    let repository = &request.snapshot.repository;
    let wanted = repositories::definition(repository, request.max_rate_mb_per_node);
    let wanted = plain_paths(wanted, version);
    let registered = repositories::find(client, ours, &wanted).await.map_err(Failure::from)?;
    match registered {
        Some(RegisteredRepository { name, definition })
            if !is_same_location(&definition, &wanted) =>
        {
            let message = format!(
                "cluster `{}` at `{}` has a repository `{name}` with another location: {}; if it is \
                 not needed, unregister it with `DELETE /_snapshot/{name}`",
                client.cluster(),
                client.url(),
                describe(&definition)
            );
            Err(Failure::new(Exit::Conflict, message).into())
        }
        Some(RegisteredRepository { name, .. }) if name != *ours => {
            tracing::warn!(
                "`{}` is already registered as `{name}`, which is used with its own settings and \
                 rate limit",
                repository.uri
            );
            Ok(name)
        }
        Some(RegisteredRepository { name, definition }) if includes(&definition, &wanted) => {
            tracing::info!("repository `{name}` is already registered");
            Ok(name)
        }
        _ => {
            repositories::put(client, ours, &wanted)
                .await
                .map_err(|error| refused(&error, repository))?;
            tracing::info!("registered repository `{ours}`: {}", describe(&wanted));
            Ok(ours.clone())
        }
    }
}

/// Adds the setting that keeps OpenSearch 3 from distributing shards over hashed folders, because most
/// readers of repositories only read `indices/`.
fn plain_paths(
    mut definition: RepositoryDefinition,
    version: &ServerVersion,
) -> RepositoryDefinition {
    if version.is_opensearch() {
        definition.settings.insert("shard_path_type".to_owned(), "FIXED".to_owned());
    }
    definition
}

/// Returns whether a registration has all wanted settings, apart from the location.
fn includes(registered: &RepositoryDefinition, wanted: &RepositoryDefinition) -> bool {
    wanted.settings.iter().all(|(name, value)| {
        LOCATION_SETTINGS.contains(&name.as_str()) || registered.settings.get(name) == Some(value)
    })
}

fn describe(definition: &RepositoryDefinition) -> String {
    let location = LOCATION_SETTINGS.iter().filter_map(|name| {
        definition.settings.get(*name).map(|value| format!(", {name} `{value}`"))
    });
    format!("type `{}`{}", definition.kind, location.collect::<String>())
}

/// Adds the fix for the most frequent refusals.
fn refused(error: &ClusterError, repository: &Repository) -> Failure {
    let text = error.to_string();
    let uri = &repository.uri;
    let fix = if text.contains("path.repo") {
        format!(
            "add the folder of `{uri}` to `path.repo` in the configuration of every node of the \
             source, and restart them"
        )
    } else if text.contains("repository type") || text.contains("Unknown repository") {
        format!("install the plugin for `{uri}` on every node of the source")
    } else {
        format!("check that every node of the source may write to `{uri}`")
    };
    Failure::new(error.exit(), format!("{text}; {fix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_without_our_rate_does_not_include_it() {
        let of = |rate| {
            let repository = Repository {
                uri: "file:///mnt/a".parse().expect("a URI"),
                region: None,
                endpoint: None,
                role_arn: None,
            };
            repositories::definition(&repository, rate)
        };
        let (plain, limited) = (of(None), of(Some(1)));
        assert!(includes(&limited, &plain) && !includes(&plain, &limited));
    }
}
