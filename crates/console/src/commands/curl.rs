//! `console clusters curl`: one request to a cluster, with its credentials.

use anyhow::Context as _;
use cli_support::output;
use cluster::{Method, Request};
use contract::{Exit, Failure};
use url::Url;

use crate::clusters::NamedCluster;

/// Sends the request and prints the response unchanged.
pub(crate) async fn run(
    clusters: &[NamedCluster],
    path: &str,
    method: &str,
    data: Option<String>,
) -> anyhow::Result<Exit> {
    let [NamedCluster { client, .. }] = clusters else {
        let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let message =
            format!("the request can go to one cluster only; choose one of: {}", names.join(", "));
        return Err(Failure::new(Exit::Invalid, message).into());
    };
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).context(Failure::new(
        Exit::Invalid,
        format!("`{method}` is not an HTTP method; use for example GET or PUT"),
    ))?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    // The parser encodes characters that people do not, and splits the query.
    let url = Url::parse(&format!("http://cluster{slash}{path}")).context(Failure::new(
        Exit::Invalid,
        format!("`{path}` is not a path; use for example `/logs/_search?size=5`"),
    ))?;
    let mut request = Request::new(method, url.path());
    for (name, value) in url.query_pairs() {
        request = request.query(&name, value);
    }
    if let Some(data) = data {
        let body = serde_json::from_str(&data)
            .context(Failure::new(Exit::Invalid, "the body after `-d` is not JSON"))?;
        request = request.json(body);
    }
    let response = client.send_once(&request).await?;
    output::result(&String::from_utf8_lossy(&response.body))?;
    Ok(if response.is_success() { Exit::Done } else { Exit::Failed })
}
