//! Does a cluster answer, as the one that was declared, and may we do there what we will have to?

use std::collections::BTreeMap;

use cluster::{Client, ClusterError, Request, RetryPolicy, indices, path, snapshots, version};
use contract::{ClusterAccess, Credentials, ServerVersion};
use coordination::working_state;
use serde_json::json;

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
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) client: Client,
    pub(crate) version: ServerVersion,
    /// The names of its indices, if the migration will need them and they could be listed.
    pub(crate) indices: Option<Vec<String>>,
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
        Ok(client) => client.with_retry_policy(RetryPolicy::BRIEF),
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
    let mut noted = |result| match result {
        Ok(value) => Some(value),
        Err(error) => {
            problems.cluster(error);
            None
        }
    };
    let mut names = None;
    match role {
        Role::Source { takes_snapshot: true } => {
            let listed = indices::list(&client).await;
            let listed = listed.map(|all| all.into_iter().map(|index| index.name).collect());
            names = noted(listed);
            noted(snapshots::list_repositories(&client).await.map(|_| Vec::new()));
        }
        // The migration asks nothing of it.
        Role::Source { takes_snapshot: false } => {}
        Role::Target => {
            noted(may_create_index(&client).await.map(|()| Vec::new()));
        }
    }
    Some(Probed { client, version, indices: names })
}

fn contradiction(access: &ClusterAccess, detected: &ServerVersion) -> Option<String> {
    let declared = access.version.filter(|declared| !declared.agrees_with(detected))?;
    Some(format!(
        "cluster `{}` at `{}` is {detected}, but `version` says {declared}; correct `version`, or \
         leave it out, or check that `endpoint` is the cluster you mean",
        access.name, access.endpoint
    ))
}

/// Asks for an index of no shards, which every server refuses: after it has looked whether we may
/// create one, and before it creates anything. What else it may have against it, now, is not a
/// reason to stop.
async fn may_create_index(client: &Client) -> Result<(), ClusterError> {
    if client.is_serverless() {
        // A collection has no shards to speak of and might make the index, without our mapping.
        tracing::info!(
            "cluster `{}` is serverless: whether its data access policy lets us create indices \
             shows when the register step does",
            client.cluster()
        );
        return Ok(());
    }
    let request = Request::put(path(&[working_state::INDEX]))
        .json(json!({ "settings": { "index": { "number_of_shards": 0 } } }));
    let response = client.send(&request).await?;
    match response.status {
        401 | 403 => client.check_status(response).map(drop),
        429 | 500.. => {
            tracing::warn!(
                "cluster `{}` could not say whether we may create indices (status {}: {})",
                client.cluster(),
                response.status,
                response.error_reason()
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use contract::Auth;

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
