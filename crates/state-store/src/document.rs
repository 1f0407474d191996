//! What is a document of the state?

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The version of a document: what a conditional write names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `_seq_no`.
    pub sequence_number: u64,
    /// `_primary_term`.
    pub primary_term: u64,
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// The id, which is also the field `key`.
    pub key: String,
    /// The version that was read.
    pub version: Version,
    /// The content.
    pub document: T,
}

/// Returns the id of a document, made of everything that distinguishes it from others.
pub fn key_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut key = String::new();
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_wherever_their_parts_do() {
        assert_ne!(key_of(&["ab", "c"]), key_of(&["a", "bc"]));
        assert_ne!(key_of(&["a"]), key_of(&["a", ""]));
        assert_eq!(key_of(&["a", "b"]), key_of(&["a", "b"]));
        assert_eq!(key_of(&["a"]).len(), 64);
    }

    #[test]
    fn a_key_stays_the_same_from_version_to_version() {
        // A run begun by an earlier version finds its documents.
        assert_eq!(
            key_of(&["group", "s1", "old-to-new", "g"]),
            "1a85c8ad40b33b91b1e1abd978bc4d0573eb30e7fbb9dbe454080ddb1c65761d"
        );
    }
}
