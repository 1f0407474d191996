//! Names and ids. Each is a type of its own, so that no two can be exchanged by mistake.

use std::{borrow::Borrow, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! text_newtypes {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    )+};
}

text_newtypes! {
    /// The name of a migration: source, target and, if needed, a number.
    MigrationName;
    /// The name of a group within its migration.
    GroupName;
    /// The name of an index.
    IndexName;
    /// The name of a snapshot in its repository.
    SnapshotName;
    /// The UUID that a server gave a snapshot.
    SnapshotUuid;
    /// The UUID that a server gave an index; it changes when the index is deleted and re-created.
    IndexUuid;
    /// The id of one run of a workflow (Argo's `workflow.uid`).
    RunId;
    /// The name of a process, unique among the workers of a run (the pod's name on a cluster).
    WorkerName;
}

impl RunId {
    /// Returns the first eight alphanumeric characters, for names that people read.
    pub fn short(&self) -> String {
        self.0.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
    }
}
