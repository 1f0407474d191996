//! Which documents have a value in a numeric field? Soft deletes are marked so.
//!
//! The values themselves are never read. A `.dvm` file says where in the `.dvd` file the set
//! of documents is, and only that range is needed:
//!
//! ```text
//! .dvm (metadata.rs)  entry of the field: none, all, or a range ──> .dvd (indexed_disi.rs)
//! ```

mod document_set;
mod indexed_disi;
mod metadata;

pub(crate) use self::{
    document_set::{DocumentSetRange, DocumentsWithValue},
    indexed_disi::decode_set,
    metadata::FieldEntry,
};
