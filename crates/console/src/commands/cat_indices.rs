//! `console clusters cat-indices`: what is on the clusters?

use cluster::Request;
use contract::Exit;
use serde_json::{Map, Value};

use crate::{args::Format, clusters::Known, output};

/// Lists the indices of each cluster.
pub(crate) async fn run(known: &[Known], refresh: bool, format: Format) -> anyhow::Result<Exit> {
    if !refresh {
        output::message("counts may be out of date; `--refresh` makes them those of now");
    }
    let mut objects = Map::new();
    for Known { role, name, client } in known {
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
