//! Is a cluster the one that was declared, and is the migration permitted what it needs there?

use cluster::{Client, ClusterError, Request, RetryPolicy, indices, path, repositories, version};
use contract::{ClusterAccess, ServerVersion};
use serde_json::json;
use step::Context;

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

impl Role {
    /// Returns the endpoint whose credentials it uses.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Source { .. } => step::SOURCE,
            Self::Target => step::TARGET,
        }
    }
}

/// A cluster that responded.
#[derive(Debug)]
pub(crate) struct ProbedCluster {
    pub(crate) client: Client,
    pub(crate) version: ServerVersion,
    /// The names of its indices, if the migration will need them and they could be listed.
    pub(crate) indices: Option<Vec<String>>,
}

/// Checks a cluster and adds what is wrong to `problems`; `None` if it cannot be used at all.
pub(crate) async fn probe(
    access: &ClusterAccess,
    context: &Context,
    role: Role,
    problems: &mut Problems,
) -> Option<ProbedCluster> {
    let client = match context.endpoint(role.endpoint(), access) {
        Ok(client) => client.with_retry_policy(RetryPolicy::BRIEF),
        Err(failure) => {
            problems.failure(failure);
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
            noted(repositories::list(&client).await.map(|_| Vec::new()));
        }
        // The migration sends it no requests.
        Role::Source { takes_snapshot: false } => {}
        Role::Target => {
            noted(may_create_index(&client).await.map(|()| Vec::new()));
        }
    }
    Some(ProbedCluster { client, version, indices: names })
}

fn contradiction(access: &ClusterAccess, detected: &ServerVersion) -> Option<String> {
    let declared = access.version.filter(|declared| !declared.agrees_with(detected))?;
    Some(format!(
        "cluster `{}` at `{}` is {detected}, but `version` says {declared}; correct `version`, or \
         remove it, or check that `endpoint` is the cluster you mean",
        access.name, access.endpoint
    ))
}

/// Checks the permission to create an index with a request for an index of no shards: every server
/// rejects it after it has checked the permission, and before it creates anything. Any other reason
/// to reject it is not a problem here.
async fn may_create_index(client: &Client) -> Result<(), ClusterError> {
    if client.is_serverless() {
        // A collection ignores the number of shards and might create the index, without our mapping.
        tracing::info!(
            "cluster `{}` is serverless: its data access policy cannot be checked in advance; if \
             it does not permit the creation of indices, the register step fails",
            client.cluster()
        );
        return Ok(());
    }
    let request = Request::put(path(&[state_store::INDEX]))
        .json(json!({ "settings": { "index": { "number_of_shards": 0 } } }));
    let response = client.send(&request).await?;
    match response.status {
        401 | 403 => client.check_status(response).map(drop),
        429 | 500.. => {
            tracing::warn!(
                "cluster `{}` did not report whether the migration may create indices (status {}: \
                 {})",
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
