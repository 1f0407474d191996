//! Does a cluster answer, as the one that was declared, and may we do there what we will have to?

use std::collections::BTreeMap;

use cluster::{Client, ClusterError, Patience, Request, indices, path, snapshots, version};
use register_step::working_state;
use serde_json::json;
use step_api::{ClusterAccess, Credentials, ServerVersion};

use crate::problems::Problems;

/// What a cluster is in the migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The data comes from it.
    Source {
        /// It takes the snapshot itself.
        takes_snapshot: bool,
    },
    /// The data goes to it.
    Target,
}

/// A cluster that answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probed {
    pub(crate) version: ServerVersion,
}

/// Looks at a cluster; what is wrong goes to `problems`. `None` when it could not be asked.
pub(crate) async fn probe(
    access: &ClusterAccess,
    credentials: &Credentials,
    storage: &BTreeMap<String, String>,
    role: Role,
    problems: &mut Problems,
) -> Option<Probed> {
    let client = match Client::new(access, credentials, storage) {
        Ok(client) => client.with_patience(Patience::LOOKING),
        Err(error) => {
            problems.cluster(error);
            return None;
        }
    };
    let version = match version::detect(&client).await {
        Ok(version) => version,
        Err(error) => {
            problems.cluster(error);
            return None;
        }
    };
    if let Some(problem) = contradiction(access, &version) {
        problems.invalid(problem);
    }
    for result in permissions(&client, role).await {
        if let Err(error) = result {
            problems.cluster(error);
        }
    }
    Some(Probed { version })
}

fn contradiction(access: &ClusterAccess, detected: &ServerVersion) -> Option<String> {
    let declared = access.version.filter(|declared| !declared.agrees_with(detected))?;
    Some(format!(
        "cluster `{}` at `{}` is {detected}, but `version` says {declared}; correct `version`, or \
         leave it out, or check that `endpoint` is the cluster you mean",
        access.name, access.endpoint
    ))
}

/// Asks for what later steps will need, by requests that change nothing.
async fn permissions(client: &Client, role: Role) -> Vec<Result<(), ClusterError>> {
    let mut results = vec![indices::list(client).await.map(drop)];
    match role {
        Role::Source { takes_snapshot: true } => {
            results.push(snapshots::list_repositories(client).await.map(drop));
        }
        Role::Source { takes_snapshot: false } => {}
        Role::Target => results.push(may_create_index(client).await),
    }
    results
}

/// Asks for an index of no shards, which every version refuses: after it has looked whether we may
/// create one, and before it creates anything.
async fn may_create_index(client: &Client) -> Result<(), ClusterError> {
    let request = Request::put(path(&[working_state::INDEX]))
        .json(json!({ "settings": { "index": { "number_of_shards": 0 } } }));
    let response = client.send(&request).await?;
    match response.status {
        401 | 403 | 429 | 500.. => client.accepted(response).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use step_api::Auth;

    use super::*;

    #[test]
    fn another_version_than_declared_is_a_contradiction() {
        let access = |version: Option<&str>| ClusterAccess {
            name: "legacy".to_owned(),
            endpoint: "http://source:9200".to_owned(),
            version: version.map(|text| text.parse().expect("a version")),
            allow_insecure: false,
            auth: Auth::None,
        };
        let detected = "OS 1.3.20".parse().expect("a version");
        assert_eq!(contradiction(&access(None), &detected), None);
        assert_eq!(contradiction(&access(Some("1.3")), &detected), None);
        let problem = contradiction(&access(Some("7.10.2")), &detected).expect("a problem");
        for part in
            ["`legacy`", "`http://source:9200`", "OpenSearch 1.3.20", "Elasticsearch 7.10.2"]
        {
            assert!(problem.contains(part), "{part} is not in {problem}");
        }
    }
}
