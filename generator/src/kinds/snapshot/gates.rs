//! Where does a migration from a snapshot wait for a person?

use crate::kinds::gate::GateSpec;

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
