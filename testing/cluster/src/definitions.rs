//! How much the API server knows about Argo's objects.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How much the API server knows about Argo's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Definitions {
    /// Their names only: it takes whatever it is sent. A third of the memory, half of the start.
    Minimal,
    /// Every field: it refuses what Argo does not know.
    Full,
}

impl Definitions {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Full => "full",
        }
    }
}
