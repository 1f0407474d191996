//! A group: the indices of one entry in the migration file, and what is done with those that exist.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ids::GroupName, pattern::IndexSelection};

/// What to do with an index that is on the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExistingIndices {
    /// Stop if it holds documents.
    #[default]
    Refuse,
    /// Write into it; a document of the same id is replaced.
    Append,
    /// Leave it alone and migrate the others.
    Skip,
}

/// What is done with an index, given the documents that are on the target already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Treatment {
    /// It is created, or filled if it exists and is empty.
    Fill,
    /// Documents are added to the existing ones.
    Append,
    /// It stays as it is.
    LeaveAlone,
    /// The migration stops before anything is written.
    Stop,
}

impl ExistingIndices {
    /// Returns what is done with an index that has this many documents already.
    pub fn treat(self, documents: u64) -> Treatment {
        match self {
            _ if documents == 0 => Treatment::Fill,
            Self::Refuse => Treatment::Stop,
            Self::Append => Treatment::Append,
            Self::Skip => Treatment::LeaveAlone,
        }
    }
}

/// One group, as the steps see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// The group's name in the migration file.
    pub name: GroupName,
    /// The indices that it selects.
    pub indices: IndexSelection,
    /// What to do with indices that are on the target already.
    #[serde(default)]
    pub existing_indices: ExistingIndices,
    /// It is no error when the patterns match nothing.
    #[serde(default)]
    pub allow_empty: bool,
}
