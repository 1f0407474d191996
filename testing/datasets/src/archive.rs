//! An archive of the corners: names with dots, plus signs and other scripts; many small segments;
//! documents up to 1 MB; ids of every kind that the storage encodes differently (numbers, base64
//! as the server makes it, text, 512 bytes long); one id under two routings; an empty index and
//! one with every document deleted; stored fields; index sorting; sources in YAML and CBOR;
//! numbers that no `f64` holds.

use serde_json::{Value, json};

use crate::{
    call::{BulkLine, Call, Dataset, JSON},
    layout,
    random::Random,
    words,
};

const SEED: u64 = 20_260_131;

/// The requests that make the archive.
pub fn dataset() -> Dataset {
    let mut random = Random::new(SEED);
    let mut calls = Vec::new();
    many_segments(&mut random, &mut calls);
    large_documents(&mut random, &mut calls);
    ids(&mut random, &mut calls);
    one_id_twice(&mut random, &mut calls);
    nothing_left(&mut random, &mut calls);
    stored_fields(&mut random, &mut calls);
    sorted(&mut random, &mut calls);
    formats(&mut random, &mut calls);
    merged(&mut random, &mut calls);
    other_script(&mut random, &mut calls);
    Dataset { name: "archive", calls }
}

/// Makes an index; dynamic mappings are off unless given, since the words of documents clash.
fn create(index: &str, settings: &Value, mappings: &Value, calls: &mut Vec<Call>) {
    let mut all = json!({"number_of_replicas": 0, "number_of_shards": 1});
    if let (Some(all), Some(given)) = (all.as_object_mut(), settings.as_object()) {
        all.extend(given.clone());
    }
    calls.push(Call::put(
        format!("/{}", test_servers::http::encoded(index)),
        &json!({"settings": all, "mappings": mappings}),
    ));
}

fn log_line(number: u64, random: &mut Random) -> Value {
    json!({
        "number": number,
        "@timestamp": words::instant(random),
        "log.level": random.pick(&["info", "warn", "error"]),
        "message": words::sentence(random, 15),
        "labels": {"a.b": {"c": [1, [2, [3, {}]], null]}, "": "empty key"}
    })
}

fn lines(count: u64, random: &mut Random) -> Vec<BulkLine> {
    (0..count)
        .map(|number| BulkLine::Index {
            id: None,
            routing: None,
            source: layout::spaced(&log_line(number, random), random),
        })
        .collect()
}

/// A refresh after every few documents and no merges: some forty segments a shard.
fn many_segments(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "logs+app-2026.01.31";
    let settings = json!({
        "number_of_shards": 3,
        "merge.policy.segments_per_tier": 100,
        "merge.policy.max_merge_at_once": 100
    });
    create(index, &settings, &json!({"dynamic": "false"}), calls);
    for chunk in lines(3_000, random).chunks(75) {
        calls.push(Call::bulk(index, chunk));
        calls.push(Call::act(index, "_refresh"));
    }
}

fn large_documents(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "metrics.cpu-2026-01-31";
    let settings = json!({"codec": "best_compression"});
    create(index, &settings, &json!({"dynamic": "false"}), calls);
    for number in 0..24_u64 {
        // From 1 KB to 1 MB, doubling, so that every limit in between is met.
        let size = 1_024_usize << (number % 11);
        let mut text = String::with_capacity(size + 64);
        while text.len() < size - 100 {
            text.push_str(&words::sentence(random, 10));
            // Words alone compress to nothing.
            text.push_str(&random.next().to_string());
        }
        let source = json!({"number": number, "text": text}).to_string();
        let id = Some(format!("large-{number}"));
        calls.push(Call::bulk(index, &[BulkLine::Index { id, routing: None, source }]));
    }
    calls.push(Call::bulk(index, &lines(500, random)));
}

/// Ids are stored in three ways: as digits, as unpadded base64, and as text.
fn ids(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "ids";
    let mapping = json!({"dynamic": "false"});
    create(index, &json!({"number_of_shards": 2}), &mapping, calls);
    let mut all: Vec<String> = [
        "0",
        "7",
        "07",
        "007",
        "-1",
        "1.0",
        "1e3",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "a",
        "Zz",
        "abcd",
        "AAAA",
        "____",
        "----",
        "AbC-_9",
        "a b",
        "a/b",
        "a+b",
        "a%20b",
        "a?b#c",
        "\"quoted\"",
        "back\\slash",
        "tab\tid",
        "new\nline",
        "łódź",
        "東京",
        "🦀",
        "e\u{301}",
        "{{x}}",
        " leading",
        "trailing ",
        "_source",
        "null",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("x".repeat(512));
    all.push("9".repeat(512));
    all.push("é".repeat(256));
    all.push("🦀".repeat(128));
    all.extend((0..500).map(|_| random.next().to_string()));
    all.extend((0..500).map(|_| format!("{:016x}", random.next())));
    all.extend(
        (1..=300_usize)
            .map(|length| "AbcdefghijklmnopqrstuvwxyZ019_-".repeat(17)[..length].to_owned()),
    );
    let lines: Vec<BulkLine> = all
        .into_iter()
        .map(|id| {
            let source = json!({"id": id, "salt": random.next()}).to_string();
            BulkLine::Index { id: Some(id), routing: None, source }
        })
        .collect();
    calls.push(Call::bulk(index, &lines));
    calls.push(Call::bulk(index, &self::lines(400, random)));
}

/// The same id under two routings is two documents, if they fall into different shards.
fn one_id_twice(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "routed";
    let mappings = json!({"_routing": {"required": true}, "dynamic": "false"});
    create(index, &json!({"number_of_shards": 4}), &mappings, calls);
    let mut lines = Vec::new();
    for number in 0..400 {
        for routing in ["north", "south", "wéßt", "0"] {
            let source = log_line(number, random).to_string();
            let routing = Some(routing.to_owned());
            lines.push(BulkLine::Index { id: Some(number.to_string()), routing, source });
        }
    }
    for number in 0..50 {
        lines
            .push(BulkLine::Delete { id: (number * 3).to_string(), routing: Some("south".into()) });
    }
    calls.push(Call::bulk(index, &lines));
}

fn nothing_left(random: &mut Random, calls: &mut Vec<Call>) {
    let mapping = json!({"properties": {"at": {"type": "date"}}});
    create("empty", &json!({"number_of_shards": 2}), &mapping, calls);
    create("all-deleted", &json!({}), &json!({"dynamic": "false"}), calls);
    let ids = || (0..300).map(|number| format!("gone-{number}"));
    let writes: Vec<BulkLine> = ids()
        .map(|id| {
            let source = log_line(0, random).to_string();
            BulkLine::Index { id: Some(id), routing: None, source }
        })
        .collect();
    let deletes: Vec<BulkLine> = ids().map(|id| BulkLine::Delete { id, routing: None }).collect();
    calls.push(Call::bulk("all-deleted", &writes));
    calls.push(Call::act("all-deleted", "_refresh"));
    calls.push(Call::bulk("all-deleted", &deletes));
}

/// Fields kept beside the source, before and after it in the stored document, and a source that
/// the server thins out before it keeps it.
fn stored_fields(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "stored";
    create(
        index,
        &json!({"codec": "best_compression"}),
        &json!({
            "_source": {"excludes": ["secret", "deep.*.secret"]},
            "properties": {
                "title": {"type": "text", "store": true},
                "number": {"type": "long", "store": true},
                "ratio": {"type": "float", "store": true},
                "exact": {"type": "double", "store": true},
                "small": {"type": "integer", "store": true},
                "at": {"type": "date", "store": true},
                "bytes": {"type": "binary", "store": true},
                "flag": {"type": "boolean", "store": true}
            }
        }),
        calls,
    );
    let lines: Vec<BulkLine> = (0..1_200_u64)
        .map(|number| {
            let source = json!({
                "title": words::sentence(random, 5),
                "number": [number, 1_u64 << 62],
                "ratio": 0.5,
                "exact": 0.1,
                "small": -1,
                "at": words::instant(random),
                "bytes": "c29tZSBieXRlcw==",
                "flag": random.percent(50),
                "secret": "not kept",
                "deep": {"er": {"secret": 1, "open": 2}}
            });
            BulkLine::Index { id: None, routing: None, source: source.to_string() }
        })
        .collect();
    calls.push(Call::bulk(index, &lines));
}

fn sorted(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "sorted-2026.01";
    create(
        index,
        &json!({"sort.field": "rank", "sort.order": "desc", "number_of_shards": 2}),
        &json!({"dynamic": "false", "properties": {"rank": {"type": "long"}}}),
        calls,
    );
    for round in 0..6_u64 {
        let lines: Vec<BulkLine> = (0..400_u64)
            .map(|number| {
                let source = json!({"rank": random.below(1_000_000), "round": round}).to_string();
                // Each round writes over a part of the one before.
                let id = Some(format!("{}", round * 300 + number));
                BulkLine::Index { id, routing: None, source }
            })
            .collect();
        calls.push(Call::bulk(index, &lines));
        calls.push(Call::act(index, "_refresh"));
    }
}

/// Numbers that change when they pass through a float, or lose how they were written.
const NUMBERS: &str = "12345678901234567890123,1.0,1E5,-0,1.7976931348623157e-308,\
                       9223372036854775807,0.1000000000000000055511151231257827,1e400";

/// Sources that are no line of JSON, and numbers that must not pass through a float.
fn formats(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "formats";
    create(index, &json!({}), &json!({"dynamic": "false"}), calls);
    for number in 0..40 {
        let yaml = format!("---\nnumber: {number}\ntext: \"two\\nlines\"\nlist:\n- 1\n- a: b\n");
        calls.push(Call::document(
            index,
            &format!("yaml-{number}"),
            "application/yaml",
            yaml.into(),
        ));
        let line = format!("{:#}", log_line(number, random));
        let pretty = format!("\n\n  {{\n \"numbers\":\t[{NUMBERS}],\r\n\"line\": {line}\n}}\r\n");
        calls.push(Call::document(index, &format!("pretty-{number}"), JSON, pretty.into()));
        // {"n": [1, -1, "text", true, null]} in CBOR, with the tag that says what it is.
        let mut cbor = b"\xD9\xD9\xF7\xA1\x61n\x85\x01\x20\x64text\xF5\xF6".to_vec();
        if number % 2 == 0 {
            cbor.drain(..3);
        }
        calls.push(Call::document(index, &format!("cbor-{number}"), "application/cbor", cbor));
    }
    let mut lines = Vec::new();
    for number in 0..100 {
        let source = match number {
            0 => "{}".to_owned(),
            _ => format!("{{\"numbers\":[{NUMBERS}]}}"),
        };
        lines.push(BulkLine::Index {
            id: Some(format!("numbers-{number}")),
            routing: None,
            source,
        });
    }
    calls.push(Call::bulk(index, &lines));
}

/// Updates and deletes that a merge has already cleaned up.
fn merged(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "merged";
    create(index, &json!({}), &json!({"dynamic": "false"}), calls);
    for round in 0..4 {
        let lines: Vec<BulkLine> = (0..600)
            .map(|number| {
                let source = log_line(number, random).to_string();
                BulkLine::Index {
                    id: Some(format!("m{}", number + round * 100)),
                    routing: None,
                    source,
                }
            })
            .collect();
        calls.push(Call::bulk(index, &lines));
    }
    calls.push(Call::act(index, "_refresh"));
    calls.push(Call::act(index, "_forcemerge?max_num_segments=1"));
}

fn other_script(random: &mut Random, calls: &mut Vec<Call>) {
    let index = "журнал-2026";
    create(index, &json!({"number_of_shards": 2}), &json!({"dynamic": "false"}), calls);
    calls.push(Call::bulk(index, &lines(800, random)));
    calls.push(Call::post(
        "/_aliases",
        &json!({"actions": [{"add": {"index": index, "alias": "архив"}}]}),
    ));
}
