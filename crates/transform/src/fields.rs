//! Where are the fields of a mapping?
//!
//! Field definitions are in `properties`, in `fields` (multi-fields), and in the `mapping` of dynamic
//! templates. All of them are visited, outer ones first.

use serde_json::{Map, Value};

/// The definition of a field or of an object with fields.
pub(crate) type Field = Map<String, Value>;

/// Calls `visit` with the path and definition of every field.
pub(crate) fn each_field(mappings: &mut Field, visit: &mut dyn FnMut(&str, &mut Field)) {
    children("mappings", mappings, visit);
    each_dynamic_template(mappings, &mut |path, template| {
        if let Some(Value::Object(field)) = template.get_mut("mapping") {
            let path = format!("{path}.mapping");
            visit(&path, field);
            children(&path, field, visit);
        }
    });
}

/// Calls `visit` with the path and body of every dynamic template.
pub(crate) fn each_dynamic_template(mappings: &mut Field, visit: &mut dyn FnMut(&str, &mut Field)) {
    let Some(Value::Array(templates)) = mappings.get_mut("dynamic_templates") else { return };
    for (name, template) in templates.iter_mut().filter_map(Value::as_object_mut).flatten() {
        if let Value::Object(template) = template {
            visit(&format!("mappings.dynamic_templates.{name}"), template);
        }
    }
}

/// Returns the type of a field; the type `object` is often not written.
pub(crate) fn type_of(field: &Field) -> Option<&str> {
    field.get("type").and_then(Value::as_str)
}

fn children(path: &str, parent: &mut Field, visit: &mut dyn FnMut(&str, &mut Field)) {
    for group in ["properties", "fields"] {
        let Some(Value::Object(fields)) = parent.get_mut(group) else { continue };
        for (name, field) in fields {
            if let Value::Object(field) = field {
                let path = format!("{path}.{group}.{name}");
                visit(&path, field);
                children(&path, field, visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_visited_with_its_path() {
        let Value::Object(mut mappings) = json!({
            "properties": {
                "a": { "type": "text", "fields": { "raw": { "type": "keyword" } } },
                "o": { "properties": { "properties": { "type": "ip" } } }
            },
            "dynamic_templates": [{ "t": { "match": "*", "mapping": { "type": "keyword" } } }]
        }) else {
            panic!("an object")
        };
        let mut paths = Vec::new();
        each_field(&mut mappings, &mut |path, _| paths.push(path.to_owned()));
        let expected = [
            "mappings.properties.a",
            "mappings.properties.a.fields.raw",
            "mappings.properties.o",
            "mappings.properties.o.properties.properties",
            "mappings.dynamic_templates.t.mapping",
        ];
        assert_eq!(paths, expected);
    }
}
