//! How is a value laid out as YAML, quickly?
//!
//! ```text
//!  key: plain                  most texts of a manifest are names and words
//!  request: |-                 or requests of several lines
//!    {
//!      "mode": "evaluate"
//!    }
//!  list:
//!  - key: value                lists stand below their key, without further indentation
//! ```
//!
//! A migration of a thousand groups is a text of many megabytes, nearly all of it names and
//! requests: these are written here at once. Whatever is not obviously plain goes to the library,
//! which knows all of YAML's rules.

use serde_json::{Map, Value};
use serde_yaml::ser_options;

use super::YamlError;

/// Appends a value as a document.
pub(super) fn document(value: &Value, text: &mut String) -> Result<(), YamlError> {
    match value {
        Value::Object(map) if !map.is_empty() => entries(map, 0, Position::OwnLine, text),
        Value::Array(items) if !items.is_empty() => elements(items, 0, Position::OwnLine, text),
        other => {
            text.push_str(&by_library(other)?);
            Ok(())
        }
    }
}

/// Where the text stands when something begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// At the start of a line that is not indented yet.
    OwnLine,
    /// Behind the dash of an element, where its first line begins.
    BehindDash,
}

fn entries(
    map: &Map<String, Value>,
    indent: usize,
    mut position: Position,
    text: &mut String,
) -> Result<(), YamlError> {
    for (key, value) in map {
        begin(position, indent, text);
        position = Position::OwnLine;
        write_key(key, text)?;
        text.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                text.push('\n');
                entries(map, indent + STEP, Position::OwnLine, text)?;
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                elements(items, indent, Position::OwnLine, text)?;
            }
            other => {
                text.push(' ');
                scalar(other, indent, text)?;
            }
        }
    }
    Ok(())
}

fn elements(
    items: &[Value],
    indent: usize,
    mut position: Position,
    text: &mut String,
) -> Result<(), YamlError> {
    for item in items {
        begin(position, indent, text);
        position = Position::OwnLine;
        text.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => {
                entries(map, indent + STEP, Position::BehindDash, text)?;
            }
            Value::Array(items) if !items.is_empty() => {
                elements(items, indent + STEP, Position::BehindDash, text)?;
            }
            other => scalar(other, indent, text)?,
        }
    }
    Ok(())
}

/// Spaces for each level.
const STEP: usize = 2;

fn begin(position: Position, indent: usize, text: &mut String) {
    if position == Position::OwnLine {
        push_spaces(indent, text);
    }
}

fn push_spaces(count: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// Appends a value without further values and ends the line; `indent` is that of its key or dash.
fn scalar(value: &Value, indent: usize, text: &mut String) -> Result<(), YamlError> {
    match value {
        Value::String(value) if is_obviously_plain(value) => {
            text.push_str(value);
            text.push('\n');
        }
        Value::String(value) if is_obviously_a_block(value) => {
            text.push_str("|-\n");
            for line in value.split('\n') {
                push_spaces(indent + STEP, text);
                text.push_str(line);
                text.push('\n');
            }
        }
        other => {
            // As the value of a key, since what must be quoted depends on where a text stands.
            let written = by_library(&Value::Object(
                [("k".to_owned(), other.clone())].into_iter().collect(),
            ))?;
            let value = written.strip_prefix("k: ").ok_or_else(|| {
                YamlError::Write(format!("`{other}` is not written as a value on its own"))
            })?;
            for (number, line) in value.lines().enumerate() {
                if number > 0 && !line.is_empty() {
                    push_spaces(indent, text);
                }
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(())
}

fn write_key(key: &str, text: &mut String) -> Result<(), YamlError> {
    if is_obviously_plain(key) {
        text.push_str(key);
        return Ok(());
    }
    let written =
        by_library(&Value::Object([(key.to_owned(), Value::Bool(true))].into_iter().collect()))?;
    let key = written.strip_suffix(": true\n").ok_or_else(|| {
        YamlError::Write(format!("the key `{key}` is too long for a line of its own"))
    })?;
    text.push_str(key);
    Ok(())
}

/// Returns whether every reader takes the text for a text: a word of letters that is none of
/// YAML's own.
fn is_obviously_plain(text: &str) -> bool {
    let begins_plain = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'/';
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    // `false`, the longest of YAML's words, has five letters.
    text.len() > 5
        && text.as_bytes().first().is_some_and(begins_plain)
        && text.bytes().all(is_plain)
        || text.len() <= 5 && SHORT_WORDS.contains(&text)
}

/// Short words that manifests are full of.
const SHORT_WORDS: [&str; 11] =
    ["name", "value", "group", "task", "dag", "tasks", "steps", "when", "run", "key", "kind"];

/// Returns whether a block shows the text as it is.
fn is_obviously_a_block(text: &str) -> bool {
    text.contains('\n')
        && text.starts_with(|first: char| first.is_ascii_graphic())
        && !text.ends_with(['\n', ' '])
        && !text.contains("\n\n")
        && text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
}

fn by_library(value: &Value) -> Result<String, YamlError> {
    let options = ser_options! {
        folded_wrap_chars: 1_000_000,
        prefer_block_scalars: true,
        compact_list_indent: true,
    };
    let mut text = String::new();
    serde_yaml::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|error| YamlError::Write(error.to_string()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXTS: [&str; 26] = [
        "plain-word",
        "a/b.c_d",
        "no",
        "false",
        "y",
        "null",
        "1e5",
        "0x10",
        "12:30",
        "",
        " ",
        "a: b",
        "- a",
        "# no",
        "{{x}}",
        "a\nb",
        "a\n b\n",
        "\n a",
        " a\nb",
        "a\n\nb",
        "a \nb",
        "żółw\n日本",
        "tab\tx",
        "line\u{2028}\nx",
        "---",
        "x\n---\ny",
    ];

    fn nested(text: &str) -> Value {
        json!({
            "value": text,
            text: { "deep": [text, [text, [[text]]], { "a": text, "b": [] }, {}, null] },
            "last": [{ "list": [text], "flag": true, "number": 7 }],
        })
    }

    #[test]
    fn whatever_a_text_holds_is_read_back() {
        for text in TEXTS {
            let mut written = String::new();
            document(&nested(text), &mut written).expect("YAML");
            let read = crate::yaml::read_value(&written).expect("a value");
            assert_eq!(read, nested(text), "{written}");
        }
    }

    #[test]
    fn the_layout_is_that_of_the_library() {
        for text in TEXTS {
            let value =
                json!({ "value": text, "list": [{ "a": { "b": text }, "c": [{ "d": 1 }] }] });
            let mut written = String::new();
            document(&value, &mut written).expect("YAML");
            assert_eq!(written, by_library(&value).expect("YAML"));
        }
    }
}
