//! Which fields of the documents do searches use?
//!
//! Each kind of document names its own ([`StateDocument::mapping`]); the index gets those of all
//! kinds that were registered. A field that no kind names is stored and cannot be searched.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// A kind of document. Each one is written with the fields `kind` and `key`.
pub trait StateDocument: Serialize + DeserializeOwned {
    /// The value of the field `kind`.
    const KIND: &'static str;

    /// Returns the fields that searches use, beside `kind` and `key`.
    fn mapping() -> Mapping;
}

/// The type of a field that searches use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A name or an id.
    Keyword,
    /// A number that is summed up.
    Long,
    /// An object with fields of its own.
    Object(Mapping),
}

/// Fields by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<String, FieldType>);

impl Mapping {
    /// Returns the fields of a kind of document.
    pub fn of<T: StateDocument>() -> Self {
        Self::default().with::<T>()
    }

    /// Adds the fields of a kind of document.
    #[must_use]
    pub fn with<T: StateDocument>(self) -> Self {
        self.keywords(&["kind", "key"]).and(T::mapping())
    }

    /// Adds names and ids.
    #[must_use]
    pub fn keywords(self, names: &[&str]) -> Self {
        self.fields(names, &FieldType::Keyword)
    }

    /// Adds numbers.
    #[must_use]
    pub fn longs(self, names: &[&str]) -> Self {
        self.fields(names, &FieldType::Long)
    }

    /// Adds an object.
    #[must_use]
    pub fn object(self, name: &str, fields: Self) -> Self {
        self.fields(&[name], &FieldType::Object(fields))
    }

    /// Adds the fields of another mapping.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        other.0.into_iter().fold(self, |mapping, (name, field)| mapping.fields(&[&name], &field))
    }

    fn fields(mut self, names: &[&str], field: &FieldType) -> Self {
        for name in names {
            let before = self.0.insert((*name).to_owned(), field.clone());
            debug_assert!(
                before.is_none_or(|before| before == *field),
                "two kinds of documents disagree on the type of `{name}`"
            );
        }
        self
    }

    /// Returns whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fields as the `properties` of an index.
    pub fn properties(&self) -> Value {
        let properties: Map<String, Value> =
            self.0.iter().map(|(name, field)| (name.clone(), field.description())).collect();
        Value::Object(properties)
    }

    /// Returns those of the fields that the `properties` of an index lack.
    pub(crate) fn missing_in(&self, properties: &Value) -> Self {
        let mut missing = BTreeMap::new();
        for (name, field) in &self.0 {
            let found = properties.get(name);
            match (field, found) {
                (_, None) => {
                    missing.insert(name.clone(), field.clone());
                }
                (FieldType::Object(fields), Some(found)) => {
                    let inner = fields.missing_in(found.get("properties").unwrap_or(&Value::Null));
                    if !inner.is_empty() {
                        missing.insert(name.clone(), FieldType::Object(inner));
                    }
                }
                (FieldType::Keyword | FieldType::Long, Some(_)) => {}
            }
        }
        Self(missing)
    }
}

impl FieldType {
    fn description(&self) -> Value {
        match self {
            Self::Keyword => json!({ "type": "keyword" }),
            Self::Long => json!({ "type": "long" }),
            Self::Object(fields) => json!({ "type": "object", "properties": fields.properties() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_an_index_lacks_are_added() {
        let ledger = |names: &[&str]| Mapping::default().longs(names);
        let wanted = Mapping::default()
            .keywords(&["kind", "state"])
            .object("ledger", ledger(&["live", "accepted"]));
        let old = Mapping::default().keywords(&["kind"]).object("ledger", ledger(&["live"]));
        let missing = wanted.missing_in(&old.properties());
        assert_eq!(
            missing.properties(),
            json!({
                "ledger": { "type": "object", "properties": { "accepted": { "type": "long" } } },
                "state": { "type": "keyword" },
            })
        );
        assert!(wanted.missing_in(&wanted.properties()).is_empty());
        assert_eq!(wanted.missing_in(&Value::Null), wanted);
    }
}
