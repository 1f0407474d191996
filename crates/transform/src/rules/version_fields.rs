//! Fields that hold version numbers.
//!
//! Changes `version` (Elasticsearch 7.10 and newer) to `keyword` for OpenSearch before 3.2, which
//! has no such type (tried on 2.19; 3.4 has it). Exact searches work as before; sorting and ranges
//! are alphabetical.

use serde_json::{Value, json};

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "version-fields",
    applies: |facts| facts.to_opensearch() && !facts.target.version.at_least(3, 2),
    run,
};

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        if type_of(field) == Some("version") {
            field.insert("type".to_owned(), json!("keyword"));
            field.retain(|name, _: &mut Value| matches!(name.as_str(), "type" | "meta" | "fields"));
            changes.lost(
                path,
                "changed from `version` to `keyword`",
                "OpenSearch has `version` only since 3.2; sorting and ranges become alphabetical",
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, item::MetadataKind, rule::trial};

    #[test]
    fn it_is_a_keyword_until_the_target_has_it() {
        let body = json!({ "mappings": { "properties": { "v": { "type": "version" } } } });
        let expected = json!({ "mappings": { "properties": { "v": { "type": "keyword" } } } });
        assert_eq!(trial::index(&RULE, body.clone()), (expected, vec![Weight::Lost]));
        let pair = ("ES 7.17", "OS 3.4");
        assert_eq!(trial::run(&RULE, MetadataKind::Index, pair, body.clone()), (body, vec![]));
    }
}
