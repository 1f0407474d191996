//! What is divided among workers?

use std::fmt::{self, Debug, Display};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use state_store::Mapping;

/// One kind of work. The envelope around it ([`crate::Item`]) belongs to the fleet, the fields of
/// the work stand beside those of the envelope in one document.
///
/// `Display` names the piece of work within its index, as in `shard 3`.
pub trait Work:
    Clone + Debug + Display + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What one piece is called, in the singular, as in `shard`.
    const KIND: &'static str;

    /// How far a piece is done. The default is its beginning.
    type Cursor: Clone
        + Debug
        + Default
        + PartialEq
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;

    /// Returns what distinguishes this piece from all others of the same origin and index.
    fn key(&self) -> Vec<String>;

    /// Returns the fields that searches use.
    fn mapping() -> Mapping;
}

/// Work of whatever kind, for those who need the envelope only. It keeps every field, so that an
/// item that is read and written loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IgnoredWork(Map<String, Value>);

impl Display for IgnoredWork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part")
    }
}

impl Work for IgnoredWork {
    const KIND: &'static str = "item";

    type Cursor = Value;

    fn key(&self) -> Vec<String> {
        Vec::new()
    }

    fn mapping() -> Mapping {
        Mapping::default()
    }
}
