//! What has been released and must not change any more.

/// A released schema and the SHA-256 of its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReleasedSchema {
    /// The file, from the top of the checkout.
    pub(crate) path: &'static str,
    /// SHA-256 in lower-case hexadecimal.
    pub(crate) sha256: &'static str,
}

/// Every released schema. A schema gets its line at its first release; a change after that is a
/// new version in a new file.
pub(crate) const SCHEMAS: &[ReleasedSchema] = &[];
