//! How are snapshot repositories registered?
//!
//! A cluster in which the same location is registered under two names refuses to write to it. So an
//! existing registration of the location is used, under whatever name ([`find`]).

use std::collections::BTreeMap;

use contract::{Repository, RepositoryUri};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{
    client::Client,
    error::ClusterError,
    request::{Request, path},
};

/// The settings that say where a repository is; the others say how it is written.
pub const LOCATION_SETTINGS: [&str; 5] =
    ["location", "bucket", "container", "base_path", "endpoint"];

/// A registered repository: its type and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryDefinition {
    /// `fs`, `s3`, `gcs` or `azure`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The settings; a value that is not a string, such as a list, is written as JSON.
    #[serde(default, deserialize_with = "strings")]
    pub settings: BTreeMap<String, String>,
}

fn strings<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, Value>::deserialize(input)?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(values.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Returns type and settings for the registration of a repository.
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

/// Returns whether two definitions have the same location.
pub fn is_same_location(one: &RepositoryDefinition, other: &RepositoryDefinition) -> bool {
    let part = |definition: &RepositoryDefinition, name: &str| {
        definition
            .settings
            .get(name)
            .map(|value| value.trim_matches('/').to_owned())
            .filter(|value| !value.is_empty())
    };
    one.kind == other.kind
        && LOCATION_SETTINGS.iter().all(|name| part(one, name) == part(other, name))
}

/// A repository that is registered in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredRepository {
    /// Its name.
    pub name: String,
    /// Its type and settings.
    pub definition: RepositoryDefinition,
}

/// Returns the registered repository with our name, or else one with the wanted location that is not
/// read-only, under any name.
pub async fn find(
    client: &Client,
    ours: &str,
    wanted: &RepositoryDefinition,
) -> Result<Option<RegisteredRepository>, ClusterError> {
    Ok(choose(list(client).await?, ours, wanted))
}

fn choose(
    mut registered: BTreeMap<String, RepositoryDefinition>,
    ours: &str,
    wanted: &RepositoryDefinition,
) -> Option<RegisteredRepository> {
    let registration = |(name, definition)| RegisteredRepository { name, definition };
    let own = registered.remove_entry(ours).map(registration);
    let is_writer = |definition: &RepositoryDefinition| {
        definition.settings.get("readonly").is_none_or(|readonly| readonly != "true")
    };
    own.or_else(|| {
        let mut others = registered.into_iter();
        others
            .find(|(_, other)| is_writer(other) && is_same_location(other, wanted))
            .map(registration)
    })
}

/// Registers a repository; the cluster verifies that it can write to it.
pub async fn put(
    client: &Client,
    name: &str,
    definition: &RepositoryDefinition,
) -> Result<(), ClusterError> {
    let RepositoryDefinition { kind, settings } = definition;
    let request = Request::put(path(&["_snapshot", name]))
        .json(serde_json::json!({ "type": kind, "settings": settings }));
    client.call(&request).await.map(drop)
}

/// Returns all registered repositories by name.
pub async fn list(client: &Client) -> Result<BTreeMap<String, RepositoryDefinition>, ClusterError> {
    client.call(&Request::get("/_snapshot")).await?.json()
}

/// Unregisters a repository and leaves its files; returns whether it was registered.
pub async fn delete(client: &Client, name: &str) -> Result<bool, ClusterError> {
    let response = client.send(&Request::delete(path(&["_snapshot", name]))).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.check_status(response).map(|_| true)
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
    fn a_registration_of_the_same_location_is_used_under_any_name() {
        let of = |uri: &str| definition(&repository(uri), None);
        let wanted = of("s3://bucket/a");
        let mut readonly = wanted.clone();
        readonly.settings.insert("readonly".to_owned(), "true".to_owned());
        let others = [("archive", readonly), ("elsewhere", of("s3://bucket/b"))];
        let mut registered: BTreeMap<_, _> =
            others.into_iter().map(|(name, other)| (name.to_owned(), other)).collect();
        let mut name = |added: Option<&str>| {
            registered.extend(added.map(|name| (name.to_owned(), wanted.clone())));
            choose(registered.clone(), "ours", &wanted).map(|found| found.name)
        };
        assert_eq!(name(None), None);
        assert_eq!(name(Some("nightly")).as_deref(), Some("nightly"));
        assert_eq!(name(Some("ours")).as_deref(), Some("ours"));
    }

    #[test]
    fn a_trailing_slash_is_not_another_location() {
        let one = definition(&repository("file:///mnt/a/"), None);
        let same = definition(&repository("file:///mnt/a"), Some(1));
        let other = definition(&repository("file:///mnt/b"), None);
        assert!(is_same_location(&one, &same));
        assert!(!is_same_location(&one, &other));
    }
}
