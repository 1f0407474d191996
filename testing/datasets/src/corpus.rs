//! `cargo xtask corpus`: writes snapshot repositories of `tests/corpus/snapshots`, each by its real
//! server, with what the server itself returns.
//!
//! ```text
//! <server>-<case>/repo/                             the repository, as the server left it
//!                 expected/<snapshot>/<index>.ndjson.gz   every live document, sorted by id
//!                 expected-metadata.json            the state after the last snapshot
//!                 fixture.json                      server, case, snapshots, counts
//! ```
//!
//! Each holds two snapshots, and what is left of a third one that was deleted again. A server makes
//! other bytes each time (ids, times), so this is run by hand when a case is added.

use std::{collections::BTreeMap, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use flate2::{Compression, GzBuilder};
use fs_err as fs;
use serde_json::{Map, Value, json};
use test_machine::{Machine, launch::Lifetime, terminal::say};
use test_servers::{
    distribution::{self, Distribution},
    http::Http,
    server::{self, Address},
};

use crate::{
    call::{Call, Steps},
    counts::counts,
    edge_cases,
    index::Release,
    kinds::{self, Extent},
    lacking, outdated, scroll,
};

/// What a repository is a case of.
#[derive(Clone, Copy, Debug)]
enum Case {
    Corners,
    Kinds(Extent),
    Outdated,
    Partial,
    Synthetic,
}

/// How the repository is registered.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// As the server has it by default.
    Plain,
    /// Its lists and metadata are compressed.
    Compressed,
    /// By zstd, which OpenSearch knows.
    Zstd,
    /// Compressed, and files are cut into parts.
    Parts,
}

/// All repositories that are written.
const REPOSITORIES: [(Distribution, Case, Form); 19] = [
    (distribution::OPENSEARCH_2_19, Case::Corners, Form::Compressed),
    (distribution::ELASTICSEARCH_5_6, Case::Kinds(Extent::All), Form::Plain),
    (distribution::ELASTICSEARCH_6_2, Case::Kinds(Extent::Files), Form::Compressed),
    (distribution::ELASTICSEARCH_6_5, Case::Kinds(Extent::Files), Form::Plain),
    (distribution::ELASTICSEARCH_6_8, Case::Kinds(Extent::Files), Form::Parts),
    (distribution::ELASTICSEARCH_7_3, Case::Kinds(Extent::Files), Form::Plain),
    (distribution::ELASTICSEARCH_7_8, Case::Kinds(Extent::Files), Form::Compressed),
    (distribution::ELASTICSEARCH_7_9, Case::Kinds(Extent::Files), Form::Parts),
    (distribution::ELASTICSEARCH_8_0, Case::Kinds(Extent::Files), Form::Plain),
    (distribution::ELASTICSEARCH_8_7, Case::Kinds(Extent::Files), Form::Plain),
    (distribution::ELASTICSEARCH_9_2, Case::Kinds(Extent::AllAndLarge), Form::Parts),
    (distribution::OPENSEARCH_1_3, Case::Kinds(Extent::All), Form::Parts),
    (distribution::OPENSEARCH_3_4, Case::Kinds(Extent::AllAndLarge), Form::Zstd),
    (distribution::ELASTICSEARCH_5_6, Case::Outdated, Form::Plain),
    (distribution::ELASTICSEARCH_6_8, Case::Outdated, Form::Plain),
    (distribution::ELASTICSEARCH_7_17, Case::Partial, Form::Plain),
    (distribution::OPENSEARCH_3_4, Case::Partial, Form::Plain),
    (distribution::ELASTICSEARCH_9_2, Case::Synthetic, Form::Plain),
    (distribution::OPENSEARCH_3_4, Case::Synthetic, Form::Plain),
];

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Corners => "corners",
            Self::Kinds(Extent::Files) => "files",
            Self::Kinds(_) => "kinds",
            Self::Outdated => "outdated",
            Self::Partial => "lacking",
            Self::Synthetic => "synthetic",
        }
    }

    fn steps(self, release: Release) -> Steps {
        match self {
            Self::Corners => edge_cases::steps(release),
            Self::Kinds(extent) => kinds::steps(release, extent),
            Self::Outdated => outdated::steps(release),
            Self::Partial => lacking::partial(release),
            Self::Synthetic => lacking::made(release),
        }
    }
}

impl Form {
    fn settings(self) -> Value {
        match self {
            Self::Plain => json!({}),
            Self::Compressed => json!({"compress": true}),
            Self::Zstd => json!({"compress": true, "compression_type": "zstd"}),
            Self::Parts => json!({"compress": true, "chunk_size": "8kb"}),
        }
    }
}

/// Which repositories to write.
#[derive(Debug, Args)]
pub struct Options {
    /// Their folders, such as `es56-kinds` (default: all that the command knows).
    repositories: Vec<String>,
}

/// Writes the repositories.
pub fn run(machine: &Machine, options: &Options) -> Result<()> {
    let known = REPOSITORIES.map(|(server, case, form)| {
        (format!("{}-{}", server.name, case.name()), server, case, form)
    });
    for name in &options.repositories {
        if known.iter().all(|(folder, ..)| folder != name) {
            let names: Vec<&str> = known.iter().map(|(folder, ..)| folder.as_str()).collect();
            bail!("no repository is called `{name}`; known are `{}`", names.join("`, `"));
        }
    }
    for (folder, server, case, form) in known {
        if options.repositories.is_empty() || options.repositories.contains(&folder) {
            write(machine, &server, (case, form), &folder)
                .with_context(|| format!("cannot make `{folder}`"))?;
        }
    }
    Ok(())
}

/// Writes one repository.
fn write(
    machine: &Machine,
    distribution: &Distribution,
    (case, form): (Case, Form),
    name: &str,
) -> Result<()> {
    server::set_up(machine, &[*distribution])?;
    let run = machine.area.new_run("corpus")?;
    let servers = server::start_all(machine, &run, &[*distribution], Lifetime::WithUs)?;
    let server = servers.first().context("no server was started")?;
    // Written beside its place and put there at the end: a failed run leaves no half fixture.
    let folder = run.join("fixture");
    fs::create_dir_all(&folder)?;
    let snapshots = fill(&server.address, &case.steps(Release::of(distribution)), form, &folder)?;
    let fixture = json!({
        "server": format!("{} {}", distribution.product.name(), distribution.version),
        "case": case.name(),
        "note": "written by `cargo xtask corpus`",
        "repository_settings": form.settings(),
        "snapshots": snapshots
    });
    fs::write(folder.join("fixture.json"), serde_json::to_string_pretty(&fixture)? + "\n")?;
    copy(&server.address.repository, &folder.join("repo"))?;
    let place = machine.workspace.join("tests/corpus/snapshots").join(name);
    if place.is_dir() {
        fs::remove_dir_all(&place)?;
    }
    copy(&folder, &place)?;
    say(format!("wrote {}", place.display()));
    Ok(())
}

/// Loads the data, takes the snapshots and writes down what they hold.
fn fill(address: &Address, steps: &Steps, form: Form, folder: &Path) -> Result<Vec<Value>> {
    let http = Http::new(&address.url)?;
    let mut settings = json!({"location": address.repository});
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), form.settings()) {
        settings.extend(more);
    }
    http.put("/_snapshot/corpus", &json!({"type": "fs", "settings": settings}))?;
    http.put("/_cluster/settings", &json!({"persistent": {"cluster.max_shards_per_node": "2345"}}))
        .or_else(|_| {
            // Older servers do not know it.
            let older = json!({"persistent": {"indices.recovery.max_bytes_per_sec": "41mb"}});
            http.put("/_cluster/settings", &older)
        })?;
    let send = |calls: &[Call]| calls.iter().try_for_each(|call| call.send(&http));
    send(&steps.first)?;
    let first = snapshot(&http, "first", folder)?;
    let (some, others) = steps.second.split_at(steps.second.len() / 2);
    send(some)?;
    take(&http, "dropped", &counts(&http)?)?;
    send(others)?;
    let second = snapshot(&http, "second", folder)?;
    fs::write(folder.join("expected-metadata.json"), metadata(&http)?.to_string() + "\n")?;
    http.delete("/_snapshot/corpus/dropped")?;
    Ok(vec![first, second])
}

/// Takes a snapshot and writes down what it holds.
fn snapshot(http: &Http, name: &str, folder: &Path) -> Result<Value> {
    Call::act("*", "_refresh").send(http)?;
    let counts = counts(http)?;
    let state = take(http, name, &counts)?;
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

/// Takes a snapshot of these indices; returns its state.
fn take(http: &Http, name: &str, counts: &BTreeMap<String, u64>) -> Result<String> {
    let indices: Vec<&String> = counts.keys().collect();
    let request = json!({"indices": indices, "include_global_state": true});
    let path = format!("/_snapshot/corpus/{name}?wait_for_completion=true");
    let answer = http.put(&path, &request)?;
    let state = answer["snapshot"]["state"].as_str().context("the snapshot has no state")?;
    Ok(state.to_owned())
}

/// What makes a document one of its own: its id, routing and type.
type Key = (String, Option<String>, Option<String>);

/// The documents of an index as lines.
fn documents(http: &Http, index: &str) -> Result<BTreeMap<Key, String>> {
    let mut lines = BTreeMap::new();
    scroll::each(http, index, |mut hit| {
        // Elasticsearch 7 says so of everything: it has no types.
        hit.kind.take_if(|kind| kind == "_doc");
        // A source may have line breaks between its tokens; a line may not.
        let line = serde_json::to_string(&hit)?.replace(['\n', '\r'], " ");
        lines.insert((hit.id, hit.routing, hit.kind), line);
        Ok(())
    })?;
    Ok(lines)
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
