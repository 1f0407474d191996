//! Where are the snapshots of a source? In its own repository, or in a folder of its own in the
//! installation's: two clusters that write one repository destroy it.

use std::path::{Component, PathBuf};

use argo::names;
use contract::{Repository, RepositoryUri};

use super::file::SnapshotRepo;
use crate::installation::Installation;

/// Returns the repository of a source: what its own `snapshotRepo` says, else a folder with the
/// source's name in the default one.
pub(crate) fn of(
    source: &str,
    repo: Option<&SnapshotRepo>,
    installation: &Installation,
) -> Option<Repository> {
    if let Some((repo, (_, text))) = repo.and_then(|repo| Some((repo, repo.uri()?))) {
        return Some(Repository {
            uri: text.parse().ok()?,
            region: repo.region().map(|(_, region)| region.to_owned()),
            endpoint: repo.endpoint.clone(),
            role_arn: repo.s3_role_arn.clone(),
        });
    }
    let default = installation.default_snapshot_repository.as_ref()?;
    let own_region = repo.and_then(|repo| repo.region()).map(|(_, region)| region.to_owned());
    Some(Repository {
        uri: default.repo_path_uri.parse::<RepositoryUri>().ok()?.join(&names::allowed(source)),
        region: own_region.or_else(|| default.aws_region.clone()),
        endpoint: repo.and_then(|repo| repo.endpoint.clone()).or_else(|| default.endpoint.clone()),
        role_arn: repo
            .and_then(|repo| repo.s3_role_arn.clone())
            .or_else(|| default.s3_role_arn.clone()),
    })
}

/// Returns where a repository is: the same text, however its URI and service are spelled.
pub(crate) fn place(repository: &Repository) -> String {
    let Repository { uri, endpoint, .. } = repository;
    let place = match uri.as_folder() {
        // A store keeps empty parts of a path apart, a file system does not.
        Some(folder) => {
            let parts = folder.components().filter(|part| *part != Component::RootDir);
            format!("file://{}", parts.collect::<PathBuf>().display())
        }
        None => uri.to_string(),
    };
    // Services of their own may each have a bucket of this name.
    let service =
        endpoint.as_ref().map(|endpoint| format!(" at {}", endpoint.trim_end_matches('/')));
    format!("{place}{}", service.unwrap_or_default())
}

/// Returns the name under which a cluster knows a repository. It is made of the place alone: a
/// cluster that knows one place under two names refuses to write to it.
pub(crate) fn registered_name(repository: &Repository) -> String {
    names::joined(&["argosy", &names::shortened(&place(repository), 54)])
}

/// Returns the Secret with the keys to the repository of a source. That of the default repository
/// is for the default repository alone.
pub(crate) fn secret(repo: Option<&SnapshotRepo>, installation: &Installation) -> Option<String> {
    let own = repo.and_then(|repo| repo.secret_name.clone());
    let is_default = repo.and_then(SnapshotRepo::uri).is_none();
    let default = installation.default_snapshot_repository.as_ref().filter(|_| is_default);
    own.or_else(|| default?.secret_name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::DefaultRepository;

    #[test]
    fn sources_without_a_repository_get_a_folder_each_in_the_default_one() {
        let default = DefaultRepository {
            repo_path_uri: "s3://bucket/all/".to_owned(),
            ..DefaultRepository::default()
        };
        let installation =
            Installation { default_snapshot_repository: Some(default), ..Installation::default() };
        let uri = |source| of(source, None, &installation).expect("a repository").uri.to_string();
        assert_eq!(uri("legacy"), "s3://bucket/all/legacy");
        let folders = [uri("a/b"), uri("A/b"), uri("a-b"), uri("..")];
        for (position, folder) in folders.iter().enumerate() {
            let name = folder.strip_prefix("s3://bucket/all/").expect("inside");
            assert!(names::is_allowed(name), "{name}");
            assert!(!folders.iter().skip(position + 1).any(|other| other == folder), "{folder}");
        }
    }

    #[test]
    fn a_place_has_one_name_however_it_is_spelled() {
        let name = |uri: &str, endpoint: Option<&str>| {
            let uri = uri.parse().expect("a URI");
            let endpoint = endpoint.map(str::to_owned);
            registered_name(&Repository { uri, region: None, endpoint, role_arn: None })
        };
        assert_eq!(name("file:///srv//repo/./a/", None), name("file:///srv/repo/a", None));
        let service = Some("http://s3.local:9000");
        assert_eq!(name("s3://b/a", service), name("s3://b/a/", Some("http://s3.local:9000/")));
        let names = [
            name("s3://b/a", service),
            name("s3://b/a", None),
            name("s3://b//a", None),
            name("s3://b/a-", None),
            name("gs://b/a", None),
            name(&format!("gs://b/{}", "a".repeat(80)), None),
            name(&format!("gs://b/{}b", "a".repeat(80)), None),
        ];
        for (position, name) in names.iter().enumerate() {
            assert!(names::is_allowed(name) && name.starts_with("argosy-"), "{name}");
            assert!(!names.iter().skip(position + 1).any(|other| other == name), "{name}");
        }
    }

    #[test]
    fn the_keys_to_the_default_repository_open_no_other_one() {
        let default = DefaultRepository {
            repo_path_uri: "s3://bucket".to_owned(),
            secret_name: Some("default-keys".to_owned()),
            ..DefaultRepository::default()
        };
        let installation =
            Installation { default_snapshot_repository: Some(default), ..Installation::default() };
        let repo = |uri: Option<&str>, secret: Option<&str>| SnapshotRepo {
            repo_path_uri: uri.map(str::to_owned),
            secret_name: secret.map(str::to_owned),
            ..SnapshotRepo::default()
        };
        let of = |repo: &SnapshotRepo| secret(Some(repo), &installation);
        assert_eq!(secret(None, &installation).as_deref(), Some("default-keys"));
        assert_eq!(of(&repo(None, Some("own"))).as_deref(), Some("own"));
        assert_eq!(of(&repo(Some("s3://a"), Some("own"))).as_deref(), Some("own"));
        assert_eq!(of(&repo(Some("s3://a"), None)), None);
    }
}
