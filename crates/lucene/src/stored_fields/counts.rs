//! A number for each document of a chunk.

/// A number for each document of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// The same for all documents.
    Same(u32),
    /// One for each document.
    Each(Vec<u32>),
}

impl Counts {
    /// Returns the number of the document at a place in the chunk.
    pub(super) fn get(&self, place: u32) -> Option<u32> {
        match self {
            Self::Same(value) => Some(*value),
            Self::Each(values) => {
                usize::try_from(place).ok().and_then(|place| values.get(place).copied())
            }
        }
    }

    /// Returns the sum over `count` documents.
    pub(super) fn sum(&self, count: u32) -> u64 {
        match self {
            Self::Same(value) => u64::from(*value).saturating_mul(count.into()),
            Self::Each(values) => {
                values.iter().fold(0_u64, |sum, value| sum.saturating_add((*value).into()))
            }
        }
    }
}
