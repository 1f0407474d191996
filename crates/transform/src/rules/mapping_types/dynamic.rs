//! What becomes of fields that a mapping does not name, when several types are merged?
//!
//! `dynamic` says it, for an object and for what lies within unless that says it itself: `true`
//! makes a field, `false` passes over it, `strict` refuses the document. Merged, each object takes
//! the most permissive of what the types say there, so that no document is refused for what
//! another type was told.

use std::fmt;

use serde_json::{Map, Value};

/// What becomes of a field without a name in the mapping, from strict to permissive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dynamic {
    Strict,
    False,
    True,
}

/// An object on which the types did not agree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// Where, as in `mappings.properties.address.dynamic`.
    pub(super) path: String,
    /// What holds now, and what each type said.
    pub(super) what: String,
}

/// The object in one of the types.
struct Part<'a> {
    of: &'a str,
    /// `None` where the type does not have it.
    object: Option<&'a Map<String, Value>>,
    /// What holds there for this type; without the object, what holds around it.
    dynamic: Dynamic,
}

impl Part<'_> {
    /// The object of this name in this one.
    fn within(&self, name: &str) -> Self {
        let object = self.object.and_then(|it| it.get("properties")?.get(name)?.as_object());
        Self { of: self.of, object, dynamic: object.and_then(said).unwrap_or(self.dynamic) }
    }
}

/// Returns what a mapping or an object says itself.
pub(super) fn said(object: &Map<String, Value>) -> Option<Dynamic> {
    Some(match object.get("dynamic")? {
        Value::Bool(false) => Dynamic::False,
        Value::String(word) if word == "false" => Dynamic::False,
        Value::String(word) if word == "strict" => Dynamic::Strict,
        _ => Dynamic::True,
    })
}

/// Writes `dynamic` into all objects of `merged`; a type that says nothing has `default`.
pub(super) fn settle<'a>(
    types: impl Iterator<Item = (&'a str, &'a Map<String, Value>)>,
    default: Dynamic,
    merged: &mut Map<String, Value>,
) -> Vec<Settled> {
    let part = |(of, mapping)| Part {
        of,
        object: Some(mapping),
        dynamic: said(mapping).unwrap_or(default),
    };
    let parts: Vec<Part<'_>> = types.map(part).collect();
    let mut settled = Vec::new();
    settle_object("mappings", &parts, Dynamic::True, merged, &mut settled);
    settled
}

fn settle_object(
    path: &str,
    parts: &[Part<'_>],
    around: Dynamic,
    merged: &mut Map<String, Value>,
    settled: &mut Vec<Settled>,
) {
    if parts.iter().all(|part| part.object.is_none()) {
        return;
    }
    // Where unnamed fields make new ones or refuse the document, a type without the object has no
    // document with it; where they are passed over, it may have.
    let heard: Vec<&Part<'_>> = parts
        .iter()
        .filter(|part| part.object.is_some() || part.dynamic == Dynamic::False)
        .collect();
    let Some(most) = heard.iter().map(|part| part.dynamic).max() else { return };
    if heard.iter().any(|part| part.dynamic != most) {
        let each = heard.iter().map(|part| format!("`{}` in `{}`", part.dynamic, part.of));
        let what = format!("set to `{most}` (it was {})", each.collect::<Vec<_>>().join(", "));
        settled.push(Settled { path: format!("{path}.dynamic"), what });
    }
    if most == around {
        merged.shift_remove("dynamic");
    } else {
        merged.insert("dynamic".to_owned(), most.to_string().into());
    }
    let Some(Value::Object(properties)) = merged.get_mut("properties") else { return };
    for (name, field) in properties {
        let Value::Object(field) = field else { continue };
        let is_object =
            field.get("type").is_none_or(|kind| matches!(kind.as_str(), Some("object" | "nested")));
        if !is_object {
            continue;
        }
        let inner: Vec<Part<'_>> = parts.iter().map(|part| part.within(name)).collect();
        settle_object(&format!("{path}.properties.{name}"), &inner, most, field, settled);
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

    fn settled(types: &Value, merged: Value) -> (Value, Vec<String>) {
        let Value::Object(mut merged) = merged else { panic!("an object") };
        let types = types.as_object().into_iter().flatten();
        let types = types.map(|(name, it)| (name.as_str(), it.as_object().expect("a mapping")));
        let settled = settle(types, Dynamic::True, &mut merged);
        (merged.into(), settled.into_iter().map(|it| format!("{} {}", it.path, it.what)).collect())
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
            let (merged, told) = settled(&types, json!({ "dynamic": "strict" }));
            assert_eq!(merged, expected, "{types}");
            assert_eq!(told.is_empty(), one == other, "{told:?}");
        }
    }

    #[test]
    fn objects_are_settled_by_what_holds_in_them() {
        let object = |dynamic| json!({ "properties": {}, "dynamic": dynamic });
        let plain = json!({ "properties": {} });
        let types = json!({
            "a": { "dynamic": "strict", "properties": {
                "both": plain, "mine": plain, "open": object("true"), "passed": plain } },
            "b": { "properties": { "both": plain, "open": plain } }
        });
        let merged = json!({ "properties": {
            "both": plain, "mine": plain, "open": object("true"), "passed": plain } });
        let (merged, told) = settled(&types, merged);
        // Documents of `b` have no `mine`, or there would be a field: it stays strict.
        let expected = json!({ "properties": {
            "both": plain, "mine": object("strict"), "open": plain, "passed": object("strict") } });
        assert_eq!(merged, expected);
        let differing = "set to `true` (it was `strict` in `a`, `true` in `b`)";
        assert_eq!(
            told,
            [
                format!("mappings.dynamic {differing}"),
                format!("mappings.properties.both.dynamic {differing}")
            ]
        );
    }

    #[test]
    fn what_another_type_passes_over_is_not_refused() {
        let strict = json!({ "o": { "properties": {}, "dynamic": "strict" } });
        let types = json!({ "a": { "properties": strict }, "b": { "dynamic": false } });
        let (merged, told) = settled(&types, json!({ "properties": strict }));
        let expected = json!({ "properties": { "o": { "properties": {}, "dynamic": "false" } } });
        assert_eq!(merged, expected);
        assert_eq!(told.len(), 2, "{told:?}");
    }
}
