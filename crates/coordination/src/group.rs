//! What does a group mean in this snapshot, and which run says so?
//!
//! ```text
//!   register            prepare              all items ended, or cleanup after a failure
//!   UnderWay ---------> Filling ----------------------------> Ended
//!      |                   |                                    ^
//!      +-------------------+-- superseded by another run -------+
//! ```
//!
//! To announce an index is not to own it: between the register step and prepare a person may think
//! for days, or the run may be gone. The run that first begins to fill it owns it
//! ([`crate::decision::fill`]).

use contract::{
    ExistingIndices, Group, GroupName, MigrationName, RepositoryUri, RunId, SnapshotUuid,
};
use serde::{Deserialize, Serialize};
use state_store::{Mapping, Origin, Scope, StateDocument, key_of};

use crate::CoordinationError;

/// Whether the run that decided continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// It has announced what it will migrate.
    UnderWay,
    /// It has begun to fill the indices.
    Filling,
    /// It has failed, and a partial cleanup has said so; or another run took its place.
    Ended,
}

/// The document that says what a group means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupDocument {
    /// `group`.
    pub kind: String,
    /// The id.
    pub key: String,
    /// The run that decided last.
    pub run: RunId,
    /// Whether that run continues.
    pub state: RunState,
    /// Which run took its place, in words; then it must not continue, not even when tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<String>,
    /// Why no worker continues although not all is done ([`crate::decision::abandon`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned: Option<String>,
    /// The migration, the group and the snapshot.
    #[serde(flatten)]
    pub scope: Scope,
    /// The repository's URI.
    pub repository: RepositoryUri,
    /// The group's patterns when it was decided.
    pub patterns: Vec<String>,
    /// What was asked for indices that exist.
    pub existing: ExistingIndices,
    /// The indices to migrate.
    pub indices: Vec<GroupIndex>,
    /// The indices that stay as they are.
    pub skipped: Vec<String>,
}

/// An index to migrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupIndex {
    /// The index's name.
    pub name: String,
    /// It held documents of others when the migration began.
    pub existed: bool,
    /// How many documents it held when this was decided, ours and those of others.
    pub documents: u64,
}

/// A run of a migration from a snapshot: who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrigin {
    /// The run.
    pub run: RunId,
    /// The migration's name.
    pub migration: MigrationName,
    /// The snapshot's UUID.
    pub snapshot: SnapshotUuid,
    /// The repository's URI.
    pub repository: RepositoryUri,
}

impl RunOrigin {
    /// Returns the scope of one group.
    pub fn scope(&self, group: &Group) -> Scope {
        Scope {
            migration: self.migration.clone(),
            group: GroupName::new(&group.name),
            origin: Origin::Snapshot(self.snapshot.clone()),
        }
    }

    /// Returns whether a document is about the same snapshot.
    pub fn is_snapshot_of(&self, scope: &Scope) -> bool {
        let Origin::Snapshot(snapshot) = &scope.origin;
        *snapshot == self.snapshot
    }
}

impl GroupDocument {
    /// Makes the document of a group.
    pub fn new(
        origin: &RunOrigin,
        group: &Group,
        indices: Vec<GroupIndex>,
        skipped: Vec<String>,
    ) -> Self {
        let scope = origin.scope(group);
        Self {
            kind: Self::KIND.to_owned(),
            key: Self::key(&scope),
            run: origin.run.clone(),
            state: RunState::UnderWay,
            superseded: None,
            abandoned: None,
            scope,
            repository: origin.repository.clone(),
            patterns: patterns(group),
            existing: group.existing_indices,
            indices,
            skipped,
        }
    }

    /// Returns the id of the document of a scope.
    pub(crate) fn key(scope: &Scope) -> String {
        let Scope { migration, group, origin } = scope;
        let (_, origin) = origin.field();
        key_of(&[Self::KIND, origin, migration.as_str(), group.as_str()])
    }

    /// Fails if another run took the place of the one that decided.
    pub fn check_not_superseded(&self) -> Result<(), CoordinationError> {
        let Some(by) = &self.superseded else { return Ok(()) };
        Err(CoordinationError::Superseded {
            group: self.scope.group.to_string(),
            run: self.run.to_string(),
            by: by.clone(),
        })
    }

    /// Returns whether the group asks now for what it asked when this was decided.
    pub fn fits(&self, group: &Group) -> bool {
        self.existing == group.existing_indices && self.patterns == patterns(group)
    }
}

impl StateDocument for GroupDocument {
    const KIND: &'static str = "group";

    fn mapping() -> Mapping {
        Scope::mapping().keywords(&["run", "state", "repository"])
    }
}

fn patterns(group: &Group) -> Vec<String> {
    group.indices.patterns().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn origin(run: &str, migration: &str, snapshot: &str) -> RunOrigin {
        RunOrigin {
            run: RunId::new(run),
            migration: MigrationName::new(migration),
            snapshot: SnapshotUuid::new(snapshot),
            repository: "file:///r".parse().expect("a URI"),
        }
    }

    pub(crate) fn group(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            indices: vec!["*".to_owned()].try_into().expect("a pattern"),
            existing_indices: ExistingIndices::Refuse,
            allow_empty: false,
        }
    }

    #[test]
    fn a_group_is_written_as_an_earlier_version_writes_it() {
        let logs = GroupIndex { name: "logs".to_owned(), existed: false, documents: 3 };
        let origin = origin("r", "old-to-new", "s1");
        let document = GroupDocument::new(&origin, &group("g"), vec![logs], vec!["x".to_owned()]);
        let written = json!({
            "kind": "group",
            "key": "1a85c8ad40b33b91b1e1abd978bc4d0573eb30e7fbb9dbe454080ddb1c65761d",
            "run": "r",
            "state": "underWay",
            "migration": "old-to-new",
            "group": "g",
            "snapshot": "s1",
            "repository": "file:///r",
            "patterns": ["*"],
            "existing": "refuse",
            "indices": [{ "name": "logs", "existed": false, "documents": 3 }],
            "skipped": ["x"],
        });
        assert_eq!(serde_json::to_value(&document).expect("JSON"), written);
        let read: GroupDocument = serde_json::from_value(written).expect("a group");
        assert_eq!(read, document);
    }
}
