//! Is a document on the target the one of the snapshot?
//!
//! The target may write the same JSON in another form (no spaces, another escape), so sources are
//! compared as bytes first and as values if the bytes differ. Numbers keep every digit.

use serde_json::value::RawValue;

/// A document, as both sides know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'a> {
    /// Its routing.
    pub(crate) routing: Option<&'a str>,
    /// Its source.
    pub(crate) source: &'a [u8],
}

/// Says what differs; `None` if the documents are equal.
pub(crate) fn difference(snapshot: Side<'_>, target: Side<'_>) -> Option<String> {
    if snapshot.routing != target.routing {
        return Some(format!(
            "its routing is `{}` in the snapshot and `{}` on the target",
            snapshot.routing.unwrap_or_default(),
            target.routing.unwrap_or_default()
        ));
    }
    (!same_json(snapshot.source, target.source)).then(|| "its source differs".to_owned())
}

fn same_json(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    match (read(one), read(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// A JSON value whose numbers are kept as text: `1.0` and `1` are not the same source.
#[derive(Debug, PartialEq, Eq)]
enum Exact {
    /// `null`, `true`, `false` or a number, as written.
    Word(String),
    Text(String),
    List(Vec<Self>),
    /// Fields in the order of the source, for a name may come twice.
    Fields(Vec<(String, Self)>),
}

fn read(bytes: &[u8]) -> Option<Exact> {
    exact(serde_json::from_slice(bytes).ok()?)
}

fn exact(raw: &RawValue) -> Option<Exact> {
    let text = raw.get();
    Some(match text.as_bytes().first()? {
        b'{' => {
            let Fields(fields) = serde_json::from_str(text).ok()?;
            let fields = fields
                .into_iter()
                .map(|(name, value)| exact(&value).map(|value| (name, value)))
                .collect::<Option<_>>()?;
            Exact::Fields(fields)
        }
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
            Exact::List(items.iter().map(|item| exact(item)).collect::<Option<_>>()?)
        }
        b'"' => Exact::Text(serde_json::from_str(text).ok()?),
        _ => Exact::Word(text.to_owned()),
    })
}

/// The fields of an object, in order and with doubles.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_does_not_matter_and_content_does() {
        let same = |one: &str, other: &str| same_json(one.as_bytes(), other.as_bytes());
        assert!(same("\n{ \"a\" : [1, \"\\u00e9\"] }\n", "{\"a\":[1,\"é\"]}"));
        assert!(!same("{\"a\":1}", "{\"a\":2}"));
        assert!(!same("{\"a\":1}", "{\"a\":1.0}"));
        assert!(!same("{\"a\":12345678901234567890123}", "{\"a\":12345678901234567890124}"));
        assert!(!same("{\"a\":1,\"a\":2}", "{\"a\":2}"));
        assert!(!same("{\"a\":1", "{\"a\":2"));
    }

    #[test]
    fn another_routing_is_told() {
        let side = |routing| Side { routing, source: b"{}" };
        assert_eq!(difference(side(None), side(None)), None);
        assert!(difference(side(Some("k")), side(None)).is_some_and(|text| text.contains("`k`")));
    }
}
