//! What is refused, on real servers: is the message what a person needs, and is nothing written?

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use cluster::Method;
use fs_err as fs;
use serde_json::{Value, json};
use tests::{
    argosy::{Argosy, Done, run},
    cluster_pair::{ALL, ClusterPair, DOCUMENTS, INDICES, create_index},
    eventually::{Observed, eventually},
    servers::TestServer,
};

const WITHIN: Duration = Duration::from_mins(1);

/// Checks that a migration failed and said all of `parts`.
fn assert_failed(done: &Done, parts: &[&str]) {
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    for part in parts {
        assert!(done.stdout.contains(part), "`{part}` is not in\n{}", done.stdout);
    }
    let hint = "Hint: workflow log all, and once you have fixed the cause: workflow resume ";
    assert!(done.stderr.contains(hint), "{}", done.stderr);
}

#[test]
fn every_problem_of_both_clusters_is_told_before_anything_is_written() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let secure = pair.target.address.url.replace("http://", "https://");
    let file = pair.file(ALL).replace(&pair.target.address.url, &secure);
    let file = file.replacen("    endpoint:", "    version: \"6.8.1\"\n    endpoint:", 1);
    let done = pair.migrate_file(&file)?;
    assert_failed(
        &done,
        &[
            "2 problems, and nothing was written",
            &format!("cluster `new` at `{secure}` cannot be reached: no secure connection (TLS)"),
            "then `endpoint` must begin with `http://`",
            "is Elasticsearch 7.17",
            "but `version` says Elasticsearch 6.8.1",
        ],
    );
    assert_eq!(pair.source.http.get("/_snapshot")?, json!({}), "a repository was registered");
    assert_eq!(pair.target.indices()?, BTreeSet::new());
    Ok(())
}

#[test]
fn a_pattern_that_matches_nothing_is_answered_with_the_closest_names() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let done = pair.migrate("      - { indices: [\"oders-1\"] }\n")?;
    assert_failed(&done, &["`oders-1`", "did you mean `orders-1`"]);
    assert_eq!(pair.target.indices()?, BTreeSet::new());
    Ok(())
}

#[test]
fn two_groups_that_share_an_index_only_by_its_real_name_are_refused() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    // The compiler gives up on these: they have too many states.
    let groups = "      - { name: a, indices: [\"regex:(.*[oab].{18}x|orders-1)\"] }\n      \
                  - { name: b, indices: [\"regex:(.*[sac].{18}y|orders-[0-9])\"] }\n";
    let done = pair.migrate(groups)?;
    assert_failed(&done, &["index `orders-1` is in the groups `a`, `b`", "`-orders-1`"]);
    // A note of the failed run may be there, for the cleanup of its snapshot; no index of anybody.
    assert!(!pair.target.indices()?.iter().any(|name| INDICES.contains(&name.as_str())));
    Ok(())
}

#[test]
fn documents_of_others_are_refused_even_after_a_migration_that_began_before_them() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let name = |gate: &str| format!("{gate}-old-to-new-group-1");
    let file = pair.argosy.write("migration.yaml", &pair.file(ALL))?;
    // A first run is rejected before it writes a document.
    let submitted = run(pair.argosy.workflow(["submit"]).arg(&file))?;
    assert_eq!(submitted.code, Some(0), "{}", submitted.stderr);
    let gate = name("metadata-evaluated");
    let reject = ["reject", "step", &gate, "--reason", "not yet", "--output", "json"];
    // It has to be reached first.
    let rejected = eventually("a gate that can be rejected", WITHIN, || {
        let rejected = run(&mut pair.argosy.workflow(reject))?;
        Ok(Observed::when(rejected.code != Some(4), rejected, |done| format!("{done:?}")))
    })?;
    assert_eq!(rejected.code, Some(0), "{}", rejected.stderr);
    assert_eq!(rejected.json()?[0]["state"], "rejected");
    // A second one is finished; what is there now is the target's own.
    let done = pair.argosy.migrate(&file)?;
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    pair.target.http.put("/orders-1/_doc/0?refresh=true", &json!({ "number": 100 }))?;

    let done = pair.argosy.migrate(&file)?;
    assert_failed(&done, &["with documents: `orders-1` (5 documents)", "existingIndices"]);
    let kept = pair.target.http.get("/orders-1/_doc/0")?;
    assert_eq!(kept["_source"]["number"], 100);

    let skip = "      - { indices: [\"orders-*\"], existingIndices: skip }\n";
    create_index(&pair.source, "orders-3")?;
    let done = pair.migrate(skip)?;
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(pair.target.http.get("/orders-1/_doc/0")?["_source"]["number"], 100);
    assert_eq!(pair.target.documents("orders-3")?, DOCUMENTS);
    Ok(())
}

#[test]
fn documents_that_the_target_refuses_are_kept_with_the_reason_and_the_workflow_fails() -> Result<()>
{
    let pair = ClusterPair::emptied()?;
    let strict = json!({ "mappings": { "dynamic": "strict", "properties": {
        "number": { "type": "long" } } } });
    pair.target.http.put("/orders-1", &strict)?;
    let done = pair.migrate("      - { indices: [\"orders-1\"] }\n")?;
    assert_failed(&done, &["the target refused 5 documents", "strict_dynamic_mapping_exception"]);
    let failed = ".argosy-failed-documents";
    assert_eq!(pair.target.documents(failed)?, DOCUMENTS);
    let found = pair.target.http.get(&format!("/{failed}/_search?size=1"))?;
    let first = &found["hits"]["hits"][0]["_source"];
    assert_eq!(first["index"], "orders-1");
    assert!(first["reason"].as_str().is_some_and(|reason| reason.contains("word")), "{first}");

    // Once the mapping is fixed, the same file goes through.
    let fixed = json!({ "properties": { "word": { "type": "keyword" } } });
    pair.target.http.put("/orders-1/_mapping", &fixed)?;
    let done = pair.migrate("      - { indices: [\"orders-1\"] }\n")?;
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(pair.target.documents("orders-1")?, DOCUMENTS);
    Ok(())
}

#[test]
fn a_document_for_which_the_target_refuses_a_whole_request_is_found() -> Result<()> {
    let pair = ClusterPair {
        source: TestServer::emptied("es717")?,
        target: TestServer::emptied("os34")?,
        argosy: Argosy::new()?,
    };
    let (source, target) = (&pair.source.http, &pair.target.http);
    // An update can store an id that is longer than newer servers accept.
    let long = "a".repeat(600);
    for number in 0..200 {
        source.put(&format!("/long-id/_doc/{number}"), &json!({ "number": number }))?;
    }
    let action = json!({ "update": { "_index": "long-id", "_id": long } });
    let update = json!({ "doc": { "number": -1 }, "doc_as_upsert": true });
    let lines = format!("{action}\n{update}\n").into_bytes();
    source
        .send(&Method::POST, "/_bulk?refresh=true", "application/x-ndjson", lines)?
        .accepted(&Method::POST, "/_bulk")?;
    assert_eq!(source.get("/long-id/_count")?["count"], 201);

    let groups = "      - indices: [\"long-id\"]
        documentBackfill: { allowedRejections: 1 }
";
    let done = pair.migrate(groups)?;
    assert_eq!(done.code, Some(0), "{}{}{}", done.stdout, done.stderr, pair.argosy.report());
    assert_eq!(pair.target.documents("long-id")?, 200);
    let kept = target.get("/.argosy-failed-documents/_search")?;
    let kept = &kept["hits"]["hits"][0]["_source"];
    assert_eq!(kept["id"], json!(long), "{kept}");
    assert!(kept["reason"].as_str().is_some_and(|reason| reason.contains("512")), "{kept}");
    Ok(())
}

#[test]
fn a_flipped_bit_in_a_blob_fails_the_shard_with_file_and_offset() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    // Nothing in it repeats, so that the snapshot holds it as it is.
    let numbers = (1_u64..2_000).map(|number| (number * 7_919 % 100_003).to_string());
    let text = numbers.collect::<Vec<_>>().join(" ");
    pair.source.http.put("/orders-1/_doc/text?refresh=true", &json!({ "text": text }))?;
    let repository = "/_snapshot/own";
    let location = json!({ "type": "fs", "settings": {
        "location": pair.source.address.repository } });
    pair.source.http.put(repository, &location)?;
    let body = json!({ "indices": "orders-1", "include_global_state": false });
    let taken =
        pair.source.http.put(&format!("{repository}/whole?wait_for_completion=true"), &body)?;
    assert_eq!(taken["snapshot"]["state"], "SUCCESS");
    let mut flipped = 0;
    for blob in blobs(&pair.source.address.repository)? {
        let mut bytes = fs::read(&blob)?;
        if let Some(place) = place_of_some(text.as_bytes(), &bytes) {
            // Still a digit, and still readable: only a checksum knows.
            bytes[place] ^= 1;
            fs::write(&blob, bytes)?;
            flipped += 1;
        }
    }
    assert!(flipped > 0, "no blob holds the text");

    let file = format!(
        "sourceClusters:\n  old: {{ snapshotRepo: {{ repoPathUri: \"{}\", snapshotName: whole }} \
         }}\ntargetClusters:\n  new: {{ endpoint: {} }}\nmigrations:\n  - sourceCluster: old\n    \
         targetCluster: new\n    snapshotMigrations:\n{ALL}",
        pair.source.repository_uri(),
        pair.target.address.url
    );
    let done = pair.migrate_file(&file)?;
    assert_failed(&done, &["/__", "checksum", "take the snapshot again"]);
    Ok(())
}

/// Where a digit of the text is in a blob, with enough of the text around it.
fn place_of_some(text: &[u8], blob: &[u8]) -> Option<usize> {
    let part = text.windows(24).step_by(24).find(|part| position(part, blob).is_some())?;
    let digit = part.iter().position(u8::is_ascii_digit)?;
    Some(position(part, blob)? + digit)
}

fn position(part: &[u8], whole: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

/// Every blob of data of a repository.
fn blobs(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(blobs(&path)?);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("__")) {
            found.push(path);
        }
    }
    Ok(found)
}

#[test]
fn gates_answer_with_their_codes_and_every_answer_is_json() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let file = pair.argosy.write("migration.yaml", &pair.file(ALL))?;
    let said = |arguments: &[&str]| -> Result<Done> {
        run(pair.argosy.workflow(arguments).args(["--output", "json"]))
    };
    let submitted = run(pair.argosy.workflow(["submit", "--output", "json"]).arg(&file))?;
    assert_eq!(submitted.json()?["name"], "migration-workflow");
    let last = "documents-backfilled-old-to-new-group-1";
    assert_eq!(said(&["approve", "step", "no-such-gate"])?.code, Some(3));
    assert_eq!(said(&["approve", "step", last])?.code, Some(4), "it is not reached yet");
    let approved = said(&["approve", "step", "--pre-approve", last, "--reason", "trusted"])?;
    let gate = approved.json()?[0].clone();
    assert_eq!((&gate["state"], &gate["reason"]), (&json!("approved"), &json!("trusted")));
    assert_eq!(said(&["approve", "step", "--pre-approve", last])?.code, Some(4), "twice");
    let stopped = said(&["stop"])?;
    assert_eq!(stopped.json()?["name"], "migration-workflow");
    let status = eventually("the end of the stopped run", WITHIN, || {
        let status = said(&["status"])?.json()?;
        let runs = status["phase"] == "Running" || status["phase"] == "Pending";
        Ok(Observed::when(!runs, status, |status| format!("{status:#}")))
    })?;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(said(&["stop"])?.code, Some(4), "it has ended");
    let log = said(&["log", "all"])?;
    for line in log.stdout.lines() {
        let line: Value = serde_json::from_str(line)?;
        assert!(line["step"].is_string() && line["message"].is_string(), "{line}");
    }
    Ok(())
}
