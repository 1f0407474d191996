//! Why the source of a document cannot be written as one line of JSON.

/// A source that cannot be written as one line of JSON; it concerns this document alone.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not JSON.
    #[error(
        "the source is not valid JSON at byte {offset}: {reason}; correct the document in the source cluster, or allow it to fail"
    )]
    Json {
        /// The place in the source.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// It begins as CBOR, but is not.
    #[error(
        "the source is not valid CBOR at byte {offset}: {reason}; correct the document in the source cluster, or allow it to fail"
    )]
    Cbor {
        /// The place in the source.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// It begins as SMILE, but is not.
    #[error(
        "the source is not valid SMILE: {reason}; correct the document in the source cluster, or allow it to fail"
    )]
    Smile {
        /// What is wrong.
        reason: String,
    },
    /// It begins as YAML, but is not.
    #[error(
        "the source is not valid YAML: {reason}; correct the document in the source cluster, or allow it to fail"
    )]
    Yaml {
        /// What is wrong.
        reason: String,
    },
}
