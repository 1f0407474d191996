//! Which part of the state is meant: that of one group of a migration, from one origin.

use contract::{GroupName, MigrationName, SnapshotUuid};
use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;

/// What the documents of a group come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A snapshot.
    Snapshot(SnapshotUuid),
}

/// One group of a migration, from one origin. Written as three fields of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "ScopeFields", into = "ScopeFields")]
pub struct Scope {
    /// The migration's name.
    pub migration: MigrationName,
    /// The group's name.
    pub group: GroupName,
    /// What the documents come from.
    pub origin: Origin,
}

/// A scope as it is written. It is a plain struct, because only that takes its fields from those of
/// a document whose other fields are collected in a map.
#[derive(Serialize, Deserialize)]
struct ScopeFields {
    migration: MigrationName,
    group: GroupName,
    snapshot: SnapshotUuid,
}

impl From<ScopeFields> for Scope {
    fn from(fields: ScopeFields) -> Self {
        let ScopeFields { migration, group, snapshot } = fields;
        Self { migration, group, origin: Origin::Snapshot(snapshot) }
    }
}

impl From<Scope> for ScopeFields {
    fn from(scope: Scope) -> Self {
        let Scope { migration, group, origin: Origin::Snapshot(snapshot) } = scope;
        Self { migration, group, snapshot }
    }
}

impl Origin {
    /// Returns the field and the value of all documents with this origin.
    pub fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Snapshot(uuid) => ("snapshot", uuid.as_str()),
        }
    }
}

impl Scope {
    /// The names of the fields of a scope.
    pub const FIELDS: [&'static str; 3] = ["migration", "group", "snapshot"];

    /// Returns the fields that every scoped document has.
    pub fn mapping() -> Mapping {
        Mapping::default().keywords(&Self::FIELDS)
    }

    /// Returns the fields, and their values, of all documents of this scope.
    pub fn fields(&self) -> [(&'static str, &str); 3] {
        let Self { migration, group, origin } = self;
        [origin.field(), ("migration", migration.as_str()), ("group", group.as_str())]
    }

    /// Returns the fields, and their values, of all documents of a kind in this scope.
    pub fn fields_of<'a>(&'a self, kind: &'a str) -> [(&'static str, &'a str); 4] {
        let [origin, migration, group] = self.fields();
        [("kind", kind), origin, migration, group]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_is_written_as_the_fields_by_which_it_is_searched() {
        let scope = Scope {
            migration: MigrationName::new("m"),
            group: GroupName::new("g"),
            origin: Origin::Snapshot(SnapshotUuid::new("s")),
        };
        let written = serde_json::to_value(&scope).expect("JSON");
        assert_eq!(written, json!({ "migration": "m", "group": "g", "snapshot": "s" }));
        for (field, value) in scope.fields() {
            assert_eq!(written[field], value);
        }
        assert_eq!(serde_json::from_value::<Scope>(written).expect("a scope"), scope);
    }
}
