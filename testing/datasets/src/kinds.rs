//! One small index for each thing that a shard's files can hold in a way of their own: for the
//! snapshots that are kept in the repository of the code, one for each release of Lucene's formats.
//!
//! Both snapshots together have every document in several generations of deletes: in the segment
//! that it was written to, in a later commit, and after a merge.

use std::ops::Range;

use serde_json::{Value, json};

use crate::{
    call::{BulkLine, Call, JSON, Steps},
    index::{Index, Release, over},
    random::Random,
    words,
};

const SEED: u64 = 20_261_122;

/// Every character that the name of an index may have beside letters and digits, which no start may
/// be and which a path, a pattern or a shell would take for something else.
const ODD_NAME: &str = "kind-!$%&'()+.;=@[]^_`{}~€ß漢";

/// Longer than the longest term that Lucene takes.
const TOO_LONG_A_TERM: usize = 33_000;

/// How deep a source may be nested and no parser give up: the least of all limits is a thousand.
const LEVELS: usize = 200;

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    /// What each of Lucene's files can hold.
    Files,
    /// And what an index and a source can be.
    All,
    /// And a document of 5 MB.
    AllAndLarge,
}

/// The requests for a server of this release.
pub(crate) fn steps(release: Release, extent: Extent) -> Steps {
    let mut random = Random::new(SEED);
    let mut steps = files(release, &mut random);
    if extent >= Extent::All {
        shapes(release, &mut random, &mut steps);
    }
    if extent == Extent::AllAndLarge {
        large(&Index { name: "kind-large", release }, &mut random, &mut steps.first);
    }
    steps
}

/// Ids, deletes of all kinds, nested documents; each codec, in compound files and apart.
fn files(release: Release, random: &mut Random) -> Steps {
    let index = |name| Index { name, release };
    let [updates, best] = ["kind-updates", "kind-best"].map(index);
    let mut first = Vec::new();
    ids(&index("kind-ids"), random, &mut first);
    changed(&updates, &json!({}), random, &mut first);
    // Files of their own instead of one compound file for each segment, and the other deletes.
    let apart = json!({"compound_format": false, "codec": "best_compression"});
    changed(&best, &over(apart, &release.other_deletes()), random, &mut first);
    nested(&index("kind-nested"), random, &mut first);
    refused(&index("kind-refused"), random, &mut first);
    let second = vec![
        updates.bulk(&deletes(0..6)),
        updates.bulk(&notes(18..40, random)),
        updates.act("_flush"),
        updates.bulk(&deletes(20..22)),
        best.bulk(&notes(3..9, random)),
        best.bulk(&deletes(20..26)),
    ];
    Steps { first, second }
}

/// Sources, names and histories of indices.
fn shapes(release: Release, random: &mut Random, steps: &mut Steps) {
    let index = |name| Index { name, release };
    let Steps { first, second } = steps;
    let [many, recreated] = ["kind-many", "kind-recreated"].map(index);
    let sorted = over(json!({"codec": "best_compression"}), &release.sorted_by("number"));
    changed(&index("kind-sorted"), &sorted, random, first);
    spelled(&index("kind-spelled"), first);
    formats(&index("kind-content-types"), first);
    odd(&index(ODD_NAME), random, first);
    segments(&many, random, first);
    emptied(&index("kind-emptied"), random, first);
    first.push(index("kind-empty").create(&json!({}), &json!({})));
    first.push(recreated.create(&json!({}), &json!({})));
    first.push(recreated.bulk(&notes(0..9, random)));

    second.push(many.act("_forcemerge?max_num_segments=1"));
    second.push(Call::delete("/kind-recreated"));
    second.push(recreated.create(&json!({"codec": "best_compression"}), &json!({})));
    second.push(recreated.bulk(&notes(4..7, random)));
}

fn write(id: impl Into<String>, source: &Value) -> BulkLine {
    BulkLine::Index { id: Some(id.into()), routing: None, source: source.to_string() }
}

fn note(number: u64, random: &mut Random) -> Value {
    let text = words::sentence(random, 8);
    json!({"number": number, "text": text, "labels": {"a.b": [1, [2, {}], null], "": ""}})
}

fn notes(numbers: Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    numbers.map(|number| write(format!("n{number}"), &note(number, random))).collect()
}

fn deletes(numbers: Range<u64>) -> Vec<BulkLine> {
    numbers.map(|number| BulkLine::Delete { id: format!("n{number}"), routing: None }).collect()
}

/// Ids are stored as packed digits, as unpadded base64 or as text; some with a routing.
fn ids(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({"number_of_shards": 2}), &json!({})));
    let short = [
        "0",
        "7",
        "00",
        "042",
        "1.5",
        "9007199254740993",
        "18446744073709551616",
        "a",
        "AAAA",
        "AbC-_9zZ",
        "____",
        "----",
        "_-_-____",
        "a#b",
        "note#x",
        "a/b",
        "a b",
        " ",
        "new\nline",
        "\"quoted\\\"",
        "żółw",
        "e\u{301}",
        "\u{feff}bom",
        "\u{10ffff}",
        "null",
    ];
    let mut all = short.map(str::to_owned).to_vec();
    all.push("9".repeat(512));
    all.push("8".repeat(511));
    all.push("x".repeat(512));
    all.push("x".repeat(511));
    all.push("é".repeat(256));
    all.push("🦀".repeat(128));
    all.extend((0..20).map(|_| random.next().to_string()));
    all.extend((0..20).map(|_| format!("{:016x}", random.next())));
    let mut lines: Vec<BulkLine> =
        all.into_iter().map(|id| write(id, &json!({"salt": random.next()}))).collect();
    for number in 0..60_u64 {
        // Ids of the server's own making, in two lengths.
        let routing = (number % 3 == 0).then(|| format!("röute {}", number % 4));
        let source = note(number, random).to_string();
        lines.push(BulkLine::Index { id: None, routing, source });
    }
    calls.push(index.bulk(&lines));
}

/// Every segment has deletes of its own and of later commits.
fn changed(index: &Index<'_>, settings: &Value, random: &mut Random, calls: &mut Vec<Call>) {
    let number = json!({"properties": {"number": {"type": "long"}}});
    calls.push(index.create(settings, &number));
    for round in 0..2 {
        let start = round * 12;
        calls.push(index.bulk(&notes(start..start + 20, random)));
        calls.push(index.bulk(&notes(start..start + 3, random)));
        calls.push(index.bulk(&deletes(start + 1..start + 3)));
        calls.push(index.act("_flush"));
    }
}

/// Children of two levels, some of them of overwritten and deleted documents.
fn nested(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let inner = json!({"type": "nested", "properties": {"n": {"type": "long"}}});
    let outer = json!({"type": "nested", "properties": {"inner": inner}});
    calls.push(index.create(&json!({}), &json!({"properties": {"outer": outer}})));
    for round in 0..2_u64 {
        let lines: Vec<BulkLine> = (round * 5..round * 5 + 12)
            .map(|number| {
                let inner: Vec<Value> = (0..number % 3).map(|n| json!({"n": n})).collect();
                let outer = vec![json!({"inner": inner}); usize::from(number % 4 != 0)];
                let source = json!({"text": words::sentence(random, 4), "outer": outer});
                write(format!("n{number}"), &source)
            })
            .collect();
        calls.push(index.bulk(&lines));
        calls.push(index.act("_refresh"));
    }
    calls.push(index.bulk(&deletes(1..4)));
}

/// Documents that Lucene gives up in the middle: they stay in their segment, marked as deleted in
/// its file of live documents, which releases with soft deletes write for nothing else.
fn refused(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let whole = json!({"type": "text", "analyzer": "keyword"});
    let part = json!({"type": "nested", "properties": {"n": {"type": "long"}}});
    let mapping = json!({"properties": {"whole": whole, "part": part}});
    calls.push(index.create(&json!({}), &mapping));
    for round in 0..2_u64 {
        let mut lines = notes(round * 10..round * 10 + 12, random);
        let long = "x".repeat(TOO_LONG_A_TERM);
        let bad = json!({"whole": long, "part": [{"n": 1}, {"n": 2}]});
        lines.insert(3, write("bad", &bad));
        lines.insert(9, write("worse", &bad));
        calls.push(index.bulk(&lines).with_refused(2));
        calls.push(index.act("_flush"));
    }
}

/// Sources whose spelling has to stay: spaces, escapes, and numbers that no float or integer holds.
fn spelled(index: &Index<'_>, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({}), &json!({})));
    let deep = "{\"d\":[".repeat(LEVELS) + &"]}".repeat(LEVELS);
    let sources = [
        "{}",
        " \r\n\t{ \n} \n\n",
        r#"{"n":[12345678901234567890123,-0,-0.0,1.0,1E5,1e+5,1e400,-1e-400,0.1000000000000000055511151231257827]}"#,
        r#"{"n":[9223372036854775807,-9223372036854775808,18446744073709551615,18446744073709551616]}"#,
        "{\n\"a\\u0062\" :\t\"\\u00e9\\/\\n\",\r\n\"o\":{\"\":\"\\u0000\"}}\n",
        r#"{"lone":"\ud800","pair":"\ud83e\udd80"}"#,
        "{\"raw\":\"\u{10ffff}\u{2028}\u{feff}\u{7f}\",\"\u{202e}rtl\":\"e\u{301}\"}",
        r#"{"same":1,"other":{"same":2},"a.b":{"c":null},"a":{"b.c":[[],[[]],{}]}}"#,
        &deep,
    ];
    for (number, source) in sources.into_iter().enumerate() {
        calls.push(index.document(&format!("s{number}"), JSON, source.as_bytes()));
    }
}

/// Sources that are not JSON.
fn formats(index: &Index<'_>, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({}), &json!({})));
    // {"n": [1, -1, "text", "ż", true, null, 2^40], "o": {}}: no names are shared, the first byte
    // of a text says how long it is, and large numbers come in groups of 7 bits.
    let smile =
        b":)\n\0\xFA\x80n\xF8\xC2\xC1\x43text\x80\xC5\xBC\x23\x21\x25\x01\0\0\0\0\0\x80\xF9\
                  \x80o\xFA\xFB\xFB";
    // The same with names and texts that refer back: {"n": "text", "o": {"n": "text"}}.
    let shared = b":)\n\x03\xFA\x80n\x43text\x80o\xFA\x40\x01\xFB\xFB";
    // {"n": [1, -1, "text", true, null, 0.1, 2^40]}.
    let cbor = b"\xA1\x61n\x87\x01\x20\x64text\xF5\xF6\xFB\x3F\xB9\x99\x99\x99\x99\x99\x9A\
                 \x1B\0\0\x01\0\0\0\0\0";
    // With the tag that says what it is, and maps, arrays and texts that say where they end.
    let open = b"\xD9\xD9\xF7\xBF\x61n\x9F\x7F\x62te\x62xt\xFF\x01\xFF\x61o\xBF\xFF\xFF";
    let yaml = "---\nnumber: -3\ntext: \"two\\nlines\"\nblock: |\n  as it\n  stands\nlist:\n- 1.5\n\
                - a: b\n- [x, {y: null}]\n";
    for (id, content_type, body) in [
        ("smile", "application/smile", &smile[..]),
        ("smile-shared", "application/smile", &shared[..]),
        ("cbor", "application/cbor", &cbor[..]),
        ("cbor-open", "application/cbor", &open[..]),
        ("yaml", "application/yaml", yaml.as_bytes()),
        ("json", JSON, br#"{"n": 1}"#),
    ] {
        calls.push(index.document(id, content_type, body));
    }
}

/// An odd name, and aliases with all that an alias can say.
fn odd(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({"number_of_shards": 2}), &json!({})));
    calls.push(index.bulk(&notes(0..15, random)));
    let name = index.name;
    let alias = json!({"actions": [
        {"add": {"index": name, "alias": "alias-!$%&'()+.;=@[]^_`{}~€"}},
        {"add": {"index": name, "alias": "some", "filter": {"term": {"number": 3}},
                 "index_routing": "a", "search_routing": "a,b"}}
    ]});
    calls.push(Call::post("/_aliases", &alias));
}

/// Many small segments that nothing merges.
fn segments(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    let settings = json!({
        "merge.policy.segments_per_tier": 100, "merge.policy.max_merge_at_once": 100
    });
    calls.push(index.create(&settings, &json!({})));
    for round in 0..6 {
        calls.push(index.bulk(&notes(round * 2..round * 2 + 3, random)));
        calls.push(index.act("_refresh"));
    }
}

fn emptied(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({}), &json!({})));
    calls.push(index.bulk(&notes(0..20, random)));
    calls.push(index.act("_refresh"));
    calls.push(index.bulk(&deletes(0..20)));
}

/// A document of 5 MB between small ones, of few words, so that it takes little space here.
fn large(index: &Index<'_>, random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(index.create(&json!({"codec": "best_compression"}), &json!({})));
    let mut lines = notes(0..5, random);
    let text = words::sentence(random, 100);
    let text = text.repeat(5 * (1 << 20) / text.len() + 1);
    lines.insert(2, write("large", &json!({ "text": text })));
    calls.push(index.bulk(&lines));
}
