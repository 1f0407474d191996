//! How do Elasticsearch and OpenSearch store a document's id?
//!
//! ```text
//! _id   FF + UTF-8                    any id
//!       FE + packed digits            an id of digits only: 4 bits each, F ends an odd number
//!       [FD] + bytes                  an id that is URL-safe base64 of these bytes, without padding;
//!                                     FD only if the first of them is FD or more
//! _uid  type#id                       up to 5.x, and in 6.x for indices that 5.x created
//! ```

use crate::error::Problem;

const UTF8: u8 = 0xff;
const DIGITS: u8 = 0xfe;
const ESCAPE: u8 = 0xfd;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Decodes the bytes of a stored `_id`.
///
/// ```
/// # use lucene::decode_id;
/// assert_eq!(decode_id(b"\xffuser-7"), Ok("user-7".to_owned())); // FF: UTF-8
/// assert_eq!(decode_id(&[0xfe, 0x12, 0x3f]), Ok("123".to_owned())); // FE: digits, F ends them
/// assert_eq!(decode_id(&[0x69, 0xb7, 0x1d]), Ok("abcd".to_owned())); // else: base64 of the bytes
/// ```
pub fn decode_id(bytes: &[u8]) -> Result<String, Problem> {
    let mut id = String::new();
    push_id(bytes, &mut id).map(|()| id)
}

/// Appends the id that a stored `_id` encodes.
#[inline]
pub(crate) fn push_id(bytes: &[u8], text: &mut String) -> Result<(), Problem> {
    match bytes.split_first() {
        None => Err(Problem::OutOfRange { what: "the length of an id", value: 0 }),
        Some((&UTF8, id)) => {
            let id = std::str::from_utf8(id).map_err(|_| Problem::NotUtf8 { what: "an id" })?;
            text.push_str(id);
            Ok(())
        }
        Some((&DIGITS, packed)) => push_digits(packed, text),
        Some((&ESCAPE, rest)) => {
            push_base64(rest, text);
            Ok(())
        }
        Some(_) => {
            push_base64(bytes, text);
            Ok(())
        }
    }
}

/// Splits a stored `_uid` into type and id.
pub fn split_uid(uid: &str) -> Result<(&str, &str), Problem> {
    uid.split_once('#').ok_or(Problem::OutOfRange { what: "the number of `#` in a uid", value: 0 })
}

fn push_digits(packed: &[u8], text: &mut String) -> Result<(), Problem> {
    let mut halves = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for half in halves.by_ref() {
        match char::from_digit(half.into(), 10) {
            Some(digit) => text.push(digit),
            None if half == 15 => break,
            None => return Err(Problem::OutOfRange { what: "a digit", value: half.into() }),
        }
    }
    match halves.next() {
        None => Ok(()),
        Some(half) => Err(Problem::OutOfRange { what: "what follows an id", value: half.into() }),
    }
}

fn push_base64(bytes: &[u8], text: &mut String) {
    // Ids that servers generate have 15 bytes; longer ones take several rounds.
    for part in bytes.chunks(BASE64_ROUND) {
        let mut characters = [b'A'; BASE64_ROUND / 3 * 4];
        let (groups, rest) = part.as_chunks::<3>();
        for (four, [one, two, three]) in characters.as_chunks_mut::<4>().0.iter_mut().zip(groups) {
            *four = base64_characters(u32::from_be_bytes([0, *one, *two, *three]));
        }
        let rest = match *rest {
            [one] => Some(u32::from_be_bytes([0, one, 0, 0])),
            [one, two] => Some(u32::from_be_bytes([0, one, two, 0])),
            _ => None,
        };
        if let Some(bits) = rest
            && let Some(four) = characters.as_chunks_mut::<4>().0.get_mut(groups.len())
        {
            *four = base64_characters(bits);
        }
        let count = part.len().saturating_mul(4).div_ceil(3);
        let characters = characters.get(..count).unwrap_or_default();
        text.push_str(std::str::from_utf8(characters).unwrap_or_default());
    }
}

/// How many bytes are encoded in one round.
const BASE64_ROUND: usize = 24;

#[inline]
fn base64_characters(bits: u32) -> [u8; 4] {
    [18, 12, 6, 0].map(|shift| {
        let place = usize::try_from((bits >> shift) & 63).unwrap_or(0);
        BASE64.get(place).copied().unwrap_or(b'A')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{BASE64, decode_id, split_uid};

    fn encode_digits(id: &str) -> Vec<u8> {
        let mut halves: Vec<u8> = id.bytes().map(|digit| digit - b'0').collect();
        if halves.len() % 2 == 1 {
            halves.push(15);
        }
        let packed = halves.chunks(2).map(|pair| pair[0] << 4 | pair[1]);
        std::iter::once(0xfe).chain(packed).collect()
    }

    /// Base64 to bytes, bit by bit.
    fn encode_base64(id: &str) -> Vec<u8> {
        let bits: Vec<bool> = id
            .bytes()
            .map(|character| {
                BASE64.iter().position(|known| *known == character).expect("a known character")
            })
            .flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1 == 1))
            .collect();
        let mut bytes: Vec<u8> = bits
            .chunks_exact(8)
            .map(|byte| byte.iter().fold(0, |value, bit| value << 1 | u8::from(*bit)))
            .collect();
        if bytes[0] >= 0xfd {
            bytes.insert(0, 0xfd);
        }
        bytes
    }

    proptest! {
        #[test]
        fn any_text_comes_back(id in any::<String>()) {
            let bytes = [&[0xff], id.as_bytes()].concat();
            assert_eq!(decode_id(&bytes).expect("an id"), id);
        }

        #[test]
        fn digits_come_back(id in "[0-9]{1,40}") {
            assert_eq!(decode_id(&encode_digits(&id)).expect("an id"), id);
        }

        #[test]
        fn ids_generated_by_the_server_come_back(id in "[A-Za-z0-9_-]{20}|[_-]{4}[A-Za-z0-9_-]{16}") {
            assert_eq!(decode_id(&encode_base64(&id)).expect("an id"), id);
        }

        #[test]
        fn lengths_that_are_no_multiple_of_four_come_back(bytes in any::<Vec<u8>>()) {
            let mut id = String::new();
            super::push_base64(&bytes, &mut id);
            assert_eq!(id.len(), (bytes.len() * 4).div_ceil(3));
            if !bytes.is_empty() {
                assert_eq!(decode_id(&encode_base64(&id)).expect("an id"), id);
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            drop(decode_id(&bytes));
        }
    }

    #[test]
    fn broken_ids_are_refused() {
        assert!(decode_id(&[]).is_err());
        assert!(decode_id(&[0xff, 0xc0]).is_err());
        assert!(decode_id(&[0xfe, 0x1a]).is_err());
        assert!(decode_id(&[0xfe, 0xf1]).is_err());
    }

    #[test]
    fn a_uid_is_split_at_the_first_hash() {
        assert_eq!(split_uid("order#a#b"), Ok(("order", "a#b")));
        assert!(split_uid("order").is_err());
    }
}
