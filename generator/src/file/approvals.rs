//! How does a migration file say which gates wait for a person?

use schemars::JsonSchema;
use serde::Deserialize;

/// Which gates wait for a person. The nearest level that names a gate decides: group, migration,
/// file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Approvals {
    /// After the dry run of the metadata, before anything is written; on when absent.
    pub metadata_evaluated: Option<bool>,
    /// After the metadata is on the target, before documents; off when absent.
    pub metadata_migrated: Option<bool>,
    /// After the documents are verified, before cleanup; on when absent.
    pub documents_backfilled: Option<bool>,
}
