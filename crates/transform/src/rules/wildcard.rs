//! Keyword fields for wildcard searches.
//!
//! Changes `wildcard` to `keyword` for OpenSearch before 2.15, which has no such type. The same
//! queries work, but slower. A keyword holds at most 32,766 bytes, so longer values are kept in the
//! document and not indexed.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "wildcard",
    applies: |facts| facts.to_opensearch() && !facts.target.version.at_least(2, 15),
    run,
};

/// A Lucene term has at most 32,766 bytes, and a UTF-8 character up to four.
const MAX_CHARS: u64 = 32_766 / 4;

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) != Some("wildcard") {
            return;
        }
        let limit =
            field.get("ignore_above").and_then(Value::as_u64).unwrap_or(MAX_CHARS).min(MAX_CHARS);
        field.insert("type".to_owned(), Value::from("keyword"));
        field.insert("ignore_above".to_owned(), Value::from(limit));
        changes.lost(
            path,
            &format!("changed from `wildcard` to `keyword` with `ignore_above: {limit}`"),
            "OpenSearch has `wildcard` only since 2.15; longer values are not searchable",
        );
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{item::MetadataKind, rule::trial};

    #[test]
    fn it_is_a_keyword_for_older_targets_only() {
        let body = json!({ "mappings": { "properties": { "a": { "type": "wildcard" } } } });
        let (after, changes) =
            trial::run(&RULE, MetadataKind::Index, ("ES 7.10", "OS 2.5"), body.clone());
        let expected = json!({ "mappings": { "properties": {
            "a": { "type": "keyword", "ignore_above": 8191 } } } });
        assert_eq!(after, expected);
        assert_eq!(changes.len(), 1);
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
