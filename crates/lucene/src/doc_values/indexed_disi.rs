//! A set of documents on disk, in blocks of 65,536.
//!
//! ```text
//! block   u16 number | u16 count - 1 | by count:
//!           1 ..= 4095   that many u16, ascending: the documents
//!           .. 65535     [80, 90] rank table, 2 bytes x 2^(16 - power), not needed here
//!                        1024 x u64, bit i of word w = document 64 w + i
//!           65536        nothing: every document of the block
//! end     the block 0x7fff, which holds one document that does not exist
//! [80, 90] jump table, not needed here
//! ```

use super::document_set::{DocumentSetRange, DocumentsWithValue, Format};
use crate::{
    bit_set::BitSet,
    bytes::Cursor,
    error::{LuceneError, Problem},
};

const LAST_BLOCK: u16 = 0x7fff;
const BLOCK_WORDS: u32 = 1024;
const MAX_LIST_LENGTH: u32 = 4095;
const FULL_BLOCK: u32 = 65536;

/// Decodes the set in a range of a `.dvd` file. It must have as many documents as the entry of the
/// field says.
pub(crate) fn decode_set(
    range: &DocumentSetRange,
    file: &str,
    bytes: &[u8],
    max_doc: u32,
) -> Result<DocumentsWithValue, LuceneError> {
    let mut cursor = Cursor::at(file, bytes, range.offset);
    cursor.set_order(range.format.order());
    let mut set = BitSet::empty(max_doc);
    let mut next_block = 0;
    loop {
        let number = cursor.u16()?;
        if number == LAST_BLOCK {
            break;
        }
        if number < next_block {
            return Err(cursor.out_of_range("the number of a block", number.into()));
        }
        next_block = number.saturating_add(1);
        let first = u32::from(number).saturating_mul(FULL_BLOCK);
        let count = u32::from(cursor.u16()?).saturating_add(1);
        let mut add = |cursor: &Cursor<'_>, offset: u32| {
            let doc = first.saturating_add(offset);
            if doc < max_doc && set.insert(doc) {
                Ok(())
            } else {
                Err(cursor.out_of_range("a document with a value", doc.into()))
            }
        };
        if count == FULL_BLOCK {
            for offset in 0..FULL_BLOCK {
                add(&cursor, offset)?;
            }
        } else if count <= MAX_LIST_LENGTH {
            for _ in 0..count {
                let offset = cursor.u16()?;
                add(&cursor, offset.into())?;
            }
        } else {
            skip_ranks(&mut cursor, range)?;
            for word in 0..BLOCK_WORDS {
                let mut bits = cursor.u64()?;
                while bits != 0 {
                    let bit = bits.trailing_zeros();
                    add(&cursor, word.saturating_mul(64).saturating_add(bit))?;
                    bits &= bits.wrapping_sub(1);
                }
            }
        }
    }
    if set.count() != range.values {
        return Err(cursor.error(Problem::CountMismatch {
            what: "documents with a value",
            found: set.count(),
            expected: range.values,
        }));
    }
    Ok(DocumentsWithValue::Set(set))
}

fn skip_ranks(cursor: &mut Cursor<'_>, range: &DocumentSetRange) -> Result<(), LuceneError> {
    let Some(power) = range.rank_power.filter(|_| range.format != Format::Lucene70) else {
        return Ok(());
    };
    let entries = 1_usize.checked_shl(16_u32.saturating_sub(power.into())).unwrap_or(0);
    cursor.skip(entries.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{any, prop, prop_oneof, proptest},
        strategy::Just,
    };

    use super::{DocumentSetRange, Format, decode_set};

    const MAX_DOC: u32 = 3 * 65536 + 77;

    fn write(docs: &[u32], format: Format, rank_power: Option<u8>) -> Vec<u8> {
        let u16_bytes = |value: u32| {
            let value = u16::try_from(value).expect("in range");
            if format == Format::Lucene90 { value.to_le_bytes() } else { value.to_be_bytes() }
        };
        let mut bytes = Vec::new();
        for block in 0..=MAX_DOC / 65536 {
            let inside: Vec<u32> =
                docs.iter().filter(|doc| **doc / 65536 == block).map(|doc| doc % 65536).collect();
            if inside.is_empty() {
                continue;
            }
            bytes.extend(u16_bytes(block));
            bytes.extend(u16_bytes(u32::try_from(inside.len() - 1).expect("in range")));
            if inside.len() == 65536 {
                continue;
            }
            if inside.len() <= 4095 {
                bytes.extend(inside.iter().flat_map(|doc| u16_bytes(*doc)));
                continue;
            }
            if let Some(power) = rank_power {
                bytes.extend(vec![0xee; 2 << (16 - power)]);
            }
            let mut words = vec![0_u64; 1024];
            for doc in inside {
                words[usize::try_from(doc / 64).expect("in range")] |= 1 << (doc % 64);
            }
            bytes.extend(words.into_iter().flat_map(|word| {
                if format == Format::Lucene90 { word.to_le_bytes() } else { word.to_be_bytes() }
            }));
        }
        bytes.extend(u16_bytes(0x7fff));
        bytes.extend([0, 0, 0xff, 0xff]);
        bytes
    }

    fn range(docs: usize, format: Format, rank_power: Option<u8>) -> DocumentSetRange {
        let values = u64::try_from(docs).expect("in range");
        DocumentSetRange { offset: 0, length: 0, values, rank_power, format }
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(24))]
        #[test]
        fn sets_of_every_density_come_back(
            (format, rank_power) in prop_oneof![
                Just((Format::Lucene70, None)),
                Just((Format::Lucene80 { version: 2 }, Some(9))),
                Just((Format::Lucene90, Some(9))),
            ],
            steps in prop::collection::vec(prop_oneof![Just(1_u32), Just(7), Just(300)], 4),
        ) {
            let docs: Vec<u32> = (0..MAX_DOC)
                .filter(|doc| doc % steps[usize::try_from(doc / 65536).expect("in range")] == 0)
                .collect();
            let bytes = write(&docs, format, rank_power);
            let set = decode_set(&range(docs.len(), format, rank_power), "_0.dvd", &bytes, MAX_DOC);
            let set = set.expect("valid content");
            for doc in 0..MAX_DOC {
                assert_eq!(set.contains(doc), docs.binary_search(&doc).is_ok(), "document {doc}");
            }
        }

        #[test]
        fn random_bytes_never_panic(junk in any::<Vec<u8>>()) {
            drop(decode_set(&range(1, Format::Lucene70, None), "_0.dvd", &junk, 500));
        }
    }

    #[test]
    fn a_count_other_than_promised_is_refused() {
        let bytes = write(&[1, 5], Format::Lucene70, None);
        let error = decode_set(&range(3, Format::Lucene70, None), "_0.dvd", &bytes, 9)
            .expect_err("an error");
        assert!(error.to_string().ends_with("documents with a value: 2 found, 3 expected"));
    }

    #[test]
    fn a_document_beyond_the_segment_is_refused() {
        let bytes = write(&[1, 9], Format::Lucene70, None);
        assert!(decode_set(&range(2, Format::Lucene70, None), "_0.dvd", &bytes, 9).is_err());
    }
}
