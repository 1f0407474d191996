//! `cargo xtask corpus`: writes the snapshot repositories of `tests/corpus/snapshots` that are
//! called `*-corners`, each by its real server, with what the server itself returns.
//!
//! ```text
//! <name>/repo/                                      the repository, as the server left it
//! <name>/expected/<snapshot>/<index>.ndjson.gz      every live document, sorted by id
//! <name>/expected-metadata.json                     the state after the last snapshot
//! <name>/fixture.json                               server, snapshots, counts
//! ```
//!
//! A server makes other bytes each time (ids, times), so this is run by hand when a case is added.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use flate2::{Compression, GzBuilder};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dataset::corners::{Types, corners};
use crate::dataset::{self, Call};
use crate::distribution::{self, Distribution, Product};
use crate::http::{Http, encoded};
use crate::machine::Machine;
use crate::server::{self, Lifetime};
use crate::terminal::say;

/// Which repositories to write.
#[derive(Debug, Args)]
pub struct Options {
    /// The servers (default: all that the command knows).
    servers: Vec<String>,
}

/// Writes the repositories.
pub fn run(machine: &Machine, options: &Options) -> Result<()> {
    let known: Vec<Distribution> =
        distribution::ALL.into_iter().chain(distribution::CORPUS).collect();
    for name in &options.servers {
        if known.iter().all(|distribution| distribution.name != name) {
            let names: Vec<&str> = known.iter().map(|distribution| distribution.name).collect();
            bail!("no server is called `{name}`; known are `{}`", names.join("`, `"));
        }
    }
    for distribution in known {
        let wanted = options.servers.is_empty()
            || options.servers.iter().any(|name| name == distribution.name);
        if wanted {
            write(machine, &distribution)
                .with_context(|| format!("cannot make the corpus of `{}`", distribution.name))?;
        }
    }
    Ok(())
}

/// Writes the repository of one server.
fn write(machine: &Machine, distribution: &Distribution) -> Result<()> {
    server::set_up(machine, &[*distribution])?;
    let run = machine.area.new_run("corpus")?;
    let servers = server::start_all(machine, &run, &[*distribution], Lifetime::WithUs)?;
    let server = servers.first().context("no server was started")?;
    let http = Http::new(&server.address.url)?;
    // Written beside its place and put there at the end: a failed run leaves no half fixture.
    let folder = run.join("fixture");
    fs::create_dir_all(&folder)?;
    let location = &server.address.repository;
    let settings = json!({"location": location, "compress": true});
    http.put("/_snapshot/corpus", &json!({"type": "fs", "settings": settings}))?;
    http.put("/_cluster/settings", &json!({"persistent": {"cluster.max_shards_per_node": "2345"}}))
        .or_else(|_| {
            // Older servers do not know it.
            let older = json!({"persistent": {"indices.recovery.max_bytes_per_sec": "41mb"}});
            http.put("/_cluster/settings", &older)
        })?;

    let old = distribution.product == Product::Elasticsearch && distribution.major() < 7;
    let corners = corners(if old { Types::Named } else { Types::Hidden });
    let mut snapshots = Vec::new();
    for (name, calls) in [("first", corners.first), ("second", corners.second)] {
        for call in calls {
            call.send(&http)?;
        }
        snapshots.push(snapshot(&http, name, &folder)?);
    }
    fs::write(folder.join("expected-metadata.json"), metadata(&http)?.to_string() + "\n")?;
    let fixture = json!({
        "server": format!("{} {}", distribution.product.name(), distribution.version),
        "case": "corners",
        "note": "written by `cargo xtask corpus`",
        "repository_settings": {"compress": true},
        "snapshots": snapshots
    });
    fs::write(folder.join("fixture.json"), serde_json::to_string_pretty(&fixture)? + "\n")?;
    copy(location, &folder.join("repo"))?;
    let place = machine
        .workspace
        .join("tests/corpus/snapshots")
        .join(format!("{}-corners", distribution.name));
    if place.is_dir() {
        fs::remove_dir_all(&place)?;
    }
    copy(&folder, &place)?;
    say(format!("wrote {}", place.display()));
    Ok(())
}

/// Takes a snapshot and writes down what it holds.
fn snapshot(http: &Http, name: &str, folder: &Path) -> Result<Value> {
    Call::act("*", "_refresh").send(http)?;
    let counts = dataset::counts(http)?;
    let indices = counts.keys().cloned().collect::<Vec<_>>().join(",");
    let request = json!({"indices": indices, "include_global_state": true});
    let path = format!("/_snapshot/corpus/{name}?wait_for_completion=true");
    let answer = http.put(&path, &request)?;
    let state = answer["snapshot"]["state"].as_str().context("the snapshot has no state")?;
    let expected = folder.join("expected").join(name);
    fs::create_dir_all(&expected)?;
    for (index, count) in &counts {
        let lines = documents(http, index)?;
        if u64::try_from(lines.len())? != *count {
            bail!("`{index}` has {count} documents, and {} were returned", lines.len());
        }
        let file = fs::File::create(expected.join(format!("{index}.ndjson.gz")))?;
        let mut file = GzBuilder::new().write(file, Compression::best());
        for line in lines.into_values() {
            writeln!(file, "{line}")?;
        }
        file.finish()?;
    }
    Ok(json!({"snapshot": name, "state": state, "indices": counts}))
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "_scroll_id")]
    scroll: String,
    #[serde(borrow)]
    hits: Hits<'a>,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

/// A document as the server returned it.
#[derive(Deserialize, Serialize)]
struct Hit<'a> {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_routing", skip_serializing_if = "Option::is_none")]
    routing: Option<String>,
    #[serde(rename = "_source", borrow, skip_serializing_if = "Option::is_none")]
    source: Option<&'a RawValue>,
}

/// The documents of an index as lines, by id and routing.
fn documents(http: &Http, index: &str) -> Result<BTreeMap<(String, Option<String>), String>> {
    let mut lines = BTreeMap::new();
    let post = "POST".parse()?;
    let mut path = format!("/{}/_search?scroll=1m", encoded(index));
    let mut body = json!({"size": 500, "sort": ["_doc"]});
    loop {
        let reply = http.send(&post, &path, "application/json", body.to_string().into_bytes())?;
        reply.accepted(&post, &path)?;
        let page: Page<'_> = serde_json::from_slice(&reply.body)?;
        if page.hits.hits.is_empty() {
            return Ok(lines);
        }
        for hit in page.hits.hits {
            // A source may have line breaks between its tokens; a line may not.
            let line = serde_json::to_string(&hit)?;
            let line = line.replace(['\n', '\r'], " ");
            lines.insert((hit.id, hit.routing), line);
        }
        "/_search/scroll".clone_into(&mut path);
        body = json!({"scroll": "1m", "scroll_id": page.scroll});
    }
}

/// Settings, mappings, aliases, templates and cluster settings, as the server returns them.
fn metadata(http: &Http) -> Result<Value> {
    let mut metadata = Map::new();
    for (part, path) in [
        ("settings", "/_all/_settings"),
        ("mappings", "/_all/_mapping"),
        ("aliases", "/_all/_alias"),
        ("templates", "/_template"),
        ("cluster_settings", "/_cluster/settings"),
    ] {
        metadata.insert(part.to_owned(), http.get(path)?);
    }
    for (part, path) in
        [("index_templates", "/_index_template"), ("component_templates", "/_component_template")]
    {
        // Older servers have none.
        if let Ok(found) = http.get(path) {
            metadata.insert(part.to_owned(), found);
        }
    }
    Ok(Value::Object(metadata))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().context("a blob has a name")?);
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            // Not copied: the modes and owners of the server's account stay behind.
            fs::write(to, fs::read(&path)?)?;
        }
    }
    Ok(())
}
