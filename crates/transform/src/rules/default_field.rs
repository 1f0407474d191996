//! The field that is searched by a query without a field name.
//!
//! Removes `_all` from `index.query.default_field`. No server since Elasticsearch 7 has that field,
//! so a query without a field name would search a missing field and find nothing, without an error.
//! `*`, the default since then, searches all fields.

use serde_json::{Value, json};

use crate::rule::Rule;

pub(crate) const RULE: Rule = Rule {
    id: "default-field",
    applies: |facts| facts.to_typeless(),
    run: |item, _, changes| {
        const NAME: &str = "index.query.default_field";
        let fields: Vec<Value> = match item.settings.get(NAME) {
            Some(Value::Array(fields)) => fields.clone(),
            Some(field) => vec![field.clone()],
            None => return,
        };
        // A boost may follow the name, as in `_all^2`.
        let is_all = |field: &Value| {
            let name = field.as_str().and_then(|text| text.split('^').next());
            name == Some("_all")
        };
        if !fields.iter().any(is_all) {
            return;
        }
        let why =
            "the target has no field `_all`; a query without a field name searches all fields";
        let path = format!("settings.{NAME}");
        if fields.iter().all(is_all) {
            item.settings.remove(NAME);
            changes.adapted(&path, "removed; it was `_all`", why);
            return;
        }
        let fields: Vec<Value> = fields
            .into_iter()
            .map(|field| if is_all(&field) { json!("*") } else { field })
            .collect();
        item.settings.set(NAME, fields);
        changes.adapted(&path, "changed from `_all` to `*`", why);
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn the_removed_field_is_not_searched_by_default() {
        let table = [
            (json!("_all"), json!({})),
            (json!(["_all^2"]), json!({})),
            (
                json!(["title^3", "_all"]),
                json!({ "settings": { "index.query.default_field": ["title^3", "*"] } }),
            ),
        ];
        for (written, expected) in table {
            let body = json!({ "settings": { "index.query.default_field": written } });
            assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Adapted]));
        }
    }

    #[test]
    fn other_default_fields_stay() {
        let body = json!({ "settings": { "index.query.default_field": ["title", "my_all"] } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
