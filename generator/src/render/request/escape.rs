//! Which characters of a request have a meaning for another reader on the way?
//!
//! They are written as `\u` escapes while the JSON is written. They occur only between quotes, so
//! only what is between quotes is processed here.

use std::io::{self, Write};

/// Writes characters that are between the quotes of a JSON text and need no escape of JSON's own.
/// `also` is one more character to escape.
pub(super) fn fragment<W: Write + ?Sized>(
    characters: &str,
    also: Option<char>,
    json: &mut W,
) -> io::Result<()> {
    if !characters.bytes().any(is_suspect) {
        return json.write_all(characters.as_bytes());
    }
    let mut before = None;
    let mut rest = characters.chars().peekable();
    while let Some(character) = rest.next() {
        let plain = match character {
            '{' => before != Some('{') && rest.peek() != Some(&'{'),
            '$' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
            other => other.len_utf16() == 1 && also != Some(other),
        };
        let mut units = [0; 2];
        if plain {
            json.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
        } else {
            for unit in character.encode_utf16(&mut units) {
                write!(json, "\\u{unit:04x}")?;
            }
        }
        before = Some(character);
    }
    Ok(())
}

/// Returns whether a character with this byte may have to be escaped.
const fn is_suspect(byte: u8) -> bool {
    matches!(byte, b'$' | b'\'' | b'{' | 0x7f..)
}
