//! Indices that do not keep their documents as they were sent: without some fields, without any, or
//! made again from other structures when one is read.

use serde_json::{Value, json};
use test_servers::distribution::Product;

use crate::{
    call::{BulkLine, Steps},
    index::{Index, Release},
    random::Random,
    words,
};

const SEED: u64 = 20_261_123;

/// Sources that are stored in part or not at all.
pub(crate) fn partial(release: Release) -> Steps {
    let mut random = Random::new(SEED);
    let index = |name| Index { name, release };
    let stored = json!({
        "title": {"type": "text", "store": true}, "number": {"type": "long", "store": true}
    });
    let mut first = Vec::new();
    for (name, source) in [
        ("lacking-excluded", json!({"excludes": ["secret", "deep.*.secret"]})),
        ("lacking-included", json!({"includes": ["title", "deep.*"]})),
        ("lacking-disabled", json!({"enabled": false})),
    ] {
        let index = index(name);
        first.push(index.create(&json!({}), &json!({"_source": source, "properties": stored})));
        first.push(index.bulk(&documents(0..12, &mut random)));
        first.push(index.act("_flush"));
    }
    let second = ["lacking-excluded", "lacking-included", "lacking-disabled"]
        .into_iter()
        .map(|name| index(name).bulk(&documents(6..18, &mut random)))
        .collect();
    Steps { first, second }
}

/// Sources that are stored nowhere and made when a document is read.
pub(crate) fn made(release: Release) -> Steps {
    let mut random = Random::new(SEED);
    let index = |name| Index { name, release };
    let fields = json!({
        "number": {"type": "long"}, "title": {"type": "keyword"}, "@timestamp": {"type": "date"},
        "host.name": {"type": "keyword"}
    });
    let mut first = Vec::new();
    let indices = match release.product() {
        Product::OpenSearch => vec![("made-derived", json!({"derived_source.enabled": true}))],
        Product::Elasticsearch => vec![
            ("made-synthetic", json!({"mapping.source.mode": "synthetic"})),
            ("made-logs", json!({"mode": "logsdb"})),
        ],
    };
    for (name, settings) in &indices {
        let index = index(name);
        first.push(index.create(settings, &json!({"dynamic": "strict", "properties": fields})));
        first.push(index.bulk(&entries(0..15, &mut random)));
        first.push(index.act("_flush"));
    }
    let second =
        indices.iter().map(|(name, _)| index(name).bulk(&entries(15..20, &mut random))).collect();
    Steps { first, second }
}

fn documents(numbers: std::ops::Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    numbers
        .map(|number| {
            let source = json!({
                "title": words::sentence(random, 3), "number": number, "secret": "not kept",
                "deep": {"er": {"secret": 1, "open": 2}}
            });
            line(number, &source)
        })
        .collect()
}

fn entries(numbers: std::ops::Range<u64>, random: &mut Random) -> Vec<BulkLine> {
    numbers
        .map(|number| {
            let source = json!({
                "number": number, "title": words::sentence(random, 3),
                "@timestamp": words::instant(random), "host.name": random.pick(words::CITIES)
            });
            line(number, &source)
        })
        .collect()
}

fn line(number: u64, source: &Value) -> BulkLine {
    BulkLine::Index { id: Some(format!("l{number}")), routing: None, source: source.to_string() }
}
