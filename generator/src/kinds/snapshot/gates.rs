//! Where does a migration from a snapshot wait for a person?

use crate::file::approvals::Approvals;

/// A gate of every group that does what the gate guards.
#[derive(Debug)]
pub(crate) struct GateSpec {
    /// The name, as gates and tasks are called.
    pub name: &'static str,
    /// The key under `approvals`.
    pub key: &'static str,
    /// Whether the gate waits when the file does not say.
    pub waits_by_default: bool,
    /// What waits for the decision.
    pub guards: &'static str,
    /// Returns what `approvals` says about the gate.
    pub setting: fn(&Approvals) -> Option<bool>,
}

/// Between the report of what would be written to the target and the writing of it.
pub(crate) static METADATA_EVALUATED: GateSpec = GateSpec {
    name: "metadata-evaluated",
    key: "metadataEvaluated",
    waits_by_default: true,
    guards: "the writing of metadata, which has been evaluated",
    setting: |approvals| approvals.metadata_evaluated,
};

/// Between the metadata and the documents.
pub(crate) static METADATA_MIGRATED: GateSpec = GateSpec {
    name: "metadata-migrated",
    key: "metadataMigrated",
    waits_by_default: false,
    guards: "the writing of documents, after the metadata was written",
    setting: |approvals| approvals.metadata_migrated,
};

/// Between the verified documents and the cleanup.
pub(crate) static DOCUMENTS_BACKFILLED: GateSpec = GateSpec {
    name: "documents-backfilled",
    key: "documentsBackfilled",
    waits_by_default: true,
    guards: "the cleanup, after the documents were verified",
    setting: |approvals| approvals.documents_backfilled,
};

/// All gates, in the order in which they are reached.
pub(crate) static GATES: [&GateSpec; 3] =
    [&METADATA_EVALUATED, &METADATA_MIGRATED, &DOCUMENTS_BACKFILLED];

/// What one level of the file says: `approvals` and `skipApprovals`.
pub(crate) type Level<'a> = (Option<&'a Approvals>, Option<bool>);

impl GateSpec {
    /// Returns whether the gate waits for a person: the nearest level that says something about it
    /// decides. `levels` begin with the nearest.
    pub(crate) fn waits(&self, levels: &[Level<'_>]) -> bool {
        for (approvals, skip) in levels {
            if let Some(waits) = approvals.and_then(self.setting) {
                return waits;
            }
            if let Some(skip) = skip {
                return !skip && self.waits_by_default;
            }
        }
        self.waits_by_default
    }
}
