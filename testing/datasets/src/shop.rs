//! A shop: what most clusters hold. Six indices, 26,000 documents: several shards, given and
//! server-made ids, custom routing, nested objects, updates and deletes (so that soft-deleted
//! documents are in the segments), aliases with filters and routing, a legacy template, and a
//! composable template made of components.

use serde_json::{Value, json};

use crate::{
    call::{BulkLine, Call, Dataset, JSON},
    layout,
    random::Random,
    words,
};

const SEED: u64 = 1;
const CUSTOMERS: u64 = 4_000;
const ORDERS_A_MONTH: u64 = 4_500;
const PRODUCTS: u64 = 3_000;
const EVENTS: u64 = 8_000;
const NOTES: u64 = 2_000;
const LINES_A_REQUEST: usize = 1_000;

/// The requests that make the shop.
pub fn dataset() -> Dataset {
    let mut random = Random::new(SEED);
    let mut calls = templates();
    customers(&mut random, &mut calls);
    orders("orders-2026.09", &mut random, &mut calls);
    orders("orders-2026.10", &mut random, &mut calls);
    products(&mut random, &mut calls);
    events(&mut random, &mut calls);
    notes(&mut random, &mut calls);
    aliases(&mut calls);
    Dataset { name: "shop", calls }
}

fn templates() -> Vec<Call> {
    vec![
        Call::put(
            "/_template/events",
            &json!({
                "index_patterns": ["events-*"],
                "order": 1,
                "settings": {"number_of_shards": 2, "number_of_replicas": 0},
                "mappings": {"properties": {
                    "at": {"type": "date"},
                    "kind": {"type": "keyword"},
                    "client": {"type": "ip"},
                    "took": {"type": "half_float"}
                }},
                "aliases": {"events": {}}
            }),
        ),
        Call::put(
            "/_component_template/shop-settings",
            &json!({"template": {"settings": {
                "index": {"number_of_shards": 3, "number_of_replicas": 0}
            }}}),
        ),
        Call::put(
            "/_component_template/shop-orders",
            &json!({"template": {"mappings": {"properties": {
                "customer": {"type": "keyword"},
                "placed": {"type": "date"},
                "total": {"type": "long"},
                "lines": {"type": "nested", "properties": {
                    "product": {"type": "keyword"},
                    "count": {"type": "integer"},
                    "price": {"type": "double"}
                }}
            }}}}),
        ),
        Call::put(
            "/_index_template/orders",
            &json!({
                "index_patterns": ["orders-*"],
                "priority": 10,
                "composed_of": ["shop-settings", "shop-orders"],
                "_meta": {"owner": "shop"}
            }),
        ),
    ]
}

fn customers(random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(Call::put(
        "/customers",
        &json!({
            "settings": {"number_of_shards": 2, "number_of_replicas": 0},
            "mappings": {"properties": {
                "name": {"type": "text", "fields": {"exact": {"type": "keyword"}}},
                "born": {"type": "date", "format": "yyyy-MM-dd"},
                "place": {"type": "geo_point"},
                "addresses": {"type": "nested", "properties": {
                    "city": {"type": "keyword"}, "street": {"type": "text"}
                }}
            }}
        }),
    ));
    let mut lines = Vec::new();
    for number in 0..CUSTOMERS {
        lines.push(write(format!("c-{number:06}"), None, &customer(number, 1, random)));
    }
    for number in 0..CUSTOMERS {
        if random.percent(10) {
            lines.push(write(format!("c-{number:06}"), None, &customer(number, 2, random)));
        } else if random.percent(5) {
            lines.push(BulkLine::Delete { id: format!("c-{number:06}"), routing: None });
        }
    }
    send("customers", &lines, calls);
}

fn customer(number: u64, revision: u64, random: &mut Random) -> Value {
    let addresses: Vec<Value> = (0..random.below(4))
        .map(|_| json!({"city": random.pick(words::CITIES), "street": words::sentence(random, 2)}))
        .collect();
    json!({
        "number": number,
        "revision": revision,
        "name": format!("{} {}", random.pick(words::NAMES), random.pick(words::NAMES)),
        "born": format!("{}-{:02}-{:02}", 1940 + random.below(70), 1 + random.below(12), 1 + random.below(28)),
        "place": {"lat": degrees(random, 90), "lon": degrees(random, 180)},
        "addresses": addresses,
        "tags": if random.percent(20) { Value::Null } else { json!([random.pick(words::WORDS)]) }
    })
}

/// Degrees with one digit after the point, as a number that every reader prints alike.
fn degrees(random: &mut Random, limit: u64) -> Value {
    let tenths = random.below(limit * 20);
    let sign = if tenths > limit * 10 { "" } else { "-" };
    let size = tenths.abs_diff(limit * 10);
    serde_json::from_str(&format!("{sign}{}.{}", size / 10, size % 10)).unwrap_or(Value::Null)
}

fn orders(index: &str, random: &mut Random, calls: &mut Vec<Call>) {
    let mut lines = Vec::new();
    let mut placed = Vec::new();
    for number in 0..ORDERS_A_MONTH {
        let customer = format!("c-{:06}", random.below(CUSTOMERS));
        let id = format!("{index}/{number}");
        lines.push(write(id.clone(), Some(customer.clone()), &order(&customer, "new", random)));
        placed.push((id, customer));
    }
    for (id, customer) in placed {
        if random.percent(30) {
            lines.push(write(id, Some(customer.clone()), &order(&customer, "shipped", random)));
        } else if random.percent(3) {
            lines.push(BulkLine::Delete { id, routing: Some(customer) });
        }
    }
    send(index, &lines, calls);
}

fn order(customer: &str, state: &str, random: &mut Random) -> Value {
    let lines: Vec<Value> = (0..=random.below(5))
        .map(|_| {
            json!({
                "product": format!("p{}", random.below(PRODUCTS)),
                "count": 1 + random.below(9),
                "price": random.below(20_000)
            })
        })
        .collect();
    json!({
        "customer": customer,
        "state": state,
        "placed": words::instant(random),
        "total": random.below(100_000),
        "note": words::sentence(random, 6),
        "lines": lines
    })
}

fn products(random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(Call::put(
        "/products",
        &json!({
            "settings": {"number_of_shards": 1, "number_of_replicas": 0, "codec": "best_compression"},
            "mappings": {
                "dynamic": "false",
                "properties": {
                    "title": {"type": "text"},
                    "category": {"type": "keyword", "ignore_above": 64},
                    "price": {"type": "double"},
                    "listed": {"type": "boolean"}
                }
            }
        }),
    ));
    let lines: Vec<BulkLine> = (0..PRODUCTS)
        .map(|number| {
            let product = json!({
                "title": words::sentence(random, 4),
                "category": random.pick(words::WORDS),
                "price": random.below(50_000),
                "listed": random.percent(80),
                "description": words::sentence(random, 40)
            });
            BulkLine::Index {
                id: Some(format!("p{number}")),
                routing: None,
                source: layout::spaced(&product, random),
            }
        })
        .collect();
    send("products", &lines, calls);
}

fn events(random: &mut Random, calls: &mut Vec<Call>) {
    let lines: Vec<BulkLine> = (0..EVENTS)
        .map(|_| {
            let event = json!({
                "at": words::instant(random),
                "kind": random.pick(&["view", "search", "basket", "pay"]),
                "client": format!("10.{}.{}.{}", random.below(256), random.below(256), random.below(256)),
                "took": random.below(5_000),
                "text": words::sentence(random, 12)
            });
            BulkLine::Index { id: None, routing: None, source: event.to_string() }
        })
        .collect();
    send("events-web", &lines, calls);
}

/// Notes are written one by one too, pretty-printed: sources with line breaks between the tokens.
fn notes(random: &mut Random, calls: &mut Vec<Call>) {
    calls.push(Call::put(
        "/notes",
        &json!({
            "settings": {"number_of_shards": 1, "number_of_replicas": 0},
            "mappings": {"properties": {"text": {"type": "text"}, "at": {"type": "date"}}}
        }),
    ));
    let mut lines = Vec::new();
    for number in 0..NOTES {
        let note = json!({"text": words::sentence(random, 25), "at": words::instant(random)});
        let id = format!("note {number}");
        if number % 20 == 0 {
            let pretty = format!("{note:#}\n");
            calls.push(Call::document("notes", &id, JSON, pretty.into_bytes()));
        } else {
            lines.push(write(id, None, &note));
        }
    }
    send("notes", &lines, calls);
}

fn aliases(calls: &mut Vec<Call>) {
    calls.push(Call::post(
        "/_aliases",
        &json!({"actions": [
            {"add": {"index": "orders-*", "alias": "orders"}},
            {"add": {"index": "orders-2026.10", "alias": "orders-current", "is_write_index": true}},
            {"add": {"index": "orders-2026.09", "alias": "orders-of-one-customer",
                     "filter": {"term": {"customer": "c-000001"}}, "routing": "c-000001"}},
            {"add": {"index": "products", "alias": "products-on-sale",
                     "filter": {"term": {"listed": true}}}}
        ]}),
    ));
}

fn write(id: String, routing: Option<String>, source: &Value) -> BulkLine {
    BulkLine::Index { id: Some(id), routing, source: source.to_string() }
}

fn send(index: &str, lines: &[BulkLine], calls: &mut Vec<Call>) {
    calls.extend(lines.chunks(LINES_A_REQUEST).map(|chunk| Call::bulk(index, chunk)));
}
