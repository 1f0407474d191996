//! What does a `.dvm` file say about one numeric field? The fields before it are skipped.
//!
//! ```text
//! header Lucene70/80DocValuesMetadata (big-endian), Lucene90DocValuesMetadata (little-endian)
//! entries { int32 field number (-1 ends) | u8 kind
//!           [field has a skip index] int64 x 4, int32 x 2 | by kind } | footer
//!
//! documents = int64 offset (-2 no document, -1 all) | int64 length | [80, 90] u16 jumps, i8 rank power
//! addresses = int64 offset | vint shift | monotonic(count, shift) | int64 length
//! monotonic(n, shift) = ceil(n / 2^shift) x { int64, int32, int64, u8 }
//! 0 numeric        documents | int64 values | int32 table size, [>= 0] that many int64
//!                  u8 bits | int64 x 4 | [80, 90] int64 jump offset
//! 1 binary         [80 v2] u8 compressed | int64 x 2 | documents | int32 count, shortest, longest
//!                  [compressed and not empty, or lengths differ] int64
//!                  [compressed] vint chunks, vint, vint | vint shift
//!                  monotonic(chunks, or count + 1) | int64
//! 2 sorted         [70, 80] documents | int32 | u8 | int64 x 2 | terms;   [90] numeric | terms
//! 3 sorted set     u8: 0 = sorted; 1 = [70, 80] documents | u8 | int64 x 2 | int32 count
//!                  addresses(count + 1) | terms;   [90] sorted numeric | terms
//! 4 sorted numeric numeric | int32 count | [count != values] addresses(count + 1)
//! terms            vlong size | [70, 80] int32 block shift (0x60001 = 6, compressed) | int32 shift
//!                  monotonic(blocks, shift) | int32 longest term | [90 or compressed] int32
//!                  int64 x 4 | int32 index shift | monotonic(index blocks, shift) | int64 x 4
//! ```

use super::document_set::{DocumentSetRange, DocumentsWithValue, Format};
use crate::{
    bytes::Cursor,
    codec_header::{Header, ObjectId, content},
    error::{LuceneError, Problem},
    field_infos::FieldInfos,
};

/// The block shift that means "blocks of 64 terms, compressed".
const COMPRESSED_TERMS: u32 = 0x6_0001;
const COMPRESSED_TERMS_SHIFT: u32 = 6;
const MONOTONIC_BLOCK: usize = 21;
const SKIP_INDEX: usize = 40;
const MAX_TABLE_SIZE: i32 = 256;

/// Which documents have a value, as far as the `.dvm` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldEntry {
    /// Known without the `.dvd` file.
    Known(DocumentsWithValue),
    /// To be read from the `.dvd` file.
    Range(DocumentSetRange),
}

impl FieldEntry {
    /// Reads a whole `.dvm` file up to the entry of the field.
    pub(crate) fn parse(
        file: &str,
        bytes: &[u8],
        id: &ObjectId,
        fields: &FieldInfos,
        wanted: u32,
    ) -> Result<Self, LuceneError> {
        let mut cursor = Cursor::new(file, content(file, bytes)?);
        let header = Header::read(&mut cursor)?;
        let format = match header.name {
            "Lucene70DocValuesMetadata" => {
                header.require_version(file, 0, 0)?;
                Format::Lucene70
            }
            "Lucene80DocValuesMetadata" => {
                header.require_version(file, 0, 2)?;
                Format::Lucene80 { version: header.version }
            }
            "Lucene90DocValuesMetadata" => {
                header.require_version(file, 0, 0)?;
                Format::Lucene90
            }
            _ => return Err(header.unsupported(file)),
        };
        header.require_id(file, id)?;
        cursor.set_order(format.order());
        let mut reader = Reader { cursor, format };
        loop {
            let number = reader.cursor.i32()?;
            if number == -1 {
                return Ok(Self::Known(DocumentsWithValue::None));
            }
            let field = u32::try_from(number)
                .ok()
                .and_then(|number| fields.by_number(number))
                .ok_or_else(|| reader.cursor.out_of_range("a field number", number.into()))?;
            let kind = reader.cursor.u8()?;
            if field.has_skip_index() {
                reader.cursor.skip(SKIP_INDEX)?;
            }
            if field.number != wanted {
                reader.skip(kind)?;
            } else if kind == 0 {
                return reader.numeric().map(|numeric| numeric.documents);
            } else {
                return Err(reader.cursor.out_of_range("the kind of doc values", kind.into()));
            }
        }
    }
}

struct Numeric {
    documents: FieldEntry,
    values: u64,
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    format: Format,
}

impl Reader<'_> {
    fn skip(&mut self, kind: u8) -> Result<(), LuceneError> {
        match kind {
            0 => self.numeric().map(drop),
            1 => self.binary(),
            2 => self.sorted(),
            3 => self.sorted_set(),
            4 => self.sorted_numeric(),
            other => Err(self.cursor.out_of_range("the kind of doc values", other.into())),
        }
    }

    fn longs(&mut self, count: usize) -> Result<(), LuceneError> {
        self.cursor.skip(count.saturating_mul(8))
    }

    /// Reads the offset and length of a set of documents, and the rank power.
    fn documents(&mut self) -> Result<(i64, i64, Option<u8>), LuceneError> {
        let offset = self.cursor.i64()?;
        let length = self.cursor.i64()?;
        if self.format == Format::Lucene70 {
            return Ok((offset, length, None));
        }
        self.cursor.skip(2)?;
        let power = self.cursor.u8()?.cast_signed();
        let rank_power = match u8::try_from(power) {
            Ok(power @ 7..=15) => Some(power),
            Err(_) if power == -1 => None,
            _ if offset < 0 => None,
            _ => return Err(self.cursor.out_of_range("the rank power", power.into())),
        };
        Ok((offset, length, rank_power))
    }

    fn numeric(&mut self) -> Result<Numeric, LuceneError> {
        let (offset, length, rank_power) = self.documents()?;
        let values = self.cursor.long_count("the number of values")?;
        let documents = match (offset, u64::try_from(offset), u64::try_from(length)) {
            (-2, ..) => FieldEntry::Known(DocumentsWithValue::None),
            (-1, ..) => FieldEntry::Known(DocumentsWithValue::All),
            (_, Ok(offset), Ok(length)) => FieldEntry::Range(DocumentSetRange {
                offset,
                length,
                values,
                rank_power,
                format: self.format,
            }),
            _ => return Err(self.cursor.out_of_range("the place of documents", offset)),
        };
        let table = self.cursor.i32()?;
        if table > MAX_TABLE_SIZE {
            return Err(self.cursor.out_of_range("the size of a table of values", table.into()));
        }
        self.longs(usize::try_from(table).unwrap_or(0))?;
        self.cursor.skip(1)?;
        self.longs(if self.format == Format::Lucene70 { 4 } else { 5 })?;
        Ok(Numeric { documents, values })
    }

    fn binary(&mut self) -> Result<(), LuceneError> {
        let compressed = match self.format {
            Format::Lucene70 | Format::Lucene90 => false,
            Format::Lucene80 { version: 2 } => self.cursor.u8()? == 1,
            Format::Lucene80 { version } => version == 1,
        };
        self.longs(2)?;
        self.documents()?;
        let count = self.cursor.count("the number of documents with a value")?;
        let shortest = self.cursor.count("the length of a value")?;
        let longest = self.cursor.count("the length of a value")?;
        if (compressed && count > 0) || shortest < longest {
            self.longs(1)?;
            let mut addresses = u64::from(count).saturating_add(1);
            if compressed {
                addresses = self.cursor.vint()?.into();
                self.cursor.vint()?;
                self.cursor.vint()?;
            }
            self.monotonic_with_shift(addresses)?;
            self.longs(1)?;
        }
        Ok(())
    }

    fn sorted(&mut self) -> Result<(), LuceneError> {
        if self.format == Format::Lucene90 {
            self.numeric()?;
        } else {
            self.documents()?;
            self.cursor.skip(5)?;
            self.longs(2)?;
        }
        self.terms()
    }

    fn sorted_set(&mut self) -> Result<(), LuceneError> {
        match self.cursor.u8()? {
            0 => return self.sorted(),
            1 => {}
            other => {
                return Err(self.cursor.out_of_range("the marker of several values", other.into()));
            }
        }
        if self.format == Format::Lucene90 {
            self.sorted_numeric()?;
        } else {
            self.documents()?;
            self.cursor.skip(1)?;
            self.longs(2)?;
            let count = self.cursor.count("the number of documents with a value")?;
            self.addresses(count)?;
        }
        self.terms()
    }

    fn sorted_numeric(&mut self) -> Result<(), LuceneError> {
        let Numeric { documents: _, values } = self.numeric()?;
        let count = self.cursor.count("the number of documents with a value")?;
        if u64::from(count) == values { Ok(()) } else { self.addresses(count) }
    }

    fn addresses(&mut self, count: u32) -> Result<(), LuceneError> {
        self.longs(1)?;
        self.monotonic_with_shift(u64::from(count).saturating_add(1))?;
        self.longs(1)
    }

    fn terms(&mut self) -> Result<(), LuceneError> {
        let size = self.cursor.vlong()?;
        let mut compressed = true;
        let mut block_shift = COMPRESSED_TERMS_SHIFT;
        if self.format != Format::Lucene90 {
            let code = self.cursor.u32()?;
            compressed = code == COMPRESSED_TERMS;
            if !compressed {
                block_shift = code;
            }
        }
        let shift = self.cursor.u32()?;
        self.monotonic(blocks(size, block_shift), shift)?;
        self.cursor.skip(if compressed { 8 } else { 4 })?;
        self.longs(4)?;
        let index_shift = self.cursor.u32()?;
        self.monotonic(blocks(size, index_shift), shift)?;
        self.longs(4)
    }

    fn monotonic_with_shift(&mut self, count: u64) -> Result<(), LuceneError> {
        let shift = self.cursor.vint()?;
        self.monotonic(count, shift)
    }

    fn monotonic(&mut self, count: u64, shift: u32) -> Result<(), LuceneError> {
        let bytes = usize::try_from(blocks(count, shift))
            .ok()
            .and_then(|blocks| blocks.checked_mul(MONOTONIC_BLOCK));
        match bytes {
            Some(bytes) => self.cursor.skip(bytes),
            None => Err(self.cursor.error(Problem::UnexpectedEnd { wanted: u64::MAX })),
        }
    }
}

fn blocks(count: u64, shift: u32) -> u64 {
    count.div_ceil(1_u64.checked_shl(shift).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{DocumentsWithValue, FieldEntry, blocks};
    use crate::{codec_header::writing, field_infos::FieldInfos};

    fn fields() -> FieldInfos {
        let mut bytes = vec![3];
        for number in 0..3_u8 {
            bytes.extend([1, b'a', number, 0, 0, 1]);
            bytes.extend([0xff; 8]);
            bytes.extend([0, 0]);
        }
        let file = writing::file("Lucene60FieldInfos", 2, "", &bytes);
        FieldInfos::parse("_0.fnm", &file, &writing::ID, "").expect("valid content")
    }

    fn numeric(number: u32, offset: i64) -> Vec<u8> {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.push(0);
        bytes.extend(offset.to_be_bytes());
        bytes.extend(24_i64.to_be_bytes());
        bytes.extend([0, 1, 9]);
        bytes.extend(5_i64.to_be_bytes());
        bytes.extend((-1_i32).to_be_bytes());
        bytes.push(0);
        bytes.extend([0; 40]);
        bytes
    }

    fn parse(entries: &[u8]) -> Result<FieldEntry, crate::LuceneError> {
        let mut content = entries.to_vec();
        content.extend([0xff; 4]);
        let file = writing::file("Lucene80DocValuesMetadata", 2, "Lucene80_0", &content);
        FieldEntry::parse("_0.dvm", &file, &writing::ID, &fields(), 2)
    }

    #[test]
    fn the_entry_is_found_behind_others() {
        let entries = [numeric(0, -1), numeric(1, 90), numeric(2, 77)].concat();
        let FieldEntry::Range(range) = parse(&entries).expect("valid content") else {
            panic!("no range")
        };
        assert_eq!((range.offset, range.length, range.values), (77, 24, 5));
    }

    #[test]
    fn no_documents_and_all_documents_need_no_data_file() {
        let none = FieldEntry::Known(DocumentsWithValue::None);
        assert_eq!(parse(&numeric(2, -2)).expect("valid content"), none);
        assert_eq!(parse(&numeric(0, -1)).expect("valid content"), none, "no entry means no value");
        let all = FieldEntry::Known(DocumentsWithValue::All);
        assert_eq!(parse(&numeric(2, -1)).expect("valid content"), all);
    }

    #[test]
    fn blocks_are_counted_up_without_overflow() {
        assert_eq!(blocks(0, 4), 0);
        assert_eq!(blocks(16, 4), 1);
        assert_eq!(blocks(17, 4), 2);
        assert_eq!(blocks(u64::MAX, 64), 1);
    }

    proptest! {
        #[test]
        fn random_entries_never_panic(junk in any::<Vec<u8>>(), kind in 0..5_u8) {
            let mut entries = vec![0, 0, 0, 0, kind];
            entries.extend(junk);
            drop(parse(&entries));
        }
    }
}
