//! Writes headers and footers as Lucene does, for the tests of the decoders.

use super::{FOOTER_MAGIC, HEADER_MAGIC};

/// The id in test files.
pub(crate) const ID: [u8; 16] = *b"0123456789abcdef";

/// Returns a file with a header, this content and a footer.
pub(crate) fn file(name: &str, version: u32, suffix: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = HEADER_MAGIC.to_be_bytes().to_vec();
    bytes.push(u8::try_from(name.len()).expect("in range"));
    bytes.extend(name.as_bytes());
    bytes.extend(version.to_be_bytes());
    bytes.extend(ID);
    bytes.push(u8::try_from(suffix.len()).expect("in range"));
    bytes.extend(suffix.as_bytes());
    bytes.extend(content);
    bytes.extend(FOOTER_MAGIC.to_be_bytes());
    bytes.extend([0; 4]);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(u64::from(checksum).to_be_bytes());
    bytes
}
