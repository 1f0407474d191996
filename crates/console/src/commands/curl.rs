//! `console clusters curl`: one request to a cluster, with its credentials.

use anyhow::Context as _;
use cluster::{Method, Request};
use contract::{Exit, Failure};
use url::Url;

use crate::{clusters::Known, output};

/// Sends the request and prints the answer as it came.
pub(crate) async fn run(
    known: &[Known],
    path: &str,
    method: &str,
    data: Option<String>,
) -> anyhow::Result<Exit> {
    let [Known { client, .. }] = known else {
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        let message = format!("several clusters are meant; name one of: {}", names.join(", "));
        return Err(Failure::new(Exit::Invalid, message).into());
    };
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).context(Failure::new(
        Exit::Invalid,
        format!("`{method}` is no method; write GET, PUT, ..."),
    ))?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    // The parser encodes what a person leaves as it is, and takes the query apart again.
    let url = Url::parse(&format!("http://cluster{slash}{path}")).context(Failure::new(
        Exit::Invalid,
        format!("`{path}` is no path; write for example `/logs/_search?size=5`"),
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
