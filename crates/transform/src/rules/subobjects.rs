//! Objects whose field names keep their dots.
//!
//! Removes `subobjects` (Elasticsearch 8.3 and newer), which OpenSearch rejects (tried on 2.19 and
//! 3.4): there a dot always means an object. If the name of one field is the beginning of another
//! one's (`cpu` and `cpu.load`), no mapping can express it.

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule =
    Rule { id: "subobjects", applies: |facts| facts.to_opensearch(), run };

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    let mut visit = |path: &str, object: &mut Field| {
        let Some(value) = object.get("subobjects") else { return };
        let path = format!("{path}.subobjects");
        let flat = *value != Value::Bool(true);
        if flat && let Some((outer, inner)) = clash(object) {
            let what = format!("allows both fields `{outer}` and `{inner}`");
            let why = "in OpenSearch a field cannot be both a value and an object; create the index \
                       on the target yourself, or exclude it with a `-` pattern";
            changes.unsupported(&path, &what, why);
            return;
        }
        object.shift_remove("subobjects");
        if flat {
            let why = "in OpenSearch a dot in a field's name always means an object";
            changes.lost(&path, "removed", why);
        } else {
            changes.adapted(&path, "removed", "OpenSearch always behaves like this");
        }
    };
    visit("mappings", &mut item.mappings);
    each_field(&mut item.mappings, &mut visit);
}

/// Returns two names of which the first is the parent path of the second.
fn clash(object: &Field) -> Option<(String, String)> {
    let fields = object.get("properties")?.as_object()?;
    fields.keys().find_map(|outer| {
        let prefix = format!("{outer}.");
        let inner = fields.keys().find(|inner| inner.starts_with(&prefix))?;
        Some((outer.clone(), inner.clone()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn names_that_do_not_clash_become_objects() {
        let body = json!({ "mappings": { "subobjects": false,
            "properties": { "cpu.load": { "type": "float" } } } });
        let expected = json!({ "mappings": { "properties": { "cpu.load": { "type": "float" } } } });
        assert_eq!(trial::index(&RULE, body), (expected, vec![Weight::Lost]));
    }

    #[test]
    fn names_that_clash_are_refused() {
        let body = json!({ "mappings": { "properties": { "m": { "subobjects": false,
            "properties": { "cpu": { "type": "long" }, "cpu.load": { "type": "float" } } } } } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![Weight::Unsupported]));
    }
}
