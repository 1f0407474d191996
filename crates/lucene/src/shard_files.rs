//! Which files does a shard have, and which ranges of them are needed?
//!
//! ```text
//! segments_N              the commit; N and every generation are numbers in base 36
//! _4k.si  _4k.fdt  ...    written with the segment `_4k`, or all but the first in one `_4k.cfs`
//! _4k_2.liv  _4k_1.fnm    written later, by generation; never in the `.cfs`
//! ```

use std::collections::BTreeMap;

use crate::error::LuceneError;

/// The files of a shard: names and lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFiles {
    files: BTreeMap<String, u64>,
}

impl ShardFiles {
    /// Takes the list of names and lengths.
    pub fn new(files: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Returns the newest `segments_N`.
    pub fn segments_file(&self) -> Result<&str, LuceneError> {
        self.files
            .keys()
            .filter_map(|name| {
                let generation = u64::from_str_radix(name.strip_prefix("segments_")?, 36).ok()?;
                Some((generation, name))
            })
            .max()
            .map(|(_, name)| name.as_str())
            .ok_or_else(|| LuceneError::MissingFile { file: "segments_N".to_owned() })
    }

    /// Returns a whole file.
    pub fn whole(&self, name: &str) -> Result<FileSlice, LuceneError> {
        let missing = || LuceneError::MissingFile { file: name.to_owned() };
        let length = *self.files.get(name).ok_or_else(missing)?;
        Ok(FileSlice {
            name: name.to_owned(),
            file: name.to_owned(),
            offset: 0,
            length,
            file_length: length,
        })
    }

    /// Returns the files of one segment.
    pub(crate) fn of_segment(&self, segment: &str) -> Self {
        let belongs = |name: &str| {
            name.strip_prefix(segment).is_some_and(|rest| rest.starts_with(['.', '_']))
        };
        let files = self.files.iter().filter(|(name, _)| belongs(name));
        Self { files: files.map(|(name, length)| (name.clone(), *length)).collect() }
    }
}

/// A range of a file in the shard's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSlice {
    /// The Lucene file that the range is, or is a part of: `_0.fnm`, also inside `_0.cfs`.
    pub name: String,
    /// The file in the list.
    pub file: String,
    /// The offset of the range in that file.
    pub offset: u64,
    /// The length of the range.
    pub length: u64,
    file_length: u64,
}

impl FileSlice {
    /// Returns whether the range is the whole file, so that the checksum in the list applies.
    pub fn whole(&self) -> bool {
        self.offset == 0 && self.length == self.file_length
    }

    /// Returns the same range under the name of the Lucene file in it.
    pub(crate) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// Returns a part of the range, if it is within the range.
    pub fn part(&self, offset: u64, length: u64) -> Option<Self> {
        offset.checked_add(length).filter(|end| *end <= self.length)?;
        let offset = self.offset.checked_add(offset)?;
        Some(Self { offset, length, ..self.clone() })
    }
}

/// Writes a generation as in file names.
pub(crate) fn base36(mut generation: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(generation.rem_euclid(36)).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        generation = generation.div_euclid(36);
        if generation == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{ShardFiles, base36};

    proptest! {
        #[test]
        fn generations_come_back(generation in any::<u64>()) {
            assert_eq!(u64::from_str_radix(&base36(generation), 36).expect("digits"), generation);
        }
    }

    #[test]
    fn the_newest_commit_is_found_by_number_not_by_name() {
        let names = ["segments_9", "segments_z", "segments_10", "segments_x!", "_0.si"];
        let files = ShardFiles::new(names.map(|name| (name.to_owned(), 1)));
        assert_eq!(files.segments_file().expect("a commit"), "segments_10");
        let error = ShardFiles::new([]).segments_file().expect_err("an error");
        assert_eq!(error.to_string(), "`segments_N` is missing from the shard's file list");
    }

    #[test]
    fn a_segment_has_no_file_of_another_one() {
        let names = ["_1.si", "_1_2.liv", "_10.si", "_1a.fdt"];
        let files = ShardFiles::new(names.map(|name| (name.to_owned(), 1)));
        let own = files.of_segment("_1").files;
        assert_eq!(own.into_keys().collect::<Vec<_>>(), ["_1.si", "_1_2.liv"]);
    }
}
