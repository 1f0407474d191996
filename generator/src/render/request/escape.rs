//! Which letters of a request would another reader on the way take for more than a letter?
//!
//! These are written as `\u` escapes, in the course of the writing: the letters between quotes
//! come by here, and everything else of our JSON holds none of them.

use std::io::{self, Write};

/// Writes letters that stand between the quotes of a JSON text, in which JSON itself means nothing
/// by any of them. Those in `also` are escaped as well.
pub(super) fn fragment<W: Write + ?Sized>(
    letters: &str,
    also: Option<char>,
    json: &mut W,
) -> io::Result<()> {
    if !letters.bytes().any(is_suspect) {
        return json.write_all(letters.as_bytes());
    }
    let mut before = None;
    let mut rest = letters.chars().peekable();
    while let Some(letter) = rest.next() {
        let plain = match letter {
            '{' => before != Some('{') && rest.peek() != Some(&'{'),
            '$' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
            other => other.len_utf16() == 1 && also != Some(other),
        };
        let mut units = [0; 2];
        if plain {
            json.write_all(letter.encode_utf8(&mut [0; 4]).as_bytes())?;
        } else {
            for unit in letter.encode_utf16(&mut units) {
                write!(json, "\\u{unit:04x}")?;
            }
        }
        before = Some(letter);
    }
    Ok(())
}

/// Returns whether a letter with this byte may have to be escaped.
const fn is_suspect(byte: u8) -> bool {
    matches!(byte, b'$' | b'\'' | b'{' | 0x7f..)
}
