//! Fields of composable and component templates that only Elasticsearch has.
//!
//! Removes fields of composable and component templates that OpenSearch rejects (tried on 2.19 and
//! 3.4): automatic creation, deprecation, dates, data stream lifecycles and options.

use serde_json::Value;

use crate::{item::MetadataKind, rule::Rule};

pub(crate) const RULE: Rule = Rule {
    id: "template-fields",
    applies: |facts| facts.to_opensearch(),
    run: |item, _, changes| {
        if !matches!(item.kind, MetadataKind::IndexTemplate | MetadataKind::ComponentTemplate) {
            return;
        }
        for name in [
            "allow_auto_create",
            "deprecated",
            "ignore_missing_component_templates",
            "created_date",
            "created_date_millis",
            "modified_date",
            "modified_date_millis",
        ] {
            if item.rest.shift_remove(name).is_some() {
                changes.lost(name, "removed", "templates in OpenSearch have no such field");
            }
        }
        let Some(Value::Object(parts)) = item.rest.get_mut("template") else { return };
        for name in ["lifecycle", "data_stream_options"] {
            if parts.shift_remove(name).is_some() {
                let why = "templates in OpenSearch have no such part; use index state management";
                changes.lost(&format!("template.{name}"), "removed", why);
            }
        }
        if parts.is_empty() {
            item.rest.shift_remove("template");
        }
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::trial;

    #[test]
    fn a_data_stream_template_stays_without_its_lifecycle() {
        let body = json!({ "index_patterns": ["e*"], "data_stream": {}, "allow_auto_create": true,
            "template": { "lifecycle": { "enabled": true } } });
        let pair = ("ES 8.19", "OS 2.19");
        let (body, changes) = trial::run(&RULE, MetadataKind::IndexTemplate, pair, body);
        assert_eq!(body, json!({ "index_patterns": ["e*"], "data_stream": {} }));
        assert_eq!(changes.len(), 2);
    }
}
