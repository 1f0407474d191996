//! Whether a field was part of `_all`.
//!
//! Removes `include_in_all` from fields and objects. It refers to the field `_all`, which no server
//! since Elasticsearch 7 has, and a field with it is rejected (tried on OpenSearch 2.19 and 3.4).

use crate::{
    fields::{Field, each_field},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "include-in-all",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        let mut visit = |path: &str, field: &mut Field| {
            if field.shift_remove("include_in_all").is_some() {
                let path = format!("{path}.include_in_all");
                changes.adapted(&path, "removed", "the target has no field `_all`");
            }
        };
        visit("mappings", &mut item.mappings);
        each_field(&mut item.mappings, &mut visit);
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn the_parameter_is_removed_and_a_field_of_that_name_stays() {
        let (body, weights) = trial::index(
            &RULE,
            json!({ "mappings": { "include_in_all": false, "properties": {
                "a": { "type": "text", "include_in_all": true },
                "include_in_all": { "type": "boolean" } } } }),
        );
        let expected = json!({ "mappings": { "properties": {
            "a": { "type": "text" }, "include_in_all": { "type": "boolean" } } } });
        assert_eq!(body, expected);
        assert_eq!(weights, [Weight::Adapted, Weight::Adapted]);
    }
}
