//! What servers before 7 took for an index and later ones refuse, or take and do something else by.

use std::ops::Range;

use serde_json::{Value, json};

use crate::{
    call::{BulkLine, Call, Steps},
    index::Release,
    random::Random,
    words,
};

const SEED: u64 = 20_261_124;

/// The requests for a server of this release: two types in one index where it can, and one.
pub(crate) fn steps(release: Release) -> Steps {
    let mut random = Random::new(SEED);
    let name = "outdated-scores";
    let kind = release.kind().unwrap_or("_doc");
    let number = json!({"type": "long"});
    let mut first = vec![
        create(
            name,
            &json!({ kind: {"dynamic": "strict", "properties": {
                "number": number,
                "classic": {"type": "text", "similarity": "classic"},
                "tuned": {"type": "text", "similarity": "old"},
                "random": {"type": "text", "similarity": "divergent"}
            }}}),
        ),
        Call::bulk_to(format!("/{name}/{kind}/_bulk"), &scored(0..8, &mut random)),
    ];
    let mut second = vec![
        Call::bulk_to(format!("/{name}/{kind}/_bulk"), &scored(4..12, &mut random)),
        Call::act(name, "_flush"),
    ];
    if release.has_several_kinds() {
        let name = "outdated-types";
        let address = json!({"properties": {"city": {"type": "keyword"}}});
        let strict = json!({"dynamic": "strict", "properties": {
            "number": number, "text": {"type": "text"}, "address": address}});
        let open = json!({"properties": {"number": number, "address": address}});
        first.push(create(name, &json!({"entry": strict, "order": open})));
        for kind in ["entry", "order"] {
            let lines = open_or_strict(kind, 0..6, &mut random);
            first.push(Call::bulk_to(format!("/{name}/{kind}/_bulk"), &lines));
            let lines = open_or_strict(kind, 3..9, &mut random);
            second.push(Call::bulk_to(format!("/{name}/{kind}/_bulk"), &lines));
        }
    }
    Steps { first, second }
}

fn create(name: &str, mappings: &Value) -> Call {
    let settings = json!({
        "number_of_shards": 1,
        "number_of_replicas": 0,
        "query.default_field": "_all",
        "similarity": {
            "old": {"type": "classic", "discount_overlaps": false},
            "divergent": {"type": "DFR", "basic_model": "be", "after_effect": "no",
                          "normalization": "no"}
        }
    });
    Call::put(format!("/{name}"), &json!({"settings": settings, "mappings": mappings}))
}

fn scored(numbers: Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    let source = |number, random: &mut Random| {
        let [classic, tuned, divergent] = [3, 4, 5].map(|count| words::sentence(random, count));
        json!({"number": number, "classic": classic, "tuned": tuned, "random": divergent})
    };
    numbers.map(|number| line("s", number, &source(number, random))).collect()
}

/// Documents of one of two types; only those of `order` have fields that the other one refuses.
fn open_or_strict(kind: &str, numbers: Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    let source = |number, random: &mut Random| {
        let text = words::sentence(random, 4);
        if kind == "entry" {
            json!({"number": number, "text": text, "address": {"city": "Bremen"}})
        } else {
            json!({"number": number, "title": text, "address": {"city": "Kiel", "door": 3}})
        }
    };
    numbers.map(|number| line(kind, number, &source(number, random))).collect()
}

fn line(prefix: &str, number: u64, source: &Value) -> BulkLine {
    let id = Some(format!("{prefix}{number}"));
    BulkLine::Index { id, routing: None, source: source.to_string() }
}
