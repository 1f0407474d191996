//! How Elasticsearch and OpenSearch store a document's id.
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

/// What a document is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Its id.
    pub id: String,
    /// Its mapping type, where the id is stored together with it.
    pub kind: Option<String>,
}

/// Decodes the bytes of a stored `_id`.
pub fn decode_id(bytes: &[u8]) -> Result<String, Problem> {
    match bytes.split_first() {
        None => Err(Problem::OutOfRange { what: "the length of an id", value: 0 }),
        Some((&UTF8, text)) => std::str::from_utf8(text)
            .map(str::to_owned)
            .map_err(|_| Problem::NotUtf8 { what: "an id" }),
        Some((&DIGITS, packed)) => digits(packed),
        Some((&ESCAPE, rest)) => Ok(base64(rest)),
        Some(_) => Ok(base64(bytes)),
    }
}

/// Splits a stored `_uid` into type and id.
pub fn split_uid(uid: &str) -> Result<Identity, Problem> {
    let (kind, id) = uid
        .split_once('#')
        .ok_or(Problem::OutOfRange { what: "the number of `#` in a uid", value: 0 })?;
    Ok(Identity { id: id.to_owned(), kind: Some(kind.to_owned()) })
}

fn digits(packed: &[u8]) -> Result<String, Problem> {
    let mut id = String::with_capacity(packed.len().saturating_mul(2));
    let mut halves = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for half in halves.by_ref() {
        match char::from_digit(half.into(), 10) {
            Some(digit) => id.push(digit),
            None if half == 15 => break,
            None => return Err(Problem::OutOfRange { what: "a digit", value: half.into() }),
        }
    }
    match halves.next() {
        None => Ok(id),
        Some(half) => Err(Problem::OutOfRange { what: "what follows an id", value: half.into() }),
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let mut three = [0; 4];
        if let Some(place) = three.get_mut(1..group.len().saturating_add(1)) {
            place.copy_from_slice(group);
        }
        let bits = u32::from_be_bytes(three);
        for shift in [18, 12, 6, 0].into_iter().take(group.len().saturating_add(1)) {
            let index = usize::try_from((bits >> shift) & 63).unwrap_or(0);
            text.push(char::from(BASE64.get(index).copied().unwrap_or(b'A')));
        }
    }
    text
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
            .map(|letter| BASE64.iter().position(|known| *known == letter).unwrap())
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
            assert_eq!(decode_id(&bytes).unwrap(), id);
        }

        #[test]
        fn digits_come_back(id in "[0-9]{1,40}") {
            assert_eq!(decode_id(&encode_digits(&id)).unwrap(), id);
        }

        #[test]
        fn ids_made_by_the_server_come_back(id in "[A-Za-z0-9_-]{20}|[_-]{4}[A-Za-z0-9_-]{16}") {
            assert_eq!(decode_id(&encode_base64(&id)).unwrap(), id);
        }

        #[test]
        fn lengths_that_are_no_multiple_of_four_come_back(bytes in any::<Vec<u8>>()) {
            let id = super::base64(&bytes);
            assert_eq!(id.len(), (bytes.len() * 4).div_ceil(3));
            if !bytes.is_empty() {
                assert_eq!(decode_id(&encode_base64(&id)).unwrap(), id);
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
        let identity = split_uid("order#a#b").unwrap();
        assert_eq!((identity.kind.as_deref(), &*identity.id), (Some("order"), "a#b"));
        assert!(split_uid("order").is_err());
    }
}
