//! Which documents of a segment are in a set?

/// A set of documents of one segment, one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BitSet {
    /// Bit `i` of word `w` is document `64 w + i`, as in `.liv`.
    words: Vec<u64>,
}

impl BitSet {
    /// Returns the empty set of a segment with `max_doc` documents.
    pub(crate) fn empty(max_doc: u32) -> Self {
        Self { words: vec![0; words_for(max_doc)] }
    }

    /// Returns the set of these words; [`words_for`] says how many there must be.
    pub(crate) fn of_words(words: Vec<u64>) -> Self {
        Self { words }
    }

    /// Returns whether the document is in the set.
    pub(crate) fn contains(&self, doc: u32) -> bool {
        self.word(doc).is_some_and(|word| word & bit(doc) != 0)
    }

    /// Adds a document. Returns whether it is within the set's range.
    pub(crate) fn insert(&mut self, doc: u32) -> bool {
        let place = usize::try_from(doc >> 6).ok().and_then(|index| self.words.get_mut(index));
        place.map(|word| *word |= bit(doc)).is_some()
    }

    /// Returns the number of documents in the set.
    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn word(&self, doc: u32) -> Option<u64> {
        usize::try_from(doc >> 6).ok().and_then(|index| self.words.get(index).copied())
    }
}

/// Returns how many words a set of `max_doc` documents has.
pub(crate) fn words_for(max_doc: u32) -> usize {
    usize::try_from(max_doc.div_ceil(64)).unwrap_or(usize::MAX)
}

fn bit(doc: u32) -> u64 {
    1_u64.wrapping_shl(doc & 63)
}
