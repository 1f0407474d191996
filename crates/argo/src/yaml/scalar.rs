//! How is a text written in YAML, so that every reader of 1.1 and 1.2 reads the same text?
//!
//! Plain if it is obviously a word, as nearly all texts of a manifest are; as a block if it has
//! several lines that a block shows as they are; else in quotes. Whether a reader would take
//! `1e3` or `on` for something else is never asked: such a text is quoted.

use std::fmt::Write as _;

/// Appends a text as one line.
pub(super) fn push(value: &str, text: &mut String) {
    if is_word(value) {
        text.push_str(value);
        return;
    }
    let as_it_is = are_shown(value, is_ascii_shown);
    let quote = match (value.contains(['"', '\\']), value.contains('\'')) {
        (false, _) if as_it_is => '"',
        // Between single quotes nothing has a meaning but the quote itself.
        (true, false) if as_it_is => '\'',
        _ => return push_escaped(value, text),
    };
    text.push(quote);
    text.push_str(value);
    text.push(quote);
}

/// Appends a text of several lines as a block, each line behind so many spaces. Does nothing and
/// returns `false` if the text has one line, or if a block would not show it as it is.
pub(super) fn push_block(value: &str, indent: usize, text: &mut String) -> bool {
    let (header, lines) = match value.strip_suffix('\n') {
        Some(lines) => ("|", lines),
        None => ("|-", value),
    };
    let fits = lines.contains('\n')
        && lines.starts_with(|first: char| first.is_alphanumeric() || first.is_ascii_graphic())
        && !lines.ends_with(' ')
        && are_shown(lines, |byte| byte == b'\n' || is_ascii_shown(byte));
    if !fits {
        return false;
    }
    let before = text.len();
    text.push_str(header);
    for line in lines.split('\n') {
        if line.is_empty() {
            text.truncate(before);
            return false;
        }
        text.push('\n');
        push_spaces(indent, text);
        text.push_str(line);
    }
    true
}

/// Appends so many spaces.
pub(super) fn push_spaces(mut count: usize, text: &mut String) {
    const SPACES: &str = "                                ";
    while let Some(rest) = count.checked_sub(SPACES.len()) {
        text.push_str(SPACES);
        count = rest;
    }
    text.push_str(SPACES.split_at(count).0);
}

/// Returns whether the text is a word or several, and none of YAML's own.
fn is_word(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'/')
        && bytes.last() != Some(&b' ')
        && bytes.iter().copied().all(is_in_word)
        && !is_reserved(value)
}

fn is_in_word(byte: u8) -> bool {
    IN_WORD.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether each byte is part of a word: most of a manifest is words.
static IN_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0_u8;
    while let Some((answer, others)) = rest.split_first_mut() {
        *answer =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/' | b' ' | b'&');
        rest = others;
        byte = byte.wrapping_add(1);
    }
    table
};

/// Returns whether the word is not a text in YAML 1.1 or 1.2. Everything else that is none begins
/// with a digit or a sign.
fn is_reserved(word: &str) -> bool {
    let reserved: &[&str] = match word.len() {
        1 => &["y", "n"],
        2 => &["no", "on"],
        3 => &["yes", "off"],
        4 => &["true", "null"],
        5 => &["false"],
        _ => &[],
    };
    reserved.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// Returns whether every reader reads all characters literally, between quotes or in a block.
fn are_shown(value: &str, is_byte_shown: impl Fn(u8) -> bool) -> bool {
    // Counts to the end, so that many bytes are compared at a time: requests of steps are long.
    let odd = value.bytes().filter(|byte| !is_byte_shown(*byte)).count();
    odd == 0
        || value.chars().all(|character| match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => is_byte_shown(byte),
            _ => is_shown(character),
        })
}

fn is_shown(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_ascii_shown)
        || !character.is_ascii() && character.is_alphanumeric()
}

const fn is_ascii_shown(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

fn push_escaped(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        let code = u32::from(character);
        let written = match character {
            '"' => text.write_str("\\\""),
            '\\' => text.write_str("\\\\"),
            '\n' => text.write_str("\\n"),
            '\t' => text.write_str("\\t"),
            shown if is_shown(shown) => text.write_char(shown),
            _ if code <= 0xff => write!(text, "\\x{code:02x}"),
            _ if code <= 0xffff => write!(text, "\\u{code:04x}"),
            _ => write!(text, "\\U{code:08x}"),
        };
        written.expect("writing to a String does not fail");
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pushed(value: &str) -> String {
        let mut text = String::new();
        push(value, &mut text);
        text
    }

    #[test]
    fn words_are_plain_and_everything_else_is_quoted() {
        let table = [
            ("plain-word", "plain-word"),
            ("argoproj.io/v1alpha1", "argoproj.io/v1alpha1"),
            ("a && b", "a && b"),
            ("v1", "v1"),
            ("", "\"\""),
            ("No", "\"No\""),
            ("y", "\"y\""),
            ("1e3", "\"1e3\""),
            ("12:30", "\"12:30\""),
            ("=", "\"=\""),
            ("a ", "\"a \""),
            ("{{x}}", "\"{{x}}\""),
            ("it's", "\"it's\""),
            ("\"{{x}}\" != \"yes\"", "'\"{{x}}\" != \"yes\"'"),
            ("C:\\'\"", "\"C:\\\\'\\\"\""),
            ("żółw 日本", "\"żółw 日本\""),
            ("a\nb\tc\u{0}\u{85}\u{2028}\u{feff}🦀", r#""a\nb\tc\x00\x85\u2028\ufeff\U0001f980""#),
        ];
        for (value, expected) in table {
            assert_eq!(pushed(value), expected);
        }
    }

    #[test]
    fn whatever_a_text_holds_is_read_back() {
        let mut texts: Vec<String> =
            ["\r\n", "#", " a", "a #b", "a: b", "- a", "&a", "*a", "!a", "%"]
                .into_iter()
                .chain([
                    "@a",
                    "`a",
                    "'",
                    "\"",
                    "\\",
                    "''",
                    "x\n---\ny",
                    "x\n---\n",
                    "...",
                    "\n a",
                    "a\n\n b",
                    "a \nb",
                ])
                .map(str::to_owned)
                .collect();
        texts.extend((0..0x300).chain(0x2000..0x2100).filter_map(char::from_u32).map(String::from));
        texts.extend(
            ['\u{d7ff}', '\u{fffe}', '\u{1d165}', '\u{10ffff}'].map(|last| format!("a{last}\nb")),
        );
        for text in texts {
            let value = json!({ "value": text, &text: [text, { "a": [[text]] }] });
            let written = crate::yaml::write(&value).expect("YAML");
            let read: Value = crate::yaml::read_value(&written).expect("a value");
            assert_eq!(read, value, "{written}");
        }
    }

    #[test]
    fn a_block_shows_what_it_holds() {
        let block = |value: &str| {
            let mut text = "k: ".to_owned();
            let fits = push_block(value, 2, &mut text);
            assert!(fits || text == "k: ", "{text:?} of {value:?}");
            fits.then_some(text)
        };
        for text in ["{\n  \"a\": 1\n}", "a\n b\n  c", "żółw\n日本", "#!/bin/sh\nx"] {
            let indented = text.replace('\n', "\n  ");
            assert_eq!(block(text), Some(format!("k: |-\n  {indented}")));
            assert_eq!(block(&format!("{text}\n")), Some(format!("k: |\n  {indented}")));
        }
        for text in ["a", "", "a\n", "\na", " a\nb", "a\n\nb", "a\nb ", "a\n\tb", "a\n\u{85}b"] {
            assert_eq!(block(text), None);
        }
    }
}
