//! Versions as numbers, as in the setting `index.version.created`.
//!
//! ```text
//!   8500003            Elasticsearch: major * 1,000,000 + a count since
//!   7172999            Elasticsearch: major * 1,000,000 + minor * 10,000 + patch * 100 + 99
//!   136217827          OpenSearch:    2^27 xor (major * 1,000,000 + minor * 10,000 + ..)
//! ```

use super::{Distribution, ServerVersion};

/// The bit that marks the version number of an OpenSearch.
const OPENSEARCH_BIT: u64 = 1 << 27;

/// Smaller numbers are not version numbers.
pub const MIN_VERSION_NUMBER: u64 = 1_000_000;

/// From here on the numbers of Elasticsearch are counted: their digits contain only the major version.
const MIN_COUNTED_NUMBER: u64 = 8_500_000;

/// The release with which the counting began.
const FIRST_COUNTED_MINOR: u32 = 11;

/// Returns the product that writes a version number.
pub fn distribution_of(number: u64) -> Distribution {
    if number & OPENSEARCH_BIT == 0 {
        Distribution::Elasticsearch
    } else {
        Distribution::OpenSearch
    }
}

/// Returns whether a number is one of an index version that is counted apart from releases.
pub fn is_counted(number: u64) -> bool {
    number >= MIN_COUNTED_NUMBER && distribution_of(number) == Distribution::Elasticsearch
}

/// Returns the major, minor and patch version in a number; the last two digits are 99 in a release.
pub fn parts(number: u64) -> [u64; 3] {
    let number = number & !OPENSEARCH_BIT;
    [number / 1_000_000, number / 10_000 % 100, number / 100 % 100]
}

/// Returns the oldest version that writes this number, or `None` if it is not a version number.
pub fn version_of(number: u64) -> Option<ServerVersion> {
    if number < MIN_VERSION_NUMBER {
        return None;
    }
    let [major, minor, patch] = parts(number).map(|part| u32::try_from(part).ok());
    let major = major?;
    let (minor, patch) = match (is_counted(number), major) {
        (false, _) => (minor, patch),
        (true, 8) => (Some(FIRST_COUNTED_MINOR), None),
        (true, _) => (None, None),
    };
    Some(ServerVersion { distribution: distribution_of(number), major, minor, patch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_products_are_read() {
        let read = |number| version_of(number).map(|version| version.to_string());
        assert_eq!(read(5_061_699).as_deref(), Some("Elasticsearch 5.6.16"));
        assert_eq!(read(7_172_999).as_deref(), Some("Elasticsearch 7.17.29"));
        assert_eq!(read(8_537_000).as_deref(), Some("Elasticsearch 8.11"));
        assert_eq!(read(9_039_001).as_deref(), Some("Elasticsearch 9"));
        assert_eq!(read(136_408_227).as_deref(), Some("OpenSearch 2.19.4"));
        assert_eq!(read(135_249_827).as_deref(), Some("OpenSearch 1.3.20"));
        assert_eq!(read(42), None);
    }
}
