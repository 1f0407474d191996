//! Field parameters that only Elasticsearch has.
//!
//! Removes parameters that OpenSearch rejects (tried on 2.19 and 3.4): those of time series, of
//! fields computed by a script at index time, and of synthetic `_source`.

use crate::{
    fields::{Field, each_field},
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule {
    id: "elasticsearch-parameters",
    applies: |facts| facts.to_opensearch(),
    run: |item, _, changes| {
        let unsupported = [
            ("time_series_dimension", "OpenSearch has no time series indices"),
            ("time_series_metric", "OpenSearch has no time series indices"),
            (
                "script",
                "OpenSearch does not compute fields at index time; the field stays empty unless an \
                 ingest pipeline fills it",
            ),
            ("on_script_error", "OpenSearch does not compute fields at index time"),
            ("synthetic_source_keep", "OpenSearch has no synthetic `_source`"),
        ];
        each_field(&mut item.mappings, &mut |path, field: &mut Field| {
            for (name, why) in unsupported {
                if field.shift_remove(name).is_some() {
                    changes.lost(&format!("{path}.{name}"), "removed", why);
                }
            }
        });
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn parameters_are_removed_and_fields_of_these_names_stay() {
        let body = json!({ "mappings": { "properties": {
            "script": { "type": "keyword", "time_series_dimension": true },
            "day": { "type": "long", "script": "emit(1)", "on_script_error": "fail" } } } });
        let expected = json!({ "mappings": { "properties": {
            "script": { "type": "keyword" }, "day": { "type": "long" } } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Lost; 3]));
    }
}
