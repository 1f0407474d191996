//! Which indices of this snapshot belong to a group, and which run registered it?
//!
//! ```text
//!   register              prepare           cleanup after a failure
//!   Registered ---------> Filling ---------------------------------> Ended
//!       |                    |                                         ^
//!       +--------------------+---- another run takes the group over ---+
//! ```
//!
//! After a success nothing is written: cleanup removes the document. To register an index is not to
//! own it: between the register step and prepare a person may think for days, or the run may be
//! gone. The run that first begins to fill an index owns it
//! ([`crate::registration::start_filling`]).

use contract::{ExistingIndices, Group, MigrationName, RepositoryUri, RunId, SnapshotUuid};
use serde::{Deserialize, Serialize};
use state_store::{Mapping, Origin, Scope, StateDocument, key_of};

use crate::CoordinationError;

/// How far the run that registered a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupState {
    /// It has recorded which indices it will migrate.
    // Stored under its old name.
    #[serde(rename = "underWay")]
    Registered,
    /// It has begun to fill the indices.
    Filling,
    /// It may not fill them any more: it has failed, which the cleanup recorded; it withdrew; or
    /// another run took the group over.
    Ended,
}

/// What the register step recorded for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupDocument {
    /// `group`.
    pub kind: String,
    /// The id.
    pub key: String,
    /// The run that registered the group last.
    pub run: RunId,
    /// How far that run is.
    pub state: GroupState,
    /// Which run took the group over, in words; then that of `run` must not continue, not even when
    /// it is resumed.
    // Stored under its old name.
    #[serde(default, rename = "superseded", skip_serializing_if = "Option::is_none")]
    pub taken_over: Option<String>,
    /// Why the fleet gave up ([`crate::registration::give_up`]).
    // Stored under its old name.
    #[serde(default, rename = "abandoned", skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
    /// The migration, the group and the snapshot.
    #[serde(flatten)]
    pub scope: Scope,
    /// The repository's URI.
    pub repository: RepositoryUri,
    /// The group's patterns when it was registered.
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
    /// It held other documents when the migration began.
    pub existed: bool,
    /// How many documents it held when it was registered, ours and others.
    pub documents: u64,
}

/// The run of a migration from a snapshot that registers groups.
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
            group: group.name.clone(),
            origin: Origin::Snapshot(self.snapshot.clone()),
        }
    }

    /// Returns whether a document is about the same snapshot.
    pub(crate) fn is_snapshot_of(&self, scope: &Scope) -> bool {
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
            state: GroupState::Registered,
            taken_over: None,
            gave_up: None,
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

    /// Fails if another run took the group over.
    pub(crate) fn check_not_taken_over(&self) -> Result<(), CoordinationError> {
        let Some(by) = &self.taken_over else { return Ok(()) };
        Err(CoordinationError::TakenOver {
            group: self.scope.group.to_string(),
            run: self.run.to_string(),
            by: by.clone(),
        })
    }

    /// Returns whether the group is described as it was when it was registered.
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
    use contract::GroupName;
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
            name: GroupName::new(name),
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
