//! Which documents of a segment are live? (`.liv` and soft deletes)
//!
//! ```text
//! header Lucene50LiveDocs (big-endian) or Lucene90LiveDocs (little-endian), suffix = generation
//! ceil(documents / 64) x int64, bit i of word w = document 64 w + i is live | footer
//! ```

use crate::{
    bit_set::{BitSet, words_for},
    bytes::{ByteOrder, Cursor},
    codec_header::{Header, ObjectId, content},
    doc_values::DocumentsWithValue,
    error::{LuceneError, Problem},
};

/// Whether a document is live or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It is live.
    Live,
    /// It was replaced or deleted, and is kept for history only.
    SoftDeleted,
    /// It was deleted and waits for a merge to drop it.
    HardDeleted,
}

/// The documents that a `.liv` file marks as deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HardDeletes {
    live: BitSet,
}

impl HardDeletes {
    /// Reads a whole `.liv` file. It must mark as many documents as deleted as the commit says.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        generation: &str,
        max_doc: u32,
        deleted: u32,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        match header.name {
            "Lucene50LiveDocs" => {}
            "Lucene90LiveDocs" => cursor.set_order(ByteOrder::Little),
            _ => return Err(header.unsupported(file)),
        }
        header.require_version(file, 0, 0)?;
        header.require_id(file, id)?;
        header.require_suffix(file, generation)?;
        let start = cursor.clone();
        let expected = words_for(max_doc);
        if cursor.remaining() != expected.saturating_mul(8) {
            return Err(cursor.error(Problem::CountMismatch {
                what: "bytes of live documents",
                found: u64::try_from(cursor.remaining()).unwrap_or(u64::MAX),
                expected: u64::try_from(expected.saturating_mul(8)).unwrap_or(u64::MAX),
            }));
        }
        let mut words = Vec::with_capacity(expected);
        for _ in 0..expected {
            words.push(cursor.u64()?);
        }
        let beyond = words.last().copied().unwrap_or(0) & !last_word_mask(max_doc);
        let live = BitSet::of_words(words);
        let found = u64::from(max_doc).saturating_sub(live.count());
        if beyond != 0 || found != u64::from(deleted) {
            return Err(start.error(Problem::CountMismatch {
                what: "deleted documents",
                found,
                expected: deleted.into(),
            }));
        }
        Ok(Self { live })
    }
}

fn last_word_mask(max_doc: u32) -> u64 {
    match max_doc & 63 {
        0 => u64::MAX,
        used => 1_u64.wrapping_shl(used).wrapping_sub(1),
    }
}

/// Which documents of a segment are live, and how the others were deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveDocs {
    max_doc: u32,
    hard: Option<HardDeletes>,
    soft: Option<DocumentsWithValue>,
    live: u32,
    soft_deleted: u32,
}

impl LiveDocs {
    /// Combines both kinds of deletes.
    pub(crate) fn new(
        max_doc: u32,
        hard: Option<HardDeletes>,
        soft: Option<DocumentsWithValue>,
    ) -> Self {
        let mut joined = Self { max_doc, hard, soft, live: 0, soft_deleted: 0 };
        if joined.hard.is_none() && joined.soft.is_none() {
            joined.live = max_doc;
            return joined;
        }
        for doc in 0..max_doc {
            match joined.liveness(doc) {
                Liveness::Live => joined.live = joined.live.saturating_add(1),
                Liveness::SoftDeleted => {
                    joined.soft_deleted = joined.soft_deleted.saturating_add(1);
                }
                Liveness::HardDeleted => {}
            }
        }
        joined
    }

    /// Returns whether a document is live. Hard deletes take precedence; documents beyond the
    /// segment count as hard-deleted.
    pub fn liveness(&self, doc: u32) -> Liveness {
        let beyond = doc >= self.max_doc;
        if beyond || self.hard.as_ref().is_some_and(|hard| !hard.live.contains(doc)) {
            Liveness::HardDeleted
        } else if self.soft.as_ref().is_some_and(|soft| soft.contains(doc)) {
            Liveness::SoftDeleted
        } else {
            Liveness::Live
        }
    }

    /// Returns how many documents are live, including nested ones.
    pub fn live(&self) -> u32 {
        self.live
    }

    /// Returns how many documents are deleted.
    pub fn deleted(&self) -> u32 {
        self.max_doc.saturating_sub(self.live)
    }

    /// Returns how many documents are soft-deleted and not hard-deleted.
    pub fn soft_deleted(&self) -> u32 {
        self.soft_deleted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{BitSet, HardDeletes, LiveDocs, Liveness};
    use crate::codec_header::writing;

    const NEWER: &str = "Lucene90LiveDocs";
    const OLDER: &str = "Lucene50LiveDocs";

    fn file(name: &str, live: &[bool]) -> (Vec<u8>, u32) {
        let mut words = vec![0_u64; live.len().div_ceil(64)];
        for (doc, _) in live.iter().enumerate().filter(|(_, live)| **live) {
            words[doc / 64] |= 1 << (doc % 64);
        }
        let bytes = if name == NEWER { u64::to_le_bytes } else { u64::to_be_bytes };
        let content: Vec<u8> = words.into_iter().flat_map(bytes).collect();
        let deleted = live.iter().filter(|live| !**live).count();
        (writing::file(name, 0, "a", &content), u32::try_from(deleted).expect("in range"))
    }

    proptest! {
        #[test]
        fn deletes_of_both_kinds_add_up(
            docs in prop::collection::vec(any::<(bool, bool)>(), 1..300),
            newer in any::<bool>(),
        ) {
            let max_doc = u32::try_from(docs.len()).expect("in range");
            let live: Vec<bool> = docs.iter().map(|(live, _)| *live).collect();
            let (bytes, deleted) = file(if newer { NEWER } else { OLDER }, &live);
            let hard =
                HardDeletes::parse("_0_a.liv", &bytes, &writing::ID, "a", max_doc, deleted).expect("valid content");
            let mut soft = BitSet::empty(max_doc);
            for (doc, _) in docs.iter().enumerate().filter(|(_, (_, soft))| *soft) {
                assert!(soft.insert(u32::try_from(doc).expect("in range")));
            }
            let joined = LiveDocs::new(max_doc, Some(hard), Some(soft.into()));
            for (doc, (hard_live, soft_deleted)) in docs.iter().enumerate() {
                let expected = match (hard_live, soft_deleted) {
                    (false, _) => Liveness::HardDeleted,
                    (true, true) => Liveness::SoftDeleted,
                    (true, false) => Liveness::Live,
                };
                assert_eq!(joined.liveness(u32::try_from(doc).expect("in range")), expected);
            }
            assert_eq!(joined.live() + joined.soft_deleted() + deleted, max_doc);
            assert_eq!(joined.live() + joined.deleted(), max_doc);
        }

        #[test]
        fn random_content_never_panics(junk in any::<Vec<u8>>(), max_doc in 0..500_u32) {
            let file = writing::file(OLDER, 0, "a", &junk);
            drop(HardDeletes::parse("_0_a.liv", &file, &writing::ID, "a", max_doc, 0));
        }
    }

    #[test]
    fn a_count_that_differs_from_the_commit_is_refused() {
        let (bytes, _) = file(OLDER, &[true, false, true]);
        let error =
            HardDeletes::parse("_0_a.liv", &bytes, &writing::ID, "a", 3, 2).expect_err("an error");
        assert_eq!(
            error.to_string(),
            "`_0_a.liv` at byte 43: deleted documents: 1 found, 2 expected"
        );
    }

    #[test]
    fn documents_beyond_the_segment_are_not_live() {
        let joined = LiveDocs::new(3, None, None);
        assert_eq!(joined.liveness(2), Liveness::Live);
        assert_eq!(joined.liveness(3), Liveness::HardDeleted);
    }
}
