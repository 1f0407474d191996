//! How is a value laid out as YAML? Straight from its type, in one pass.
//!
//! ```text
//!  key: plain-word             most texts of a manifest are names and words
//!  other: "any text"           whatever is not obviously a word is quoted
//!  when: '"{{x}}" != "yes"'    so that quotes inside stay as they are
//!  request: |-                 or it has several lines
//!    {
//!      "mode": "evaluate"
//!    }
//!  list:
//!  - key: value                lists are below their key, without further indentation
//! ```

use std::fmt::{Display, Write as _};

use serde::{
    Serialize, Serializer,
    ser::{
        Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
        SerializeTupleStruct,
    },
};

use super::{error::YamlError, scalar};

/// Appends one value to the text.
pub(super) struct Writer<'a> {
    text: &'a mut String,
    place: Place,
    /// Of the key or the dash before the value.
    indent: usize,
}

/// What precedes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing: the value is the document.
    Document,
    /// `key:`
    BehindKey,
    /// `- `
    BehindDash,
    /// Nothing on this line: the value is itself a key.
    Key,
}

/// Spaces for each level.
const STEP: usize = 2;

impl<'a> Writer<'a> {
    /// Writes a document.
    pub(super) fn new(text: &'a mut String) -> Self {
        Self { text, place: Place::Document, indent: 0 }
    }

    fn entries(self) -> Result<Entries<'a>, YamlError> {
        let further = match self.place {
            Place::Document => 0,
            Place::BehindKey | Place::BehindDash => STEP,
            Place::Key => return Err(no_key()),
        };
        Ok(Entries(Open::new(self, further)))
    }

    fn elements(self) -> Result<Elements<'a>, YamlError> {
        let further = match self.place {
            Place::Document | Place::BehindKey => 0,
            Place::BehindDash => STEP,
            Place::Key => return Err(no_key()),
        };
        Ok(Elements(Open::new(self, further)))
    }

    /// Writes what is the same in every version of YAML and JSON.
    fn bare(self, value: impl Display) -> Result<(), YamlError> {
        let space = match self.place {
            Place::Document | Place::BehindDash => "",
            Place::BehindKey => " ",
            Place::Key => return Err(no_key()),
        };
        writeln!(self.text, "{space}{value}").map_err(YamlError::custom)
    }

    fn fraction(self, value: f64) -> Result<(), YamlError> {
        if value.is_finite() {
            self.bare(format_args!("{value:?}"))
        } else {
            Err(YamlError::Write(format!("`{value}` is not a JSON number")))
        }
    }
}

/// A map or a list that is being written.
struct Open<'a> {
    text: &'a mut String,
    place: Place,
    /// Of its keys or dashes.
    indent: usize,
    begun: bool,
}

impl<'a> Open<'a> {
    fn new(writer: Writer<'a>, further: usize) -> Self {
        let Writer { text, place, indent } = writer;
        Self { text, place, indent: indent + further, begun: false }
    }

    /// Moves to the place of the next key or dash.
    fn next(&mut self) {
        if self.begun || self.place == Place::BehindKey {
            if !self.begun {
                self.text.push('\n');
            }
            scalar::push_spaces(self.indent, self.text);
        }
        self.begun = true;
    }

    fn value<T: Serialize + ?Sized>(&mut self, place: Place, value: &T) -> Result<(), YamlError> {
        value.serialize(Writer { text: self.text, place, indent: self.indent })
    }

    /// Ends the collection, which is written as `empty` if nothing was in it.
    fn close(self, empty: &str) -> Result<(), YamlError> {
        if self.begun {
            return Ok(());
        }
        Writer { text: self.text, place: self.place, indent: self.indent }.bare(empty)
    }
}

/// A map.
pub(super) struct Entries<'a>(Open<'a>);

/// A list.
pub(super) struct Elements<'a>(Open<'a>);

impl Entries<'_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), YamlError> {
        self.0.next();
        self.0.value(Place::Key, key)
    }
}

impl Elements<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.0.next();
        self.0.text.push_str("- ");
        self.0.value(Place::BehindDash, value)
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = YamlError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Impossible<(), YamlError>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Impossible<(), YamlError>;

    fn serialize_str(self, value: &str) -> Result<(), YamlError> {
        let Self { text, place, indent } = self;
        match place {
            Place::Key => {
                scalar::push(value, text);
                text.push(':');
                return Ok(());
            }
            Place::BehindKey => text.push(' '),
            Place::Document | Place::BehindDash => {}
        }
        if !scalar::push_block(value, indent + STEP, text) {
            scalar::push(value, text);
        }
        text.push('\n');
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), YamlError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bool(self, value: bool) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_i8(self, value: i8) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), YamlError> {
        self.bare(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), YamlError> {
        self.fraction(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), YamlError> {
        self.fraction(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), YamlError> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), YamlError> {
        self.bare("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), YamlError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), YamlError> {
        self.bare("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), YamlError> {
        self.bare("null")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), YamlError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), YamlError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), YamlError> {
        let mut entries = self.entries()?;
        SerializeStruct::serialize_field(&mut entries, variant, value)?;
        SerializeStruct::end(entries)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, YamlError> {
        self.elements()
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>, YamlError> {
        self.elements()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, YamlError> {
        self.elements()
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), YamlError>, YamlError> {
        Err(YamlError::of_variant(name, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, YamlError> {
        self.entries()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, YamlError> {
        self.entries()
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), YamlError>, YamlError> {
        Err(YamlError::of_variant(name, variant))
    }
}

fn no_key() -> YamlError {
    YamlError::Write("the keys of a manifest must be text".to_owned())
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = YamlError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), YamlError> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.0.value(Place::BehindKey, value)
    }

    fn end(self) -> Result<(), YamlError> {
        self.0.close("{}")
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = YamlError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), YamlError> {
        self.key(key)?;
        self.0.value(Place::BehindKey, value)
    }

    fn end(self) -> Result<(), YamlError> {
        self.0.close("{}")
    }
}

impl SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = YamlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.element(value)
    }

    fn end(self) -> Result<(), YamlError> {
        self.0.close("[]")
    }
}

impl SerializeTuple for Elements<'_> {
    type Ok = ();
    type Error = YamlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.element(value)
    }

    fn end(self) -> Result<(), YamlError> {
        self.0.close("[]")
    }
}

impl SerializeTupleStruct for Elements<'_> {
    type Ok = ();
    type Error = YamlError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), YamlError> {
        self.element(value)
    }

    fn end(self) -> Result<(), YamlError> {
        self.0.close("[]")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn written(value: &impl Serialize) -> String {
        let mut text = String::new();
        value.serialize(Writer::new(&mut text)).expect("YAML");
        text
    }

    #[test]
    fn lists_stand_below_their_key() {
        let value = json!({
            "list": [{ "a": { "b": "c" }, "d": [1, [true, [null]], {}] }, []],
            "empty": {},
            "lines": ["a\nb"],
            "fraction": 1.5,
        });
        assert_eq!(
            written(&value),
            "\
list:
- a:
    b: c
  d:
  - 1
  - - true
    - - null
  - {}
- []
empty: {}
lines:
- |-
  a
  b
fraction: 1.5
"
        );
        assert_eq!(crate::yaml::read_value(&written(&value)).expect("YAML"), value);
    }

    #[test]
    fn documents_of_one_value_are_read_back() {
        for value in [json!([[1], ["a"]]), json!({}), json!([]), json!("a: b"), json!("a\nb")] {
            let text = written(&value);
            assert_eq!(crate::yaml::read_value(&text).expect("YAML"), value, "{text}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let refused = |value: &dyn Fn(Writer<'_>) -> Result<(), YamlError>| {
            let mut text = String::new();
            value(Writer::new(&mut text)).expect_err("no manifest").to_string()
        };
        let number = refused(&|writer| f64::NAN.serialize(writer));
        assert!(number.contains("NaN"), "{number}");
        let key = refused(&|writer| BTreeMap::from([(1, 2)]).serialize(writer));
        assert!(key.contains("key"), "{key}");
        let key = refused(&|writer| BTreeMap::from([([1], 2)]).serialize(writer));
        assert!(key.contains("key"), "{key}");
        assert_eq!(written(&Value::Null), "null\n");
    }
}
