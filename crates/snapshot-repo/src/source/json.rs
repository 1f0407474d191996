//! Writes JSON as one line: drops everything between tokens, and checks the structure.
//!
//! Tokens are copied, not read: `1.10`, `1E400`, `\u00e9` and duplicate keys stay. Comments, which
//! servers accept, are dropped like whitespace.

use std::borrow::Cow;

use super::error::SourceError;

/// Writes JSON as one line.
pub(super) fn to_line(source: &[u8]) -> Result<Cow<'_, [u8]>, SourceError> {
    if source.is_empty() {
        return Err(SourceError::Json { offset: 0, reason: "it is empty" });
    }
    if !source.contains(&b'\n') && !source.contains(&b'\r') {
        return Ok(Cow::Borrowed(source));
    }
    minify(source).map(Cow::Owned)
}

/// What may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    ValueOrArrayEnd,
    Key,
    KeyOrObjectEnd,
    Colon,
    CommaOrEnd,
    End,
}

/// What encloses the current place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

/// Drops all whitespace and comments outside strings.
fn minify(source: &[u8]) -> Result<Vec<u8>, SourceError> {
    let mut line = Vec::with_capacity(source.len());
    let mut open: Vec<Open> = Vec::new();
    let mut expected = Expected::Value;
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        let refuse = |reason| SourceError::Json { offset: at, reason };
        let length = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'/' => {
                at += comment_length(source.get(at..).unwrap_or_default()).map_err(refuse)?;
                continue;
            }
            b'{' | b'[' => {
                if !matches!(expected, Expected::Value | Expected::ValueOrArrayEnd) {
                    return Err(refuse("a value is not expected here"));
                }
                if byte == b'{' {
                    open.push(Open::Object);
                    expected = Expected::KeyOrObjectEnd;
                } else {
                    open.push(Open::Array);
                    expected = Expected::ValueOrArrayEnd;
                }
                1
            }
            b'}' | b']' => {
                let ends = match expected {
                    Expected::KeyOrObjectEnd => byte == b'}',
                    Expected::ValueOrArrayEnd => byte == b']',
                    Expected::CommaOrEnd => {
                        let closes = if byte == b'}' { Open::Object } else { Open::Array };
                        open.last() == Some(&closes)
                    }
                    Expected::Value | Expected::Key | Expected::Colon | Expected::End => false,
                };
                if !ends {
                    return Err(refuse("there is nothing to close here"));
                }
                open.pop();
                expected = after_value(&open);
                1
            }
            b',' => {
                if expected != Expected::CommaOrEnd {
                    return Err(refuse("a comma is not expected here"));
                }
                expected = match open.last() {
                    Some(Open::Object) => Expected::Key,
                    Some(Open::Array) | None => Expected::Value,
                };
                1
            }
            b':' => {
                if expected != Expected::Colon {
                    return Err(refuse("a colon is not expected here"));
                }
                expected = Expected::Value;
                1
            }
            b'"' => {
                expected = match expected {
                    Expected::Key | Expected::KeyOrObjectEnd => Expected::Colon,
                    Expected::Value | Expected::ValueOrArrayEnd => after_value(&open),
                    Expected::Colon | Expected::CommaOrEnd | Expected::End => {
                        return Err(refuse("a string is not expected here"));
                    }
                };
                string_length(source.get(at..).unwrap_or_default()).map_err(refuse)?
            }
            _ => {
                if !matches!(expected, Expected::Value | Expected::ValueOrArrayEnd) {
                    return Err(refuse("a value is not expected here"));
                }
                expected = after_value(&open);
                let literal = source.get(at..).unwrap_or_default();
                let length = literal.iter().take_while(|byte| in_literal(**byte)).count();
                if length == 0 {
                    return Err(refuse("no value begins like this"));
                }
                length
            }
        };
        let end = at + length;
        line.extend_from_slice(source.get(at..end).unwrap_or_default());
        at = end;
    }
    if expected == Expected::End {
        Ok(line)
    } else {
        Err(SourceError::Json { offset: source.len(), reason: "it ends too early" })
    }
}

fn after_value(open: &[Open]) -> Expected {
    if open.is_empty() { Expected::End } else { Expected::CommaOrEnd }
}

/// Returns whether a byte may be part of numbers, `true`, `false`, `null`, and the `NaN` and `-Infinity` that servers accept.
fn in_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Returns the length of the string at the beginning, including quotes.
fn string_length(text: &[u8]) -> Result<usize, &'static str> {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            // An escaped line break would cut the line in two, so check escaped bytes as well.
            Some(b'\\') => match text.get(at + 1) {
                Some(0..0x20) => return Err("this string contains a control character"),
                _ => at += 2,
            },
            Some(0..0x20) => return Err("this string contains a control character"),
            Some(_) => at += 1,
            None => return Err("this string does not end"),
        }
    }
}

/// Returns the length of the comment at the beginning.
fn comment_length(text: &[u8]) -> Result<usize, &'static str> {
    match text.get(1) {
        Some(b'/') => {
            Ok(text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len()))
        }
        Some(b'*') => text
            .get(2..)
            .and_then(|rest| rest.windows(2).position(|pair| pair == b"*/"))
            .map(|inside| inside + 4)
            .ok_or("this comment does not end"),
        _ => Err("no value begins like this"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
    use serde_json::Value;

    use super::to_line;

    fn line(source: &str) -> String {
        String::from_utf8(to_line(source.as_bytes()).expect("a line of JSON").into_owned())
            .expect("UTF-8")
    }

    #[test]
    fn without_a_line_break_nothing_changes() {
        assert_eq!(line(r#" { "a" : 1.10 } "#), r#" { "a" : 1.10 } "#);
    }

    #[test]
    fn literals_escapes_and_duplicate_keys_stay() {
        let source = "{\n \"a\": 1.10,\r\n\"a\": 1E+400, \"\\u00e9\\\"\": [ ], \"n\": NaN }\n";
        assert_eq!(line(source), r#"{"a":1.10,"a":1E+400,"\u00e9\"":[],"n":NaN}"#);
    }

    #[test]
    fn comments_are_dropped() {
        assert_eq!(
            line("{ // one\n \"a\": /* two \n */ \"// no comment\" }"),
            r#"{"a":"// no comment"}"#
        );
    }

    #[test]
    fn malformed_json_is_refused_with_its_place() {
        let cases = [
            ("{\n\"a\":}", 6),
            ("{\n\"a\" 1}", 6),
            ("{\n\"a\":1,}", 8),
            ("[\n1 2]", 4),
            ("[\n1}", 3),
            ("\n{} {}", 4),
            ("{\n\"a\":1", 7),
            ("{\"a\n\":1}", 1),
            ("{\"a\\\n\":1}", 1),
            ("{\n\"a\\", 2),
            ("\n", 1),
            ("{\n/x", 2),
        ];
        for (source, offset) in cases {
            let error = to_line(source.as_bytes()).expect_err("an error").to_string();
            assert!(error.contains(&format!("at byte {offset}:")), "{source:?}: {error}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn minifying_pretty_json_gives_compact_json(value in any_json()) {
            let pretty = format!("\n{}", serde_json::to_string_pretty(&value).expect("valid JSON"));
            prop_assert_eq!(line(&pretty), serde_json::to_string(&value).expect("valid JSON"));
        }
    }
}
