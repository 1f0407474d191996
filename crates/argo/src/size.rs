//! How many bytes is an object as JSON, as an API server stores it? Counted without writing it: a
//! large migration is measured often while it is spread over objects.

use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
        SerializeTupleStruct,
    },
};

use crate::yaml::YamlError;

/// Returns the length of a value as JSON without spaces. A value that cannot be JSON counts as one
/// that fits nowhere.
pub fn json_size(value: &impl Serialize) -> usize {
    value.serialize(Counter).unwrap_or(usize::MAX)
}

/// Answers with the length of whatever it is given.
struct Counter;

/// Counts the elements of a list, or the keys and values of a map.
struct Sum {
    bytes: usize,
    /// Begun elements, each of which has a comma or the closing bracket behind it.
    parts: usize,
}

impl Sum {
    const fn new() -> Self {
        Self { bytes: 0, parts: 0 }
    }

    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.bytes += value.serialize(Counter)?;
        Ok(())
    }

    fn end(self) -> usize {
        // An opening bracket, and one letter behind each part; `{}` has no part.
        1 + self.bytes + self.parts.max(1)
    }
}

/// A text in quotes, with a backslash before what JSON cannot show as it is. A tab counts as much
/// as the rarest of control letters, which are six bytes each.
fn text(value: &str) -> usize {
    let further = |byte: &u8| match *byte {
        b'"' | b'\\' | b'\n' => 1,
        byte if byte < b' ' => 5,
        _ => 0,
    };
    // In sums of one byte, so that many bytes are looked at at once.
    let part = |bytes: &[u8]| usize::from(bytes.iter().map(further).sum::<u8>());
    2 + value.len() + value.as_bytes().chunks(48).map(part).sum::<usize>()
}

impl Serializer for Counter {
    type Ok = usize;
    type Error = YamlError;
    type SerializeSeq = Sum;
    type SerializeTuple = Sum;
    type SerializeTupleStruct = Sum;
    type SerializeTupleVariant = Impossible<usize, YamlError>;
    type SerializeMap = Sum;
    type SerializeStruct = Sum;
    type SerializeStructVariant = Impossible<usize, YamlError>;

    fn serialize_str(self, value: &str) -> Result<usize, YamlError> {
        Ok(text(value))
    }

    fn serialize_char(self, value: char) -> Result<usize, YamlError> {
        Ok(text(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_bool(self, value: bool) -> Result<usize, YamlError> {
        Ok(if value { "true" } else { "false" }.len())
    }

    fn serialize_u64(self, value: u64) -> Result<usize, YamlError> {
        Ok(value.to_string().len())
    }

    fn serialize_i64(self, value: i64) -> Result<usize, YamlError> {
        Ok(value.to_string().len())
    }

    fn serialize_i8(self, value: i8) -> Result<usize, YamlError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<usize, YamlError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<usize, YamlError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<usize, YamlError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<usize, YamlError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<usize, YamlError> {
        self.serialize_u64(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<usize, YamlError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<usize, YamlError> {
        serde_json::to_string(&value).map(|text| text.len()).map_err(YamlError::custom)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<usize, YamlError> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<usize, YamlError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<usize, YamlError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<usize, YamlError> {
        Ok("null".len())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<usize, YamlError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<usize, YamlError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<usize, YamlError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<usize, YamlError> {
        let mut sum = self.serialize_struct(name, 1)?;
        SerializeStruct::serialize_field(&mut sum, variant, value)?;
        Ok(sum.end())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sum, YamlError> {
        Ok(Sum::new())
    }

    fn serialize_tuple(self, _: usize) -> Result<Sum, YamlError> {
        Ok(Sum::new())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Sum, YamlError> {
        Ok(Sum::new())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<usize, YamlError>, YamlError> {
        Err(YamlError::of_variant(name, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Sum, YamlError> {
        Ok(Sum::new())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Sum, YamlError> {
        Ok(Sum::new())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<usize, YamlError>, YamlError> {
        Err(YamlError::of_variant(name, variant))
    }
}

impl SerializeMap for Sum {
    type Ok = usize;
    type Error = YamlError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), YamlError> {
        // The colon, and what stands behind the value.
        self.bytes += 1;
        self.parts += 1;
        self.add(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.add(value)
    }

    fn end(self) -> Result<usize, YamlError> {
        Ok(Self::end(self))
    }
}

impl SerializeStruct for Sum {
    type Ok = usize;
    type Error = YamlError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), YamlError> {
        SerializeMap::serialize_key(self, key)?;
        self.add(value)
    }

    fn end(self) -> Result<usize, YamlError> {
        Ok(Self::end(self))
    }
}

impl SerializeSeq for Sum {
    type Ok = usize;
    type Error = YamlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.parts += 1;
        self.add(value)
    }

    fn end(self) -> Result<usize, YamlError> {
        Ok(Self::end(self))
    }
}

impl SerializeTuple for Sum {
    type Ok = usize;
    type Error = YamlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<usize, YamlError> {
        Ok(Self::end(self))
    }
}

impl SerializeTupleStruct for Sum {
    type Ok = usize;
    type Error = YamlError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<usize, YamlError> {
        Ok(Self::end(self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_counted_is_what_is_written() {
        let shown = (0x20..0x300).filter_map(char::from_u32);
        let letters: String = shown.chain("\n\0\u{1f}".repeat(100).chars()).collect();
        let values = [
            json!(null),
            json!(""),
            json!({}),
            json!([]),
            json!([[], [[]], {}]),
            json!({ "a": 1, "b": [true, false, -17, 1.5, 0], &letters: { "c": letters } }),
            json!([18_446_744_073_709_551_615_u64, i64::MIN, "日本🦀"]),
        ];
        for value in values {
            let written = serde_json::to_string(&value).expect("JSON");
            assert_eq!(json_size(&value), written.len(), "{written}");
        }
    }

    #[test]
    fn no_letter_counts_for_less_than_it_takes() {
        for letter in (0..0x20).filter_map(char::from_u32) {
            let written = serde_json::to_string(&letter).expect("JSON").len();
            let counted = json_size(&letter);
            assert!((written..=8).contains(&counted), "{letter:?}: {counted}");
        }
    }

    #[test]
    fn what_is_no_json_fits_nowhere() {
        #[derive(serde::Serialize)]
        enum Odd {
            Pair(u8, u8),
        }
        assert_eq!(json_size(&[Odd::Pair(1, 2)]), usize::MAX);
    }
}
