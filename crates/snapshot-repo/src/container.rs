//! The `.dat` container: a checked wrapper around one compressed or plain SMILE value.
//!
//! ```text
//! 3F D7 6C 17            magic
//! vint n, n bytes        codec name (`metadata`, `index-metadata`, `snapshot`, `snapshots`)
//! int32 BE               version, 1
//! ...                    body: SMILE  |  "DFL\0" raw DEFLATE of SMILE  |  "ZSTD\0" zstd frame of SMILE
//! C0 28 93 E8            footer magic
//! int32 BE               0
//! int64 BE               CRC32 of all bytes before these 8
//! ```

use std::io::Read as _;

use crate::error::Damage;

const MAGIC: &[u8] = &[0x3f, 0xd7, 0x6c, 0x17];
const FOOTER_MAGIC: &[u8] = &[0xc0, 0x28, 0x93, 0xe8];
const FOOTER_LENGTH: usize = 16;
/// Larger than any cluster state that a server can handle; stops a decompression bomb.
const MAX_BODY_BYTES: u64 = 1 << 30;

/// Returns the body of a container, verified and decompressed.
pub(crate) fn open(bytes: &[u8], codec: &str) -> Result<Vec<u8>, Damage> {
    let body = checked_body(bytes, codec)?;
    decompress(body)
}

fn checked_body<'a>(bytes: &'a [u8], codec: &str) -> Result<&'a [u8], Damage> {
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it does not begin with the magic number of a snapshot file")?;
    let length = bytes.len().checked_sub(FOOTER_LENGTH).ok_or("it is shorter than its footer")?;
    let (_, footer) = bytes.split_at_checked(length).ok_or("it is shorter than its footer")?;
    let footer = footer
        .strip_prefix(FOOTER_MAGIC)
        .ok_or("it does not end with a footer: it is cut short or was written over")?;
    let (algorithm, sum) = footer.split_first_chunk::<4>().ok_or("its footer is cut short")?;
    let sum: [u8; 8] = sum.try_into().map_err(|_| "its footer is cut short")?;
    if *algorithm != [0; 4] {
        return Err("its footer names an unknown checksum algorithm".into());
    }
    let covered = bytes.get(..bytes.len() - 8).ok_or("it is shorter than its footer")?;
    let found = u64::from(crc32fast::hash(covered));
    let expected = u64::from_be_bytes(sum);
    if found != expected {
        return Err(
            format!("its checksum is {found:08x}, but its footer says {expected:08x}").into()
        );
    }
    let (length, rest) = rest.split_first().ok_or("it is cut short in its header")?;
    // The names of codecs have less than 128 bytes, so the vint is one byte.
    let (name, rest) =
        rest.split_at_checked(usize::from(*length)).ok_or("it is cut short in its header")?;
    if name != codec.as_bytes() {
        let name = String::from_utf8_lossy(name);
        return Err(format!("it is a `{name}` file where a `{codec}` file is expected").into());
    }
    let (version, rest) = rest.split_first_chunk::<4>().ok_or("it is cut short in its header")?;
    if u32::from_be_bytes(*version) != 1 {
        let version = u32::from_be_bytes(*version);
        return Err(format!("its format version is {version}, only 1 is known").into());
    }
    let body = rest.len().checked_sub(FOOTER_LENGTH).ok_or("it has no body")?;
    rest.get(..body).ok_or_else(|| "it has no body".into())
}

fn decompress(body: &[u8]) -> Result<Vec<u8>, Damage> {
    if let Some(deflated) = body.strip_prefix(b"DFL\0") {
        bounded(flate2::read::DeflateDecoder::new(deflated), "DEFLATE")
    } else if let Some(frame) = body.strip_prefix(b"ZSTD\0") {
        let decoder = zstd::stream::read::Decoder::with_buffer(frame)
            .map_err(|error| format!("its zstd body cannot be opened: {error}"))?;
        bounded(decoder, "zstd")
    } else {
        Ok(body.to_vec())
    }
}

/// Returns the plain bytes of a compressed mapping: as above, or a DEFLATE stream without a prefix.
pub(crate) fn decompress_value(bytes: &[u8]) -> Result<Vec<u8>, Damage> {
    const PREFIXES: [&[u8]; 2] = [b"DFL\0", b"ZSTD\0"];
    if PREFIXES.iter().any(|prefix| bytes.starts_with(prefix)) {
        decompress(bytes)
    } else if bytes.starts_with(b"{") || bytes.starts_with(b":)\n") {
        Ok(bytes.to_vec())
    } else {
        bounded(flate2::read::DeflateDecoder::new(bytes), "DEFLATE")
    }
}

fn bounded(reader: impl std::io::Read, method: &str) -> Result<Vec<u8>, Damage> {
    let mut plain = Vec::new();
    reader
        .take(MAX_BODY_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|error| format!("its {method} body cannot be decompressed: {error}"))?;
    if u64::try_from(plain.len()).unwrap_or(u64::MAX) > MAX_BODY_BYTES {
        return Err(format!("its {method} body is larger than {MAX_BODY_BYTES} bytes").into());
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::{FOOTER_MAGIC, MAGIC, open};

    fn wrap(codec: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(u8::try_from(codec.len()).expect("in range"));
        bytes.extend_from_slice(codec.as_bytes());
        bytes.extend_from_slice(&1_u32.to_be_bytes());
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(FOOTER_MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        let sum = u64::from(crc32fast::hash(&bytes));
        bytes.extend_from_slice(&sum.to_be_bytes());
        bytes
    }

    #[test]
    fn a_zstd_body_is_decompressed() {
        let mut body = b"ZSTD\0".to_vec();
        body.extend(zstd::stream::encode_all(&b":)\nhello"[..], 3).expect("compressible bytes"));
        assert_eq!(
            open(&wrap("snapshot", &body), "snapshot").expect("an intact container"),
            b":)\nhello"
        );
    }

    #[test]
    fn another_codec_is_named() {
        let error = open(&wrap("metadata", b"x"), "snapshot").expect_err("an error").to_string();
        assert_eq!(error, "it is a `metadata` file where a `snapshot` file is expected");
    }

    proptest! {
        #[test]
        fn any_plain_body_comes_back(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let body = [b":)\n".as_slice(), &body].concat();
            prop_assert_eq!(open(&wrap("snapshot", &body), "snapshot").expect("an intact container"), body);
        }

        #[test]
        fn one_flipped_bit_is_noticed(body in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut bytes = wrap("snapshot", &[b":)\n".as_slice(), &body].concat());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(open(&bytes, "snapshot").is_err());
        }
    }
}
