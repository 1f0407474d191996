//! Fields of type `string`, as Elasticsearch 2 wrote them and 5 kept them.
//!
//! Changes `string` to `text` or `keyword`, as Elasticsearch 5 documents: analyzed strings become
//! text, all others keywords. Also replaces `index: not_analyzed` and `index: no` of other fields
//! by `true` and `false`. Indices that were created by 2.x and upgraded to 5.x have them.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "string-fields", applies: Facts::to_typeless, run };

/// Parameters of a `string` that a `text` does not have.
const NOT_IN_TEXT: [&str; 6] =
    ["doc_values", "fielddata", "ignore_above", "null_value", "omit_norms", "precision_step"];

/// Parameters of a `string` that a `keyword` does not have.
const NOT_IN_KEYWORD: [&str; 8] = [
    "analyzer",
    "fielddata",
    "omit_norms",
    "position_increment_gap",
    "precision_step",
    "search_analyzer",
    "search_quote_analyzer",
    "term_vector",
];

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        let index = field.get("index").and_then(Value::as_str).map(str::to_owned);
        if type_of(field) == Some("string") {
            let analyzed = !matches!(index.as_deref(), Some("not_analyzed" | "no"));
            let (kind, unsupported) = if analyzed {
                ("text", NOT_IN_TEXT.as_slice())
            } else {
                ("keyword", NOT_IN_KEYWORD.as_slice())
            };
            field.insert("type".to_owned(), Value::from(kind));
            field.retain(|name, _| !unsupported.contains(&name.as_str()));
            if let Some(Value::Object(norms)) = field.get("norms") {
                let enabled = norms.get("enabled") != Some(&Value::Bool(false));
                field.insert("norms".to_owned(), Value::Bool(enabled));
            }
            let what = format!("changed from `string` to `{kind}`");
            changes.adapted(path, &what, "`text` and `keyword` replace `string`");
        }
        let switch = match index.as_deref() {
            Some("analyzed" | "not_analyzed") => true,
            Some("no") => false,
            _ => return,
        };
        set_index(field, switch);
    });
}

/// Indexed is the default, so only `false` is written.
fn set_index(field: &mut Field, switch: bool) {
    if switch {
        field.shift_remove("index");
    } else {
        field.insert("index".to_owned(), Value::Bool(false));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn strings_become_text_or_keyword() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": { "properties": {
                "a": { "type": "string", "norms": { "enabled": false }, "ignore_above": 9 },
                "b": { "type": "string", "index": "not_analyzed", "ignore_above": 9 },
                "c": { "type": "string", "index": "no", "analyzer": "x" },
                "d": { "type": "long", "index": "no" } } } }),
        );
        let expected = json!({ "mappings": { "properties": {
            "a": { "type": "text", "norms": false },
            "b": { "type": "keyword", "ignore_above": 9 },
            "c": { "type": "keyword", "index": false },
            "d": { "type": "long", "index": false } } } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted; 3]);
    }
}
