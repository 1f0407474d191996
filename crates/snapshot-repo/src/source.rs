//! Writes the `_source` of one document as one NDJSON line.
//!
//! A source is kept as the client sent it: JSON with any whitespace between its tokens, or one of
//! the three other content types. Its first bytes say which:
//!
//! ```text
//! ":)\n"                       SMILE
//! 0xA0 to 0xBF, or D9 D9 F7    CBOR (a map, or the tag that announces CBOR)
//! "---"                        YAML
//! EF BB BF, anything else      JSON, after a byte order mark
//! ```
//!
//! JSON without line breaks is passed on unchanged. With line breaks it is minified without reading
//! numbers: literals, escapes and the order of keys stay the same.

mod cbor;
mod error;
mod json;
mod text;

use std::borrow::Cow;

pub use self::error::SourceError;
use self::text::JsonText;
use serde_smile::value::Value;

/// Writes a source as one line of JSON, without a line break at its end.
///
/// ```
/// # use snapshot_repo::source::to_line;
/// // CBOR: a map (A1) of the text (61) `a` to an array (82) of 1 and -1.
/// let cbor = [0xa1, 0x61, b'a', 0x82, 0x01, 0x20];
/// assert_eq!(to_line(&cbor).expect("CBOR").as_ref(), br#"{"a":[1,-1]}"#);
/// // JSON: only whitespace between tokens is dropped.
/// assert_eq!(to_line(b"{\n  \"n\": 1.50\n}").expect("JSON").as_ref(), br#"{"n":1.50}"#);
/// ```
pub fn to_line(source: &[u8]) -> Result<Cow<'_, [u8]>, SourceError> {
    if source.starts_with(b":)\n") {
        return smile_to_json(source).map(Cow::Owned);
    }
    if source.starts_with(&[0xd9, 0xd9, 0xf7]) || matches!(source.first(), Some(0xa0..=0xbf)) {
        return cbor::to_json(source).map(Cow::Owned);
    }
    if source.starts_with(b"---") {
        return yaml_to_json(source).map(Cow::Owned);
    }
    json::to_line(source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source))
}

fn smile_to_json(source: &[u8]) -> Result<Vec<u8>, SourceError> {
    let value: Value = serde_smile::from_slice(source)
        .map_err(|error| SourceError::Smile { reason: error.to_string() })?;
    let mut text = JsonText::default();
    write_smile(&value, &mut text)
        .map_err(|reason| SourceError::Smile { reason: reason.into() })?;
    Ok(text.into_bytes())
}

fn write_smile(value: &Value, text: &mut JsonText) -> Result<(), &'static str> {
    match value {
        Value::Null => text.raw("null"),
        Value::Boolean(flag) => text.boolean(*flag),
        Value::Integer(number) => text.raw(&number.to_string()),
        Value::Long(number) => text.raw(&number.to_string()),
        Value::Float(number) => text.float(*number),
        Value::Double(number) => text.double(*number),
        Value::BigInteger(number) => text.big_integer(number.as_be_bytes())?,
        Value::BigDecimal(number) => {
            text.big_decimal(number.unscaled_value().as_be_bytes(), i64::from(number.scale()))?;
        }
        Value::String(string) => text.string(string),
        Value::Binary(bytes) => text.binary(bytes),
        Value::Array(items) => {
            text.raw("[");
            for (at, item) in items.iter().enumerate() {
                text.separator(at);
                write_smile(item, text)?;
            }
            text.raw("]");
        }
        Value::Object(fields) => {
            text.raw("{");
            for (at, (name, value)) in fields.iter().enumerate() {
                text.separator(at);
                text.string(name);
                text.raw(":");
                write_smile(value, text)?;
            }
            text.raw("}");
        }
    }
    Ok(())
}

fn yaml_to_json(source: &[u8]) -> Result<Vec<u8>, SourceError> {
    let refused = |reason: String| SourceError::Yaml { reason };
    let value: serde_json::Value =
        serde_yaml::from_slice(source).map_err(|error| refused(error.to_string()))?;
    if !value.is_object() {
        return Err(refused("it is not an object".into()));
    }
    serde_json::to_vec(&value).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::to_line;

    fn value(source: &[u8]) -> Value {
        serde_json::from_slice(&to_line(source).expect("a line of JSON")).expect("valid content")
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(&*to_line(b"\xef\xbb\xbf{\"a\":1}").expect("a line of JSON"), b"{\"a\":1}");
    }

    #[test]
    fn a_yaml_source_becomes_json() {
        let yaml = b"---\na: 1\nb: [x, true, null]\nc: \"1\"\nd: 1.5\n";
        assert_eq!(value(yaml), json!({"a": 1, "b": ["x", true, null], "c": "1", "d": 1.5}));
    }

    #[test]
    fn a_smile_source_becomes_json() {
        let source = serde_smile::to_vec(&json!({"a": [1, -3_000_000_000_i64, 1.25], "b": "x\ny"}));
        let expected = json!({"a": [1, -3_000_000_000_i64, 1.25], "b": "x\ny"});
        assert_eq!(value(&source.expect("encodable content")), expected);
    }

    #[test]
    fn yaml_that_is_not_an_object_is_refused() {
        let error = to_line(b"--- 5\n").expect_err("an error").to_string();
        assert!(error.contains("it is not an object"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in prop::sample::select(vec![&b":)\n\x05"[..], b"\xbf", b"\xa1", b"---\n", b"{\n", b""]), rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let source = [start, &rest].concat();
            if let Ok(line) = to_line(&source) {
                prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), None);
            }
        }
    }
}
