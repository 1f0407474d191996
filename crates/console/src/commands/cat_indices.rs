//! `console clusters cat-indices`: which indices do the clusters have?

use cli_support::output;
use cluster::Request;
use contract::Exit;
use serde_json::{Map, Value};

use crate::{args::Format, clusters::NamedCluster};

/// Lists the indices of each cluster.
pub(crate) async fn run(
    clusters: &[NamedCluster],
    refresh: bool,
    format: Format,
) -> anyhow::Result<Exit> {
    if !refresh {
        output::message("counts may be out of date; use `--refresh` to update them");
    }
    let mut objects = Map::new();
    for NamedCluster { role, name, client } in clusters {
        if refresh {
            client.call(&Request::post("/_refresh")).await?;
        }
        let mut request = Request::get("/_cat/indices").query("s", "index");
        request = match format {
            Format::Text => request.query("v", "true"),
            Format::Json => request.query("format", "json"),
        };
        let response = client.call(&request).await?;
        match format {
            Format::Text => {
                output::result(&format!("{} CLUSTER (`{name}`)", role.word().to_uppercase()))?;
                output::result(&String::from_utf8_lossy(&response.body))?;
            }
            Format::Json => {
                objects.insert(name.clone(), response.json::<Value>()?);
            }
        }
    }
    if format == Format::Json {
        output::result(&serde_json::to_string_pretty(&objects)?)?;
    }
    Ok(Exit::Done)
}
