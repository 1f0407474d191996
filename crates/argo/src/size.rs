//! How many bytes is an object as JSON, as an API server stores it? Counted without keeping it.

use std::io;

use serde::Serialize;

/// Returns the length of a value as JSON without spaces. Returns
/// `usize::MAX` if it cannot be serialised.
pub fn json_size(value: &impl Serialize) -> usize {
    let mut length = ByteCounter(0);
    serde_json::to_writer(&mut length, value).map_or(usize::MAX, |()| length.0)
}

/// Counts bytes only.
struct ByteCounter(usize);

impl io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_as_long_as_it_is_written() {
        for value in [json!({}), json!([]), json!({ "a\n": ["\"ż\t\u{1}", 1.5, null, true] })] {
            assert_eq!(json_size(&value), value.to_string().len());
        }
    }

    #[test]
    fn what_json_cannot_say_fits_nowhere() {
        assert_eq!(json_size(&BTreeMap::from([(vec![1], 2)])), usize::MAX);
    }
}
