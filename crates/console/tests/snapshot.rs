//! The built program reads what real servers wrote, and prints what those servers returned.
//!
//! The repositories are those of `tests/corpus/snapshots`, and all others where they are
//! (`crates/snapshot-repo/tests/fixture/beside.rs`).

#[path = "../../snapshot-repo/tests/fixture/beside.rs"]
mod beside;
#[path = "../../snapshot-repo/tests/fixture/files.rs"]
mod files;

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use beside::{SERVERS, of_server};
use files::{Fixture, FixtureSnapshot, expected_lines};
use serde_json::{Value, json, value::RawValue};
use tempfile::TempDir;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/snapshots")
}

fn corpus_folders() -> Vec<PathBuf> {
    let entries = fs_err::read_dir(corpus()).expect("a folder");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders
}

/// `console snapshot ARGUMENTS --repo FOLDER/repo`.
fn console(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_console"));
    command.arg("snapshot").args(arguments).arg("--repo").arg(folder.join("repo"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    console(folder, arguments).output().expect("a finished process")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// What is printed when all goes well.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let case = format!("{} {arguments:?}: {}", folder.display(), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{case}");
    text(&output.stdout).to_owned()
}

fn printed_json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(folder, arguments)).expect("valid JSON")
}

/// Returns the error message.
fn error_message(folder: &Path, arguments: &[&str], exit: i32) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    text(&output.stderr).to_owned()
}

/// A line of JSON without whitespace, its strings escaped in one way: literals and the order of keys
/// stay.
fn normal(line: &str) -> String {
    let mut normal = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('"') {
        normal.extend(rest[..start].chars().filter(|character| !character.is_ascii_whitespace()));
        let mut strings = serde_json::Deserializer::from_str(&rest[start..]).into_iter();
        let string: &RawValue = strings.next().expect("as many strings").expect("JSON");
        // Half of a surrogate pair is no text: it stays as it is spelled.
        let text = serde_json::from_str::<String>(string.get());
        let text = text.map_or_else(|_| string.to_string(), |text| Value::from(text).to_string());
        normal.push_str(&text);
        rest = &rest[start + strings.byte_offset()..];
    }
    normal.extend(rest.chars().filter(|character| !character.is_ascii_whitespace()));
    normal
}

fn normal_lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| normal(line.as_ref())).collect();
    lines.sort();
    lines
}

/// Removes what a server rebuilds: it is in no file of the snapshot.
fn without_source(line: &str) -> String {
    let mut document: Value = serde_json::from_str(line).expect("valid JSON");
    document.as_object_mut().expect("an object").shift_remove("_source").expect("the field");
    document.to_string()
}

/// Compares every document of every snapshot; returns how many there were.
fn check_documents(folder: &Path) -> u64 {
    let fixture = Fixture::read(folder);
    let mut compared = 0;
    for FixtureSnapshot { snapshot, state, indices, .. } in &fixture.snapshots {
        for (index, count) in indices {
            let name = format!("{} {snapshot} {index}", folder.display());
            let mut arguments = vec!["documents", "--snapshot", snapshot, "--index", index];
            if state != "SUCCESS" {
                arguments.push("--allow-partial");
            }
            let mut expected = match count {
                Some(_) => expected_lines(folder, snapshot, index),
                None => Vec::new(),
            };
            if fixture.case == "synthetic" {
                let refused = error_message(folder, &arguments, 1);
                assert!(refused.contains(&format!("none of its {}", expected.len())), "{refused}");
                expected = expected.iter().map(|line| without_source(line)).collect();
                arguments.push("--allow-missing-source");
            }
            let found = printed(folder, &arguments);
            assert_eq!(normal_lines(found.lines()), normal_lines(&expected), "{name}");
            assert_eq!(found.lines().count() as u64, count.unwrap_or(0), "{name}");
            compared += count.unwrap_or(0);
        }
    }
    compared
}

/// Compares the counts of `show` with the documents that the server returned.
fn check_counts(folder: &Path) {
    let fixture = Fixture::read(folder);
    for snapshot in &fixture.snapshots {
        let name = format!("{} {}", folder.display(), snapshot.snapshot);
        let arguments = ["show", "--output", "json", "--snapshot", &snapshot.snapshot];
        let shown = printed_json(folder, &arguments);
        assert_eq!(shown["state"], snapshot.state, "{name}");
        let (product, version) = fixture.taken_by(snapshot);
        let server = shown["server"].as_str().expect("a string").to_lowercase();
        let major = version.split('.').next().expect("a major version");
        assert!(server.starts_with(&format!("{product} {major}")), "{name}: {server}");

        let names: Vec<&str> = objects(&shown["indices"], "name").collect();
        assert_eq!(names, snapshot.indices.keys().collect::<Vec<_>>(), "{name}");
        let (mut live, mut lacking) = (0, 0);
        for (index, expected) in
            shown["indices"].as_array().expect("an array").iter().zip(snapshot.indices.values())
        {
            let name = format!("{name} {}", index["name"]);
            let Some(expected) = expected else {
                assert_eq!(index["missingShards"], index["shards"], "{name}");
                let missing = objects(&shown["cannotMigrate"], "kind");
                let missing = missing.filter(|kind| *kind == "missing-shard").count() as u64;
                assert_eq!(index["shards"], missing, "{name}");
                continue;
            };
            let lines = expected_lines(
                folder,
                &snapshot.snapshot,
                index["name"].as_str().expect("a string"),
            );
            let mut without =
                lines.iter().filter(|line| !line.contains(r#""_source":"#)).count() as u64;
            if fixture.case == "synthetic" {
                without = *expected;
            }
            let documents = &index["documents"];
            assert_eq!(documents["live"], *expected, "{name}");
            assert_eq!(documents["withoutSource"], without, "{name}");
            // Servers that keep a history of operations keep these sources aside for a while.
            let has_history = product != "elasticsearch" || !["5", "6"].contains(&major);
            let has_none = index["name"] == "shop-nosource" || index["name"] == "lacking-disabled";
            let is_kept = has_none && has_history;
            assert_eq!(documents["recoverySource"], if is_kept { without } else { 0 }, "{name}");
            let nested = documents["nested"].as_u64().expect("a number");
            let is_nested = index["name"].as_str().expect("a string").ends_with("-nested");
            assert_eq!(nested > 0, is_nested, "{name}");
            let found = objects(&shown["cannotMigrate"], "index");
            let reported = found.filter(|reported| index["name"] == **reported).count();
            assert!(without == 0 || reported > 0, "{name}: {}", shown["cannotMigrate"]);
            live += expected;
            lacking += without;
        }
        assert_eq!(shown["totals"]["documents"]["live"], live, "{name}");
        assert_eq!(shown["totals"]["documents"]["withoutSource"], lacking, "{name}");
        assert!(
            live == 0 || !shown["totals"]["codecs"].as_array().expect("an array").is_empty(),
            "{name}"
        );
    }
}

fn objects<'a>(list: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array()
        .expect("an array")
        .iter()
        .map(move |object| object[key].as_str().expect("a string"))
}

/// Compares the metadata of the last snapshot with what the APIs of the server showed after it.
fn check_metadata(folder: &Path) {
    let expected = fs_err::read(folder.join("expected-metadata.json")).expect("a readable file");
    let expected: Value = serde_json::from_slice(&expected).expect("valid content");
    let last = Fixture::read(folder).snapshots.pop().expect("at least one");
    let found = printed_json(folder, &["metadata", "--snapshot", &last.snapshot]);
    for index in last.indices.keys() {
        for part in ["settings", "mappings", "aliases"] {
            assert_eq!(found[part][index], expected[part][index], "{} {index}", folder.display());
        }
    }
    let persistent = |of: &Value| of["cluster_settings"]["persistent"].clone();
    if found["cluster_settings"].is_null() {
        return;
    }
    assert_eq!(persistent(&found), persistent(&expected), "{}", folder.display());
    for part in ["templates", "index_templates", "component_templates", "ingest_pipelines"] {
        // Null where the server had no such API.
        if !expected[part].is_null() {
            let sorted = |of: &Value| of[part].clone();
            assert_eq!(sorted(&found), sorted(&expected), "{} {part}", folder.display());
        }
    }
}

#[test]
fn every_repository_of_the_corpus_is_printed_as_its_server_showed_it() {
    let folders = corpus_folders();
    assert!(folders.len() >= 6, "{folders:?}");
    for folder in folders {
        assert!(check_documents(&folder) > 0, "{}", folder.display());
        check_counts(&folder);
        check_metadata(&folder);
    }
}

#[test]
fn every_repository_of_every_server_is_printed_as_its_server_showed_it() {
    for fixtures in SERVERS.iter().filter_map(|server| of_server(server)) {
        for folder in &fixtures.folders {
            let count = check_documents(folder);
            check_counts(folder);
            check_metadata(folder);
            println!("{}: {count} documents", folder.file_name().expect("a file name").display());
        }
    }
}

#[test]
fn snapshots_are_listed_by_the_time_they_were_taken() {
    let folder = corpus().join("es710-incremental");
    let listed = printed_json(&folder, &["list", "--output", "json"]);
    let names: Vec<&str> = objects(&listed["snapshots"], "name").collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(listed["snapshots"][0]["server"], "Elasticsearch 7.10.2");
    let table = printed(&folder, &["list"]);
    assert!(table.starts_with("SNAPSHOT  STATE    TAKEN BY"), "{table}");
    assert_eq!(table.lines().count(), 4, "{table}");
}

#[test]
fn a_name_that_does_not_exist_is_not_found_and_gets_the_nearest() {
    let folder = corpus().join("es710-incremental");
    let documents = |snapshot, index| {
        error_message(&folder, &["documents", "--snapshot", snapshot, "--index", index], 3)
    };
    let snapshot = documents("secnod", "shop-inc-a");
    assert!(snapshot.contains("did you mean `second`?"), "{snapshot}");
    let index = documents("second", "shop-inc-x");
    assert!(index.contains("did you mean `shop-inc-a`, `shop-inc-b`, `shop-inc-c`?"), "{index}");
    let arguments = ["documents", "--snapshot", "second", "--index", "shop-inc-a", "--shard", "7"];
    let shard = error_message(&folder, &arguments, 3);
    assert!(shard.contains("`shop-inc-a` has no shard 7: the index has 2 shards"), "{shard}");
    let output = run(&folder, &["show", "--snapshot", "x", "--output", "json"]);
    let error: Value = serde_json::from_slice(&output.stdout).expect("valid content");
    assert_eq!(error["error"]["exit"], 3, "{error}");
}

#[test]
fn a_place_without_a_repository_is_told_from_a_damaged_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let missing = error_message(folder.path(), &["list"], 3);
    assert!(missing.contains("does not exist here"), "{missing}");
    fs_err::create_dir(folder.path().join("repo")).expect("a new folder");
    let empty = error_message(folder.path(), &["list"], 3);
    assert!(empty.contains("holds no snapshot repository"), "{empty}");
    fs_err::write(folder.path().join("repo/index-2"), "{").expect("a writable file");
    let damaged = error_message(folder.path(), &["list"], 1);
    assert!(damaged.contains("`index-2` in `"), "{damaged}");
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_console"));
    let wrong = wrong
        .args(["snapshot", "list", "--repo", "ftp://host/x"])
        .output()
        .expect("a finished process");
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
}

#[test]
fn a_partial_snapshot_is_refused_unless_it_is_allowed() {
    let folder = corpus().join("os13-partial");
    let documents = |index, shard: &[&'static str]| {
        [&["documents", "--snapshot", "partial", "--index", index], shard].concat()
    };
    let refused = error_message(&folder, &documents("shop-whole", &[]), 1);
    assert!(refused.contains("2 of its 4 shards are complete"), "{refused}");
    assert!(refused.contains("index `shop-unassigned` shard 1: primary shard"), "{refused}");
    let allowed = run(&folder, &documents("shop-unassigned", &["--allow-partial"]));
    assert_eq!((allowed.status.code(), text(&allowed.stdout)), (Some(0), ""));
    let message = text(&allowed.stderr);
    assert!(message.contains("shard 0 of index `shop-unassigned` is missing"), "{message}");
}

#[test]
fn the_shards_together_are_the_index_and_an_array_holds_the_same() {
    let folder = corpus().join("es710-incremental");
    let arguments = ["documents", "--snapshot", "third", "--index", "shop-inc-a"];
    let all = printed(&folder, &arguments);
    let shard = |number| printed(&folder, &[&arguments[..], &["--shard", number]].concat());
    let (first, second) = (shard("0"), shard("1"));
    assert!(!first.is_empty() && !second.is_empty());
    assert_eq!(all, first + &second);
    assert_eq!(all, printed(&folder, &[&arguments[..], &["--output", "ndjson"]].concat()));
    let array = printed_json(&folder, &[&arguments[..], &["--output", "json"]].concat());
    let lines: Vec<Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("valid JSON")).collect();
    assert_eq!(array, Value::Array(lines));
    let none =
        ["documents", "--snapshot", "partial", "--index", "shop-unassigned", "--allow-partial"];
    let none = [&none[..], &["--output", "json"]].concat();
    assert_eq!(printed_json(&corpus().join("os13-partial"), &none), json!([]));
}

#[test]
fn a_reader_that_has_read_enough_ends_it_quietly() {
    let folder = corpus().join("es56-incremental");
    let arguments = ["documents", "--snapshot", "third", "--index", "shop-inc-a"];
    let mut command = console(&folder, &arguments);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a started process");
    let mut first = String::new();
    // Dropped with its pipe at the end of the statement.
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    assert!(first.starts_with(r#"{"_index":"shop-inc-a","_id":""#), "{first}");
    let output = child.wait_with_output().expect("a finished process");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_quick_look_leaves_out_what_only_reading_tells() {
    let folder = corpus().join("es68-partial");
    let shown =
        printed_json(&folder, &["show", "--snapshot", "partial", "--quick", "--output", "json"]);
    let documents = &shown["totals"]["documents"];
    assert_eq!((&documents["live"], &documents["nested"]), (&Value::Null, &Value::Null));
    assert!(shown["totals"]["storedBytes"].as_u64().expect("a number") > 0);
    let text = printed(&folder, &["show", "--snapshot", "partial"]);
    for part in [
        "global state  yes",
        "40 live",
        "Lucene50StoredFieldsFastData",
        "`shop-unassigned` shard 0",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn damage_is_named_and_the_rest_is_shown() {
    let copy = TempDir::new().expect("a temporary folder");
    let original = corpus().join("es717-partial");
    let status = Command::new("cp").arg("-r").arg(original.join("repo")).arg(copy.path()).status();
    assert!(status.expect("a finished process").success());
    let damaged = blobs(&copy.path().join("repo/indices"));
    assert!(!damaged.is_empty());
    for blob in &damaged {
        fs_err::write(blob, "").expect("a writable file");
    }
    let output = run(copy.path(), &["show", "--snapshot", "partial"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    let name = damaged[0].file_name().expect("a file name").to_str().expect("a UTF-8 path");
    assert!(shown.contains("shop-whole") && shown.contains("it ends at byte 0"), "{shown}");
    let arguments =
        ["documents", "--snapshot", "partial", "--index", "shop-whole", "--allow-partial"];
    let message = error_message(copy.path(), &arguments, 1);
    assert!(
        message.contains("/__") && message.contains("take the snapshot again"),
        "{name}: {message}"
    );
}

#[test]
fn one_bit_of_the_stored_fields_is_named_with_file_and_place() {
    let copy = TempDir::new().expect("a temporary folder");
    let original = corpus().join("es710-incremental");
    let status = Command::new("cp").arg("-r").arg(original.join("repo")).arg(copy.path()).status();
    assert!(status.expect("a finished process").success());
    let arguments = ["documents", "--snapshot", "third", "--index", "shop-inc-a"];
    let right: Vec<String> = printed(copy.path(), &arguments).lines().map(str::to_owned).collect();
    let (mut refused, mut unread) = (0, 0);
    for blob in blobs(&copy.path().join("repo/indices")) {
        let whole = fs_err::read(&blob).expect("a readable file");
        let marks = [&b"StoredFieldsFastData"[..], b"StoredFieldsHighData"];
        let start =
            marks.iter().find_map(|mark| whole.windows(mark.len()).position(|w| w == *mark));
        let Some(start) = start else { continue };
        // Beyond the header, which ends with a version, an id and a suffix.
        let at = start + marks[0].len() + 60;
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs_err::write(&blob, damaged).expect("a writable file");
        let output = run(copy.path(), &arguments);
        fs_err::write(&blob, whole).expect("a writable file");
        // Batches before the damaged place are printed; nothing else than these is.
        let wrong = text(&output.stdout).lines().find(|line| !right.iter().any(|it| it == line));
        assert_eq!(wrong, None, "{}", blob.display());
        if output.status.code() == Some(0) {
            // A blob of another index or an older snapshot.
            assert_eq!(text(&output.stdout).lines().count(), right.len());
            unread += 1;
        } else {
            let message = text(&output.stderr);
            let name = blob.file_name().expect("a file name").to_str().expect("a UTF-8 path");
            assert!(message.contains(" at byte "), "{name}: {message}");
            assert!(message.contains(".fdt"), "{name}: {message}");
            refused += 1;
        }
    }
    assert!(refused > 0 && unread > 0, "{refused} refused, {unread} unread");
}

/// The blobs of Lucene files below a folder.
fn blobs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(blobs(&path));
        } else if name.starts_with("__") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_completions_know_the_commands() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_console"));
    let script = command.args(["completions", "bash"]).output().expect("a finished process").stdout;
    for word in ["documents", "--allow-partial", "--repo"] {
        assert!(text(&script).contains(word), "{word}");
    }
}
