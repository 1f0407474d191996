//! Which product and version does a cluster run?
//!
//! The number alone is not reliable: OpenSearch can report 7.10.2 for the sake of old clients. The
//! `distribution` field names the product, and `GET /_nodes` has the true number. `GET /` may be
//! closed (405, 404), as with some proxies and bare distributions; then `GET /_nodes` is used too.

use std::collections::BTreeMap;

use contract::{Distribution, ServerVersion};
use serde::Deserialize;
use serde_json::Value;

use crate::{client::Client, error::ClusterError, request::Request};

/// Returns the request for the versions of the nodes.
fn nodes_request() -> Request {
    Request::get("/_nodes").query("filter_path", "nodes.*.version")
}

/// Detects product and version.
pub async fn detect(client: &Client) -> Result<ServerVersion, ClusterError> {
    if client.is_serverless() {
        // A serverless collection reports no version; its API is that of OpenSearch 2.
        let collection = ServerVersion {
            distribution: Distribution::OpenSearch,
            major: 2,
            minor: None,
            patch: None,
        };
        return Ok(client.declared_version().unwrap_or(collection));
    }
    let response = client.send(&Request::get("/")).await?;
    if matches!(response.status, 404 | 405) {
        return from_nodes(client, None).await;
    }
    let response = client.check_status(response)?;
    match read_root(&response.json()?) {
        Root::Known(version) => Ok(version),
        Root::CompatibilityVersion => from_nodes(client, Some(Distribution::OpenSearch)).await,
        Root::Unknown => Err(ClusterError::Configuration {
            cluster: client.cluster().to_owned(),
            url: client.url().to_owned(),
            problem: "the server at this address is neither Elasticsearch nor OpenSearch; check \
                      `endpoint`"
                .to_owned(),
        }),
    }
}

async fn from_nodes(
    client: &Client,
    distribution: Option<Distribution>,
) -> Result<ServerVersion, ClusterError> {
    let response = client.call(&nodes_request()).await?;
    read_nodes(&response.json()?, distribution).ok_or_else(|| ClusterError::Configuration {
        cluster: client.cluster().to_owned(),
        url: client.url().to_owned(),
        problem:
            "neither `GET /` nor `GET /_nodes` reports its version; check that `endpoint` is an \
                  Elasticsearch or OpenSearch cluster"
                .to_owned(),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Root {
    Known(ServerVersion),
    /// An OpenSearch that reports 7.10.2.
    CompatibilityVersion,
    Unknown,
}

fn read_root(answer: &Value) -> Root {
    let Some(version) = answer.get("version") else { return Root::Unknown };
    let Some(number) = version.get("number").and_then(Value::as_str) else { return Root::Unknown };
    let says_opensearch = |text: Option<&Value>| {
        text.and_then(Value::as_str)
            .is_some_and(|text| text.to_ascii_lowercase().contains("opensearch"))
    };
    let distribution =
        if says_opensearch(version.get("distribution")) || says_opensearch(answer.get("tagline")) {
            Distribution::OpenSearch
        } else {
            Distribution::Elasticsearch
        };
    match parse(number, distribution) {
        Some(version) if version.is_opensearch() && version.major >= 5 => {
            Root::CompatibilityVersion
        }
        Some(version) => Root::Known(version),
        None => Root::Unknown,
    }
}

#[derive(Deserialize)]
struct Node {
    version: String,
}

/// Returns the lowest version among the nodes, whose features the whole cluster has.
fn read_nodes(answer: &Value, distribution: Option<Distribution>) -> Option<ServerVersion> {
    let nodes: BTreeMap<String, Node> =
        serde_json::from_value(answer.get("nodes")?.clone()).ok()?;
    nodes
        .values()
        .filter_map(|node| {
            let version = parse(&node.version, Distribution::OpenSearch)?;
            // OpenSearch has not reached 5, and Elasticsearch is not supported before 5.
            let guess = if version.major < 5 {
                Distribution::OpenSearch
            } else {
                Distribution::Elasticsearch
            };
            Some(ServerVersion { distribution: distribution.unwrap_or(guess), ..version })
        })
        .min_by_key(|version| (version.major, version.minor, version.patch))
}

/// Parses `7.10.2`; ignores a suffix as in `3.0.0-beta1`.
fn parse(number: &str, distribution: Distribution) -> Option<ServerVersion> {
    let number = number.split('-').next()?;
    let mut parts = number.split('.').map(str::parse::<u32>);
    let mut next = || parts.next().transpose().ok();
    let (major, minor, patch) = (next()??, next()?, next()?);
    Some(ServerVersion { distribution, major, minor, patch })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_distribution_names_the_product() {
        let elasticsearch = json!({ "version": { "number": "7.17.29", "build_flavor": "oss" },
            "tagline": "You Know, for Search" });
        assert_eq!(
            read_root(&elasticsearch),
            Root::Known(ServerVersion::new(Distribution::Elasticsearch, 7, 17, 29))
        );
        let opensearch = json!({ "version": { "number": "2.19.4", "distribution": "opensearch" } });
        assert_eq!(
            read_root(&opensearch),
            Root::Known(ServerVersion::new(Distribution::OpenSearch, 2, 19, 4))
        );
    }

    #[test]
    fn an_opensearch_that_reports_7_10_2_is_not_believed() {
        for compatibility_version in [
            json!({ "version": { "number": "7.10.2", "distribution": "opensearch" } }),
            json!({ "version": { "number": "7.10.2" },
                "tagline": "The OpenSearch Project: https://opensearch.org/" }),
        ] {
            assert_eq!(read_root(&compatibility_version), Root::CompatibilityVersion);
        }
        let nodes =
            json!({ "nodes": { "x": { "version": "1.3.20" }, "y": { "version": "1.3.2" } } });
        assert_eq!(
            read_nodes(&nodes, Some(Distribution::OpenSearch)),
            Some(ServerVersion::new(Distribution::OpenSearch, 1, 3, 2))
        );
    }

    #[test]
    fn without_a_root_the_number_decides_the_product() {
        let read =
            |number: &str| read_nodes(&json!({ "nodes": { "x": { "version": number } } }), None);
        assert_eq!(read("9.2.0"), Some(ServerVersion::new(Distribution::Elasticsearch, 9, 2, 0)));
        assert_eq!(
            read("3.0.0-beta1"),
            Some(ServerVersion::new(Distribution::OpenSearch, 3, 0, 0))
        );
        assert_eq!(read("new"), None);
    }

    #[test]
    fn another_server_is_not_a_cluster() {
        assert_eq!(read_root(&json!({ "hello": "world" })), Root::Unknown);
        assert_eq!(read_root(&json!({ "version": "7" })), Root::Unknown);
    }
}
