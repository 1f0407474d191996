//! By which name does a cluster know a repository? One for each place, however it is written.

use std::path::{Component, PathBuf};

use argo::names;
use contract::Repository;

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
    names::join(&["argosy", &names::shorten(&place(repository), 54)])
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
