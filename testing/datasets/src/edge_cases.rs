//! The edge cases of what a shard can hold, in few documents: for the snapshots in `tests/corpus`
//! whose names end with `-corners`. Loaded in two steps, with a snapshot after each.

use serde_json::{Value, json};

use crate::{
    call::{BulkLine, Call, JSON, Steps},
    index::{Index, Release},
    random::Random,
    words,
};

const SEED: u64 = 20_261_121;

/// Everything, for a server of this release.
pub(crate) fn steps(release: Release) -> Steps {
    let mut random = Random::new(SEED);
    let index = |name| Index { name, release };
    let mut first = Vec::new();
    nested(&index("corner-nested"), &mut random, &mut first);
    sorted(&index("corner-sorted"), &mut random, &mut first);
    updates(&index("corner-updates"), &json!({}), &mut random, &mut first);
    // Files of their own instead of one compound file for each segment.
    let apart = json!({"compound_format": false, "codec": "best_compression"});
    updates(&index("corner-apart"), &apart, &mut random, &mut first);
    routed(&index("corner-routed"), &mut random, &mut first);
    excluded(&index("corner-excluded"), &mut random, &mut first);
    sliced(&index("corner-sliced"), &json!({}), &mut random, &mut first);
    let best = json!({"codec": "best_compression"});
    sliced(&index("corner-sliced-best"), &best, &mut random, &mut first);
    segments(&index("corner-segments"), &mut random, &mut first);
    spelled(&index("corner-spelled"), &mut first);
    first.push(index("corner-empty").create(&json!({"number_of_shards": 2}), &json!({})));
    gone(&index("corner-gone"), &mut random, &mut first);
    let script = index("угол-東京");
    first.push(script.create(&json!({"number_of_shards": 2}), &json!({})));
    first.push(script.bulk(&notes(0..20, &mut random)));
    let alias = json!({"actions": [{"add": {
        "index": "угол-東京", "alias": "coin", "filter": {"term": {"number": 3}}, "routing": "r"
    }}]});
    first.push(Call::post("/_aliases", &alias));

    let mut second = Vec::new();
    let updates = index("corner-updates");
    second.push(updates.bulk(&deletes(0..7)));
    second.push(updates.bulk(&notes(30..50, &mut random)));
    second.push(index("corner-sorted").act("_forcemerge?max_num_segments=1"));
    second.push(Call::delete("/corner-spelled"));
    spelled(&index("corner-spelled"), &mut second);
    second.push(index("corner-late").create(&json!({}), &json!({})));
    second.push(index("corner-late").bulk(&notes(0..5, &mut random)));
    Steps { first, second }
}

fn note(number: u64, random: &mut Random) -> Value {
    json!({
        "number": number,
        "text": words::sentence(random, 8),
        "labels": {"a.b": [1, [2, {}], null], "": "empty key"}
    })
}

/// Writes of documents with these numbers as ids.
fn notes(numbers: std::ops::Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    numbers
        .map(|number| {
            let source = note(number, random).to_string();
            BulkLine::Index { id: Some(format!("n{number}")), routing: None, source }
        })
        .collect()
}

fn deletes(numbers: std::ops::Range<u64>) -> Vec<BulkLine> {
    numbers.map(|number| BulkLine::Delete { id: format!("n{number}"), routing: None }).collect()
}

/// Children of two levels, some of them of overwritten and deleted documents.
fn nested(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let inner = json!({"type": "nested", "properties": {"n": {"type": "long"}}});
    let outer = json!({"type": "nested", "properties": {"inner": inner}});
    calls.push(index.create(&json!({}), &json!({"properties": {"outer": outer}})));
    for round in 0..3_u64 {
        let lines: Vec<BulkLine> = (round * 5..round * 5 + 12)
            .map(|number| {
                let inner: Vec<Value> = (0..number % 3).map(|n| json!({"n": n})).collect();
                let outer = vec![json!({"inner": inner}); 1 + usize::from(number % 2 == 0)];
                let source = json!({"text": words::sentence(random, 4), "outer": outer});
                let id = Some(format!("n{number}"));
                BulkLine::Index { id, routing: None, source: source.to_string() }
            })
            .collect();
        calls.push(index.bulk(&lines));
        calls.push(index.act("_refresh"));
    }
    calls.push(index.bulk(&deletes(1..4)));
}

fn sorted(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let sort = json!({"sort.field": "rank", "sort.order": "desc"});
    calls.push(index.create(&sort, &json!({"properties": {"rank": {"type": "long"}}})));
    for round in 0..3_u64 {
        let lines: Vec<BulkLine> = (round * 15..round * 15 + 20)
            .map(|number| {
                let source = json!({"rank": random.below(1_000), "round": round}).to_string();
                BulkLine::Index { id: Some(number.to_string()), routing: None, source }
            })
            .collect();
        calls.push(index.bulk(&lines));
        calls.push(index.act("_refresh"));
    }
}

/// Every segment has deletes of a later generation, and deletes of its own.
fn updates(index: &Index<'_>, settings: &Value, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(settings, &json!({"properties": {"number": {"type": "long"}}})));
    for round in 0..4 {
        calls.push(index.bulk(&notes(round * 6..round * 6 + 16, random)));
        calls.push(index.bulk(&notes(round * 6..round * 6 + 3, random)));
        calls.push(index.bulk(&deletes(round * 6 + 1..round * 6 + 2)));
        calls.push(index.act("_flush"));
    }
}

fn routed(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let required = json!({"_routing": {"required": true}});
    calls.push(index.create(&json!({"number_of_shards": 3}), &required));
    let mut lines = Vec::new();
    for number in 0..12_u64 {
        for routing in ["north", "wéßt", "0"] {
            let source = note(number, random).to_string();
            let routing = Some(routing.to_owned());
            lines.push(BulkLine::Index { id: Some(number.to_string()), routing, source });
        }
    }
    lines.push(BulkLine::Delete { id: "5".into(), routing: Some("north".into()) });
    calls.push(index.bulk(&lines));
}

fn excluded(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let mapping = json!({
        "_source": {"excludes": ["secret", "deep.*.secret"]},
        "properties": {
            "title": {"type": "text", "store": true},
            "number": {"type": "long", "store": true},
            "ratio": {"type": "double", "store": true},
            "flag": {"type": "boolean", "store": true}
        }
    });
    calls.push(index.create(&json!({}), &mapping));
    let lines: Vec<BulkLine> = (0..15_u64)
        .map(|number| {
            let source = json!({
                "title": words::sentence(random, 3), "number": [number, 1_u64 << 62],
                "ratio": 0.1, "flag": number % 2 == 0, "secret": "not kept",
                "deep": {"er": {"secret": 1, "open": 2}}
            });
            BulkLine::Index { id: None, routing: None, source: source.to_string() }
        })
        .collect();
    calls.push(index.bulk(&lines));
}

/// Documents that are larger than a chunk, between small ones.
fn sliced(index: &Index<'_>, settings: &Value, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(settings, &json!({})));
    for (number, size) in [40_000, 150_000, 1_100_000].into_iter().enumerate() {
        let words = words::sentence(random, 40);
        let mut text = String::with_capacity(size + 300);
        while text.len() < size {
            // A word that is new now and then, so that it does not compress to nothing.
            text.push_str(&format!("{words} {:x} ", random.below(1 << 40)));
        }
        let source = json!({"number": number, "text": text}).to_string();
        let mut lines = notes(0..3, random);
        let id = Some(format!("large-{number}"));
        lines.insert(1, BulkLine::Index { id, routing: None, source });
        calls.push(index.bulk(&lines));
    }
}

fn segments(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let settings = json!({
        "merge.policy.segments_per_tier": 100, "merge.policy.max_merge_at_once": 100
    });
    calls.push(index.create(&settings, &json!({})));
    for round in 0..12_u64 {
        calls.push(index.bulk(&notes(round * 2..round * 2 + 3, random)));
        calls.push(index.act("_refresh"));
    }
}

/// Sources with line breaks, and numbers that must not pass through a float.
fn spelled(index: &Index<'_>, calls: &mut Vec<Call>) {
    const NUMBERS: &str = "12345678901234567890123,1.0,1E5,-0,9223372036854775807,\
                           0.1000000000000000055511151231257827";
    calls.push(index.create(&json!({}), &json!({})));
    for number in 0..8 {
        let source = format!("\n {{\r\n\"numbers\" :\t[{NUMBERS}],\n\"a\\u0062\": {number} }}\n");
        calls.push(index.document(&format!("s{number}"), JSON, source.as_bytes()));
    }
}

fn gone(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({}), &json!({})));
    calls.push(index.bulk(&notes(0..20, random)));
    calls.push(index.act("_refresh"));
    calls.push(index.bulk(&deletes(0..20)));
}
