//! Where is the state of a migration kept, and how do many processes write it without a lock?
//!
//! All of it is in one index on the target, [`INDEX`]. A document has a `kind` and a deterministic
//! id, its `key`, so that writing it twice is writing it once. A document that several processes may
//! change is written under the condition that its version is still the one that was read
//! ([`replace`], [`change`]). No scripts and no update by query, only what every target can do.
//!
//! ```text
//!   kind of document              on the target
//!   ------------------            -------------------------------------------
//!   impl StateDocument  --------> fields of the mapping      (ensure, with a Mapping of all kinds)
//!     KIND, mapping()
//!                        get ---> Stored { key, version, document }
//!                     change <--- the new document, if no process wrote since
//! ```
//!
//! The index is created so that no template of the target can spoil it ([`own_index`]).

mod document;
mod error;
mod index;
mod mapping;
pub mod own_index;
mod read;
mod scope;
mod write;

pub use self::{
    document::{Stored, Version, key_of},
    error::StoreError,
    index::{ensure, exists, refresh, remove_if_empty},
    mapping::{FieldType, Mapping, StateDocument},
    read::{all, get, matching, of_scope, page, search},
    scope::{Origin, Scope},
    write::{change, change_found, create_missing, put, remove, replace},
};

/// The index that holds the state.
pub const INDEX: &str = ".migrations_working_state";

/// How many documents one search or one bulk request takes.
const PAGE_SIZE: usize = 1_000;
