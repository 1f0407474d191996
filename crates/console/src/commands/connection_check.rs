//! `console clusters connection-check`: can each cluster be reached, and which version does it run?

use cli_support::output;
use contract::Exit;
use serde_json::json;

use crate::{args::Format, clusters::NamedCluster};

/// Runs the check. Fails if it fails for one of the clusters.
pub(crate) async fn run(clusters: &[NamedCluster], format: Format) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let mut objects = Vec::new();
    for NamedCluster { role, name, client } in clusters {
        let checked = cluster::version::detect(client).await;
        let (mark, text) = match &checked {
            Ok(version) => ("✓", version.to_string()),
            Err(error) => {
                exit = error.exit();
                ("✗", error.to_string())
            }
        };
        match format {
            Format::Text => output::result(&format!(
                "{mark} {} `{name}` {}: {text}",
                role.word(),
                client.url()
            ))?,
            Format::Json => objects.push(json!({
                "role": role.word(),
                "name": name,
                "endpoint": client.url(),
                "reachable": checked.is_ok(),
                "version": checked.as_ref().ok().map(ToString::to_string),
                "error": checked.as_ref().err().map(ToString::to_string),
            })),
        }
    }
    if format == Format::Json {
        output::result(&serde_json::to_string_pretty(&objects)?)?;
    }
    Ok(exit)
}
