//! Cartesian points and shapes.
//!
//! Changes `point` and `shape` to OpenSearch's `xy_point` and `xy_shape` (since 2.4, in its
//! geospatial plugin), which read the same values. Queries are `xy_shape` instead of `shape`.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "cartesian", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    each_field(&mut item.mappings, &mut |path, field| {
        let (old, new) = match type_of(field) {
            Some("point") => ("point", "xy_point"),
            Some("shape") => ("shape", "xy_shape"),
            _ => return,
        };
        if facts.to_opensearch_since(2, 4) {
            field.insert("type".to_owned(), Value::from(new));
            let what = format!("changed from `{old}` to `{new}`");
            changes.adapted(
                path,
                &what,
                "this is the type in OpenSearch; queries there are `xy_shape`",
            );
        } else {
            let what = format!("is `{old}`");
            let why = "OpenSearch has an equivalent only since 2.4; upgrade the target, or create the \
                       index yourself";
            changes.unsupported(path, &what, why);
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn points_and_shapes_get_their_names_in_opensearch() {
        let body = json!({ "mappings": { "properties": {
            "p": { "type": "point", "ignore_malformed": true }, "s": { "type": "shape" } } } });
        let expected = json!({ "mappings": { "properties": {
            "p": { "type": "xy_point", "ignore_malformed": true }, "s": { "type": "xy_shape" } } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Adapted; 2]));
    }
}
