//! What is `dynamic` when several mapping types are merged?
//!
//! `dynamic` decides about unmapped fields of an object, and of inner objects that do not set it
//! themselves: `true` adds a field, `false` ignores it, `strict` rejects the document. A merged
//! object gets the most permissive value of all types, so that no document is rejected because of
//! another type.

use std::fmt;

use serde_json::{Map, Value};

/// What the server does with an unmapped field, from strict to permissive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dynamic {
    Strict,
    False,
    True,
}

/// An object for which the types had different values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where, as in `mappings.properties.address.dynamic`.
    pub(super) path: String,
    /// The merged value, and the value of each type.
    pub(super) what: String,
}

/// An object in one of the types.
struct TypeObject<'a> {
    type_name: &'a str,
    /// `None` if the type does not have the object.
    object: Option<&'a Map<String, Value>>,
    /// The value in effect for this type; without the object, that of the parent.
    dynamic: Dynamic,
}

impl TypeObject<'_> {
    /// Returns the inner object of this name.
    fn inner(&self, name: &str) -> Self {
        let object = self.object.and_then(|it| it.get("properties")?.get(name)?.as_object());
        Self {
            type_name: self.type_name,
            object,
            dynamic: object.and_then(explicit).unwrap_or(self.dynamic),
        }
    }
}

/// Returns the value that a mapping or an object sets itself.
pub(super) fn explicit(object: &Map<String, Value>) -> Option<Dynamic> {
    Some(match object.get("dynamic")? {
        Value::Bool(false) => Dynamic::False,
        Value::String(word) if word == "false" => Dynamic::False,
        Value::String(word) if word == "strict" => Dynamic::Strict,
        _ => Dynamic::True,
    })
}

/// Writes `dynamic` into all objects of `merged`; a type without a value has `default`.
pub(super) fn merge<'a>(
    types: impl Iterator<Item = (&'a str, &'a Map<String, Value>)>,
    default: Dynamic,
    merged: &mut Map<String, Value>,
) -> Vec<Difference> {
    let root = |(type_name, mapping)| TypeObject {
        type_name,
        object: Some(mapping),
        dynamic: explicit(mapping).unwrap_or(default),
    };
    let types: Vec<TypeObject<'_>> = types.map(root).collect();
    let mut differences = Vec::new();
    merge_object("mappings", &types, Dynamic::True, merged, &mut differences);
    differences
}

fn merge_object(
    path: &str,
    types: &[TypeObject<'_>],
    parent: Dynamic,
    merged: &mut Map<String, Value>,
    differences: &mut Vec<Difference>,
) {
    if types.iter().all(|in_type| in_type.object.is_none()) {
        return;
    }
    // A type without the object has no documents with it if unmapped fields are added or rejected;
    // it may have some if they are ignored.
    let relevant: Vec<&TypeObject<'_>> = types
        .iter()
        .filter(|in_type| in_type.object.is_some() || in_type.dynamic == Dynamic::False)
        .collect();
    let Some(result) = relevant.iter().map(|in_type| in_type.dynamic).max() else { return };
    if relevant.iter().any(|in_type| in_type.dynamic != result) {
        let each = relevant
            .iter()
            .map(|in_type| format!("`{}` in `{}`", in_type.dynamic, in_type.type_name));
        let what = format!("set to `{result}` (it was {})", each.collect::<Vec<_>>().join(", "));
        differences.push(Difference { path: format!("{path}.dynamic"), what });
    }
    if result == parent {
        merged.shift_remove("dynamic");
    } else {
        merged.insert("dynamic".to_owned(), result.to_string().into());
    }
    let Some(Value::Object(properties)) = merged.get_mut("properties") else { return };
    for (name, field) in properties {
        let Value::Object(field) = field else { continue };
        let is_object =
            field.get("type").is_none_or(|kind| matches!(kind.as_str(), Some("object" | "nested")));
        if !is_object {
            continue;
        }
        let inner: Vec<TypeObject<'_>> = types.iter().map(|in_type| in_type.inner(name)).collect();
        merge_object(&format!("{path}.properties.{name}"), &inner, result, field, differences);
    }
}

impl fmt::Display for Dynamic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Strict => "strict",
            Self::False => "false",
            Self::True => "true",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merge_all(types: &Value, merged: Value) -> (Value, Vec<String>) {
        let Value::Object(mut merged) = merged else { panic!("an object") };
        let types = types.as_object().into_iter().flatten();
        let types = types.map(|(name, it)| (name.as_str(), it.as_object().expect("a mapping")));
        let differences = merge(types, Dynamic::True, &mut merged);
        (
            merged.into(),
            differences.into_iter().map(|it| format!("{} {}", it.path, it.what)).collect(),
        )
    }

    #[test]
    fn the_most_permissive_type_decides() {
        for (one, other, expected) in [
            (json!("strict"), json!("true"), json!({})),
            (json!("strict"), Value::Null, json!({})),
            (json!("strict"), json!(false), json!({ "dynamic": "false" })),
            (json!("strict"), json!("strict"), json!({ "dynamic": "strict" })),
        ] {
            let mapping = |dynamic: &Value| match dynamic {
                Value::Null => json!({}),
                dynamic => json!({ "dynamic": dynamic }),
            };
            let types = json!({ "a": mapping(&one), "b": mapping(&other) });
            let (merged, lines) = merge_all(&types, json!({ "dynamic": "strict" }));
            assert_eq!(merged, expected, "{types}");
            assert_eq!(lines.is_empty(), one == other, "{lines:?}");
        }
    }

    #[test]
    fn each_object_is_merged_with_the_values_in_effect() {
        let object = |dynamic| json!({ "properties": {}, "dynamic": dynamic });
        let plain = json!({ "properties": {} });
        let types = json!({
            "a": { "dynamic": "strict", "properties": {
                "both": plain, "mine": plain, "open": object("true"), "passed": plain } },
            "b": { "properties": { "both": plain, "open": plain } }
        });
        let merged = json!({ "properties": {
            "both": plain, "mine": plain, "open": object("true"), "passed": plain } });
        let (merged, lines) = merge_all(&types, merged);
        // Documents of `b` have no `mine`, or there would be a field: it stays strict.
        let expected = json!({ "properties": {
            "both": plain, "mine": object("strict"), "open": plain, "passed": object("strict") } });
        assert_eq!(merged, expected);
        let differing = "set to `true` (it was `strict` in `a`, `true` in `b`)";
        assert_eq!(
            lines,
            [
                format!("mappings.dynamic {differing}"),
                format!("mappings.properties.both.dynamic {differing}")
            ]
        );
    }

    #[test]
    fn what_another_type_ignores_is_not_rejected() {
        let strict = json!({ "o": { "properties": {}, "dynamic": "strict" } });
        let types = json!({ "a": { "properties": strict }, "b": { "dynamic": false } });
        let (merged, lines) = merge_all(&types, json!({ "properties": strict }));
        let expected = json!({ "properties": { "o": { "properties": {}, "dynamic": "false" } } });
        assert_eq!(merged, expected);
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}
