//! Reads Lucene's primitive values from a slice, and knows the offset for error messages.
//!
//! ```text
//! vint        1..5  bytes, 7 bits each, low bits first, top bit set = more follow
//! vlong       1..10 bytes, the same
//! int         2, 4 or 8 bytes, big-endian up to Lucene 8, little-endian from Lucene 9
//! generation  int of 8 bytes, -1 = none
//! string      vint length, UTF-8
//! map         vint count, count x (string, string);   set: vint count, count x string
//! ```

use std::collections::BTreeMap;

use crate::error::{LuceneError, Problem};

/// How a file orders the bytes of its fixed numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    /// Lucene 8 and older.
    Big,
    /// Lucene 9 and newer.
    Little,
}

/// A position in (a part of) a file.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    file: &'a str,
    bytes: &'a [u8],
    position: usize,
    base: u64,
    order: ByteOrder,
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning of a file. Fixed numbers are big-endian unless
    /// [`Self::set_order`] changes that.
    pub(crate) fn new(file: &'a str, bytes: &'a [u8]) -> Self {
        Self::at(file, bytes, 0)
    }

    /// Starts `base` bytes into a file of which `bytes` is a part.
    pub(crate) fn at(file: &'a str, bytes: &'a [u8], base: u64) -> Self {
        Self { file, bytes, position: 0, base, order: ByteOrder::Big }
    }

    /// Changes the order of the fixed numbers that follow.
    pub(crate) fn set_order(&mut self, order: ByteOrder) {
        self.order = order;
    }

    /// Returns the current offset in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(u64::try_from(self.position).unwrap_or(u64::MAX))
    }

    /// Returns the number of bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Returns the number of bytes that are left.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// Returns the bytes that are left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// Returns an error about the current offset.
    pub(crate) fn error(&self, problem: Problem) -> LuceneError {
        LuceneError::Malformed { file: self.file.to_owned(), offset: self.offset(), problem }
    }

    /// Returns an error about an impossible number at the current offset.
    pub(crate) fn out_of_range(&self, what: &'static str, value: i64) -> LuceneError {
        self.error(Problem::OutOfRange { what, value })
    }

    /// Reads the next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], LuceneError> {
        let taken = self
            .position
            .checked_add(count)
            .and_then(|end| Some((end, self.bytes.get(self.position..end)?)));
        if let Some((end, taken)) = taken {
            self.position = end;
            return Ok(taken);
        }
        let missing = count.saturating_sub(self.remaining());
        let wanted = u64::try_from(missing).unwrap_or(u64::MAX);
        Err(self.error(Problem::UnexpectedEnd { wanted }))
    }

    /// Skips `count` bytes.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), LuceneError> {
        self.take(count).map(drop)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LuceneError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Reads one byte.
    pub(crate) fn u8(&mut self) -> Result<u8, LuceneError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Reads a 16-bit number in the file's order.
    pub(crate) fn u16(&mut self) -> Result<u16, LuceneError> {
        let array = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => u16::from_be_bytes(array),
            ByteOrder::Little => u16::from_le_bytes(array),
        })
    }

    /// Reads a 32-bit number in the file's order.
    pub(crate) fn u32(&mut self) -> Result<u32, LuceneError> {
        let array = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => u32::from_be_bytes(array),
            ByteOrder::Little => u32::from_le_bytes(array),
        })
    }

    /// Reads a 64-bit number in the file's order.
    pub(crate) fn u64(&mut self) -> Result<u64, LuceneError> {
        let array = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => u64::from_be_bytes(array),
            ByteOrder::Little => u64::from_le_bytes(array),
        })
    }

    /// Reads a signed 32-bit number in the file's order.
    pub(crate) fn i32(&mut self) -> Result<i32, LuceneError> {
        self.u32().map(u32::cast_signed)
    }

    /// Reads a signed 64-bit number in the file's order.
    pub(crate) fn i64(&mut self) -> Result<i64, LuceneError> {
        self.u64().map(u64::cast_signed)
    }

    /// Reads a 32-bit number that must not be negative.
    pub(crate) fn count(&mut self, what: &'static str) -> Result<u32, LuceneError> {
        let value = self.i32()?;
        u32::try_from(value).map_err(|_| self.out_of_range(what, value.into()))
    }

    /// Reads a 64-bit number that must not be negative.
    pub(crate) fn long_count(&mut self, what: &'static str) -> Result<u64, LuceneError> {
        let value = self.i64()?;
        u64::try_from(value).map_err(|_| self.out_of_range(what, value))
    }

    /// Reads the generation of a file, or none.
    pub(crate) fn generation(&mut self) -> Result<Option<u64>, LuceneError> {
        let value = self.i64()?;
        match u64::try_from(value) {
            Ok(generation) => Ok(Some(generation)),
            Err(_) if value == -1 => Ok(None),
            Err(_) => Err(self.out_of_range("a generation", value)),
        }
    }

    /// Reads a variable-length number of up to 32 bits.
    pub(crate) fn vint(&mut self) -> Result<u32, LuceneError> {
        let value = self.variable(5, 32)?;
        u32::try_from(value).map_err(|_| self.error(Problem::NumberTooLong { bits: 32 }))
    }

    /// Reads a variable-length number of up to 64 bits.
    pub(crate) fn vlong(&mut self) -> Result<u64, LuceneError> {
        self.variable(10, 64)
    }

    /// Reads a vint that must fit into a signed 32-bit number, such as a count or a length.
    pub(crate) fn vlength(&mut self, what: &'static str) -> Result<usize, LuceneError> {
        let value = self.vint()?;
        i32::try_from(value)
            .ok()
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| self.out_of_range(what, value.into()))
    }

    fn variable(&mut self, max_bytes: u32, bits: u32) -> Result<u64, LuceneError> {
        let mut value = 0_u64;
        for group in 0..max_bytes {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            let shift = group.saturating_mul(7);
            let shifted = part.wrapping_shl(shift);
            if shifted.wrapping_shr(shift) != part {
                break;
            }
            value |= shifted;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(Problem::NumberTooLong { bits }))
    }

    /// Reads a string.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<&'a str, LuceneError> {
        let length = self.vlength(what)?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.error(Problem::NotUtf8 { what }))
    }

    /// Reads a map of strings.
    pub(crate) fn map(
        &mut self,
        what: &'static str,
    ) -> Result<BTreeMap<String, String>, LuceneError> {
        let count = self.vlength(what)?;
        let mut map = BTreeMap::new();
        for _ in 0..count {
            let key = self.string(what)?.to_owned();
            map.insert(key, self.string(what)?.to_owned());
        }
        Ok(map)
    }

    /// Reads a set of strings.
    pub(crate) fn set(&mut self, what: &'static str) -> Result<Vec<String>, LuceneError> {
        let count = self.vlength(what)?;
        let mut set = Vec::new();
        for _ in 0..count {
            set.push(self.string(what)?.to_owned());
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Cursor;

    fn vlong(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(u8::try_from(value & 0x7f).expect("in range") | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).expect("in range"));
        bytes
    }

    proptest! {
        #[test]
        fn variable_length_numbers_come_back(value in any::<u64>(), short in any::<u32>()) {
            assert_eq!(Cursor::new("f", &vlong(value)).vlong().expect("a number"), value);
            assert_eq!(Cursor::new("f", &vlong(short.into())).vint().expect("a number"), short);
        }
    }

    #[test]
    fn a_number_without_end_is_refused() {
        let error = Cursor::at("_0.fnm", &[0x80; 20], 7).vint().expect_err("an error");
        assert_eq!(
            error.to_string(),
            "`_0.fnm` at byte 12: a variable-length number does not fit into 32 bits"
        );
        for bytes in [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0xff; 20]] {
            assert!(Cursor::new("_0.fnm", bytes).vint().is_err());
        }
        let error = Cursor::new("_0.fnm", &[0xff; 20]).vlong().expect_err("an error");
        assert!(error.to_string().ends_with("does not fit into 64 bits"));
    }

    #[test]
    fn a_generation_is_none_or_counted_up() {
        let read = |value: i64| Cursor::new("segments_2", &value.to_be_bytes()).generation();
        assert_eq!(read(-1), Ok(None));
        assert_eq!(read(3), Ok(Some(3)));
        assert!(read(-2).is_err());
    }

    #[test]
    fn a_missing_byte_is_named_with_its_place() {
        let mut cursor = Cursor::at("_0.si", &[1, 2, 3], 40);
        let error = cursor.u64().expect_err("an error");
        assert_eq!(
            error.to_string(),
            "`_0.si` at byte 40: the file ends here, but 5 more bytes belong to it"
        );
    }
}
