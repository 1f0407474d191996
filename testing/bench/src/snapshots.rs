//! The snapshots that are measured: made by a real server the first time they are wanted, and kept
//! in the test area.
//!
//! ```text
//! bench/es710-access-1000000-4-lz4/
//!   repository/     what the server wrote
//!   made.json       how many documents and bytes of sources are in it
//! ```
//!
//! The fields are not indexed on the source: only what is stored is read, and a server that
//! indexes nothing is loaded three times as fast.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use test_datasets::logs::{self, Shape};
use test_machine::{Machine, launch::Lifetime, terminal::say};
use test_servers::{distribution::Distribution, http::Http, server::start_all};

/// The name of the index, and of the snapshot that holds it.
pub(super) const NAME: &str = "bench";

/// Whatever is made from a seed is made from this one.
pub(super) const SEED: u64 = 42;
const DOCUMENTS_A_REQUEST: usize = 5_000;

/// How stored fields are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Codec {
    /// LZ4, the default.
    Lz4,
    /// DEFLATE, `best_compression`.
    Deflate,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Whose server writes it.
    pub(super) distribution: Distribution,
    /// The form of a document.
    pub(super) shape: Shape,
    /// How many there are.
    pub(super) documents: u64,
    /// In how many shards.
    pub(super) shards: u32,
    /// How they are compressed.
    pub(super) codec: Codec,
    /// Whether each shard is one segment.
    pub(super) merged: bool,
}

/// A snapshot that is there.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// The folder of the repository.
    pub(super) repository: PathBuf,
    /// How many documents it holds.
    pub(super) documents: u64,
    /// How many bytes their sources have together.
    pub(super) source_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Made {
    documents: u64,
    source_bytes: u64,
}

/// Finds the snapshot, or has a server make it.
pub(super) fn prepared(machine: &Machine, wanted: &Wanted) -> Result<Prepared> {
    let folder = machine.area.folder("bench")?.join(folder_name(wanted));
    let repository = folder.join("repository");
    if let Ok(text) = fs::read_to_string(folder.join("made.json")) {
        let Made { documents, source_bytes } = serde_json::from_str(&text)
            .with_context(|| format!("`{}` is not ours; remove it", folder.display()))?;
        return Ok(Prepared { repository, documents, source_bytes });
    }
    say(format!("making the snapshot `{}`, once", folder_name(wanted)));
    let run = machine.area.new_run("bench-snapshot")?;
    let servers = start_all(machine, &run, &[wanted.distribution], Lifetime::WithUs)?;
    let server = servers.first().context("no server was started")?;
    let http = Http::new(&server.address.url)?;
    let source_bytes = load(&http, wanted)?;
    take(&http, &server.address.repository)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::rename(&server.address.repository, &repository)?;
    let made = Made { documents: wanted.documents, source_bytes };
    // Written last: a folder without it is made again.
    fs::write(folder.join("made.json"), serde_json::to_vec(&made)?)?;
    drop(servers);
    fs::remove_dir_all(run)?;
    Ok(Prepared { repository, documents: made.documents, source_bytes })
}

fn folder_name(wanted: &Wanted) -> String {
    let Wanted { distribution, shape, documents, shards, codec, merged } = *wanted;
    let merged = if merged { "-merged" } else { "" };
    format!("{}-{shape:?}-{documents}-{shards}-{codec:?}{merged}", distribution.name).to_lowercase()
}

fn load(http: &Http, wanted: &Wanted) -> Result<u64> {
    let Wanted { distribution: _, shape, documents, shards, codec, merged } = *wanted;
    let codec = match codec {
        Codec::Lz4 => "default",
        Codec::Deflate => "best_compression",
    };
    http.put(
        &format!("/{NAME}"),
        &json!({
            "settings": { "index": {
                "number_of_shards": shards,
                "number_of_replicas": 0,
                "refresh_interval": "-1",
                "codec": codec,
                "translog": { "durability": "async" },
            } },
            "mappings": { "enabled": false },
        }),
    )?;
    let mut made = logs::documents(shape, SEED);
    let mut source_bytes = 0_u64;
    let mut left = documents;
    while left > 0 {
        let mut body = String::new();
        for document in made.by_ref().take(DOCUMENTS_A_REQUEST).take(usize::try_from(left)?) {
            body.push_str(&format!("{{\"index\":{{\"_id\":\"{}\"}}}}\n", document.id));
            body.push_str(&document.source);
            body.push('\n');
            source_bytes += document.source.len() as u64;
            left -= 1;
        }
        bulk(http, body.into_bytes())?;
    }
    let act = |path: &str| http.json(&Method::POST, path, None);
    if merged {
        act(&format!("/{NAME}/_forcemerge?max_num_segments=1"))?;
    }
    act(&format!("/{NAME}/_flush?force=true&wait_if_ongoing=true"))?;
    act(&format!("/{NAME}/_refresh"))?;
    let count = http.get(&format!("/{NAME}/_count"))?;
    if count.get("count").and_then(Value::as_u64) != Some(documents) {
        bail!("the server holds not {documents} documents but `{count}`");
    }
    Ok(source_bytes)
}

/// Sends lines that the server must take, all of them.
pub(super) fn bulk(http: &Http, lines: Vec<u8>) -> Result<()> {
    let path = format!("/{NAME}/_bulk?filter_path=errors");
    let reply = http.send(&Method::POST, &path, "application/x-ndjson", lines)?;
    reply.accepted(&Method::POST, &path)?;
    if reply.body != b"{\"errors\":false}" {
        bail!("the server did not take every line: {}", String::from_utf8_lossy(&reply.body));
    }
    Ok(())
}

fn take(http: &Http, repository: &std::path::Path) -> Result<()> {
    http.put(
        &format!("/_snapshot/{NAME}"),
        &json!({ "type": "fs", "settings": {
            "location": repository, "max_snapshot_bytes_per_sec": "2gb"
        } }),
    )?;
    let answer = http.put(
        &format!("/_snapshot/{NAME}/{NAME}?wait_for_completion=true"),
        &json!({ "indices": NAME, "include_global_state": false }),
    )?;
    if answer.pointer("/snapshot/state").and_then(Value::as_str) != Some("SUCCESS") {
        bail!("the snapshot did not succeed: {answer}");
    }
    Ok(())
}
