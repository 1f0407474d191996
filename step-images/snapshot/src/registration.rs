//! Under which type and settings is a repository registered on the source?
//!
//! A cluster that knows one place under two names refuses to write to it under either. So a
//! registration of the same place is used, whoever made it; another place under our name is an
//! error, for somebody else relies on it.

use std::collections::BTreeMap;

use cluster::{
    Client, ClusterError,
    snapshots::{self, RepositoryDefinition},
};
use contract::{
    Exit, Failure, Repository, RepositoryUri, ServerVersion, snapshot::SnapshotRequest,
};

/// The settings that say where a repository is; the others say how it is written.
const PLACE: [&str; 5] = ["location", "bucket", "container", "base_path", "endpoint"];

/// Translates a repository's URI into what a cluster wants to know.
pub fn definition(
    repository: &Repository,
    max_rate_mb_per_node: Option<u32>,
) -> RepositoryDefinition {
    let Repository { uri, region, endpoint, role_arn } = repository;
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            settings.insert(name.to_owned(), value.to_owned());
        }
    };
    set("compress", "true");
    if let Some(rate) = max_rate_mb_per_node {
        set("max_snapshot_bytes_per_sec", &format!("{rate}mb"));
    }
    let kind = match uri {
        RepositoryUri::Folder(path) => {
            set("location", &path.to_string_lossy());
            "fs"
        }
        RepositoryUri::Google { bucket, prefix } => {
            set("bucket", bucket);
            set("base_path", prefix);
            "gcs"
        }
        RepositoryUri::Azure { container, prefix } => {
            set("container", container);
            set("base_path", prefix);
            "azure"
        }
        RepositoryUri::S3 { bucket, prefix } => {
            set("bucket", bucket);
            set("base_path", prefix);
            set("region", region.as_deref().unwrap_or_default());
            set("role_arn", role_arn.as_deref().unwrap_or_default());
            if let Some(endpoint) = endpoint {
                set("endpoint", endpoint);
                // S3-compatible services rarely have a host name for each bucket.
                set("path_style_access", "true");
            }
            "s3"
        }
    };
    RepositoryDefinition { kind: kind.to_owned(), settings }
}

/// Returns whether two registrations are of one place.
pub fn is_same_place(one: &RepositoryDefinition, other: &RepositoryDefinition) -> bool {
    let part = |definition: &RepositoryDefinition, name: &str| {
        definition
            .settings
            .get(name)
            .map(|value| value.trim_matches('/').to_owned())
            .filter(|value| !value.is_empty())
    };
    one.kind == other.kind && PLACE.iter().all(|name| part(one, name) == part(other, name))
}

/// A repository as a cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its type and settings.
    pub definition: RepositoryDefinition,
}

/// Looks for a repository on a cluster: the one with our name, else one that somebody registered
/// for this place to write there.
pub async fn find(
    client: &Client,
    ours: &str,
    wanted: &RepositoryDefinition,
) -> anyhow::Result<Option<Standing>> {
    let registered = snapshots::list_repositories(client).await.map_err(Failure::from)?;
    Ok(chosen(registered, ours, wanted))
}

fn chosen(
    mut registered: BTreeMap<String, RepositoryDefinition>,
    ours: &str,
    wanted: &RepositoryDefinition,
) -> Option<Standing> {
    let standing = |(name, definition)| Standing { name, definition };
    let own = registered.remove_entry(ours).map(standing);
    let is_writer = |definition: &RepositoryDefinition| {
        definition.settings.get("readonly").is_none_or(|readonly| readonly != "true")
    };
    own.or_else(|| {
        let mut others = registered.into_iter();
        others.find(|(_, other)| is_writer(other) && is_same_place(other, wanted)).map(standing)
    })
}

/// Registers the request's repository on the source, unless it is; answers its name there.
pub(crate) async fn ensure(
    client: &Client,
    request: &SnapshotRequest,
    version: &ServerVersion,
) -> anyhow::Result<String> {
    let ours = &request.repository_name;
    let repository = &request.snapshot.repository;
    let wanted = definition(repository, request.max_rate_mb_per_node);
    let wanted = plain_paths(wanted, version);
    let standing = find(client, ours, &wanted).await?;
    match standing {
        Some(Standing { name, definition }) if !is_same_place(&definition, &wanted) => {
            let message = format!(
                "cluster `{}` at `{}` has a repository `{name}` already, of another place: {}; \
                 unregister it with `DELETE /_snapshot/{name}` if nobody needs it",
                client.cluster(),
                client.url(),
                describe(&definition)
            );
            Err(Failure::new(Exit::Conflict, message).into())
        }
        Some(Standing { name, .. }) if name != *ours => {
            tracing::warn!(
                "`{}` is registered as `{name}` already, which is used with the settings that it \
                 has, its rate among them",
                repository.uri
            );
            Ok(name)
        }
        Some(Standing { name, definition }) if includes(&definition, &wanted) => {
            tracing::info!("repository `{name}` is registered already");
            Ok(name)
        }
        _ => {
            snapshots::put_repository(client, ours, &wanted)
                .await
                .map_err(|error| refused(&error, repository))?;
            tracing::info!("registered repository `{ours}`: {}", describe(&wanted));
            Ok(ours.clone())
        }
    }
}

/// OpenSearch 3 spreads shards over hashed folders unless it is told not to, and most readers of
/// repositories look under `indices/` alone.
fn plain_paths(
    mut definition: RepositoryDefinition,
    version: &ServerVersion,
) -> RepositoryDefinition {
    if version.is_opensearch() {
        definition.settings.insert("shard_path_type".to_owned(), "FIXED".to_owned());
    }
    definition
}

fn includes(standing: &RepositoryDefinition, wanted: &RepositoryDefinition) -> bool {
    wanted.settings.iter().all(|(name, value)| {
        PLACE.contains(&name.as_str()) || standing.settings.get(name) == Some(value)
    })
}

fn describe(definition: &RepositoryDefinition) -> String {
    let place = PLACE.iter().filter_map(|name| {
        definition.settings.get(*name).map(|value| format!(", {name} `{value}`"))
    });
    format!("type `{}`{}", definition.kind, place.collect::<String>())
}

/// Adds the fix for the refusals that are met most.
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

    fn repository(uri: &str) -> Repository {
        Repository {
            uri: uri.parse().expect("a URI"),
            region: None,
            endpoint: None,
            role_arn: None,
        }
    }

    fn settings(uri: &str) -> (String, BTreeMap<String, String>) {
        let RepositoryDefinition { kind, settings } = definition(&repository(uri), None);
        (kind, settings)
    }

    #[test]
    fn every_kind_of_location_has_its_settings() {
        let (kind, found) = settings("file:///mnt/snapshots%20a");
        assert_eq!((kind.as_str(), found["location"].as_str()), ("fs", "/mnt/snapshots a"));
        let (kind, found) = settings("gs://bucket");
        assert_eq!((kind.as_str(), found["bucket"].as_str()), ("gcs", "bucket"));
        assert!(!found.contains_key("base_path"));
        let (kind, found) = settings("az://box/a/b/");
        assert_eq!((kind.as_str(), found["container"].as_str()), ("azure", "box"));
        assert_eq!(found["base_path"], "a/b");
        let s3 = Repository {
            region: Some("eu-west-1".to_owned()),
            endpoint: Some("http://s3.local:9000".to_owned()),
            role_arn: Some("arn:aws:iam::1:role/x".to_owned()),
            ..repository("s3://bucket/prefix")
        };
        let RepositoryDefinition { kind, settings } = definition(&s3, Some(40));
        assert_eq!(kind, "s3");
        let expected = [
            ("base_path", "prefix"),
            ("bucket", "bucket"),
            ("compress", "true"),
            ("endpoint", "http://s3.local:9000"),
            ("max_snapshot_bytes_per_sec", "40mb"),
            ("path_style_access", "true"),
            ("region", "eu-west-1"),
            ("role_arn", "arn:aws:iam::1:role/x"),
        ];
        let found: Vec<_> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_registration_of_the_same_place_is_used_whoever_made_it() {
        let of = |uri: &str| definition(&repository(uri), None);
        let wanted = of("s3://bucket/a");
        let mut readonly = wanted.clone();
        readonly.settings.insert("readonly".to_owned(), "true".to_owned());
        let others = [("archive", readonly), ("elsewhere", of("s3://bucket/b"))];
        let mut registered: BTreeMap<_, _> =
            others.into_iter().map(|(name, other)| (name.to_owned(), other)).collect();
        let mut name = |added: Option<&str>| {
            registered.extend(added.map(|name| (name.to_owned(), wanted.clone())));
            chosen(registered.clone(), "ours", &wanted).map(|standing| standing.name)
        };
        assert_eq!(name(None), None);
        assert_eq!(name(Some("nightly")).as_deref(), Some("nightly"));
        assert_eq!(name(Some("ours")).as_deref(), Some("ours"));
    }

    #[test]
    fn a_slash_at_the_end_is_no_other_place() {
        let one = definition(&repository("file:///mnt/a/"), None);
        let same = definition(&repository("file:///mnt/a"), Some(1));
        let other = definition(&repository("file:///mnt/b"), None);
        assert!(is_same_place(&one, &same));
        assert!(!is_same_place(&one, &other));
        assert!(includes(&same, &one) && !includes(&one, &same));
    }
}
