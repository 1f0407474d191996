//! Which server wrote a snapshot?
//!
//! Most snapshots tell it as text (`7.10.2`). Elasticsearch 8.9 and newer may write a number
//! instead, OpenSearch numbers have a bit of their own, and every Elasticsearch from 8.11 on says
//! that it is 8.11.0: the millions of its index version are the true major version.
//!
//! ```text
//!   8500003            Elasticsearch: major * 1,000,000 + a count since
//!   7172999            Elasticsearch: major * 1,000,000 + minor * 10,000 + patch * 100 + 99
//!   136217827          OpenSearch:    2^27 xor (major * 1,000,000 + minor * 10,000 + ..)
//! ```

use contract::{Distribution, ServerVersion};
use snapshot_repo::Snapshot;

/// The bit that tells an OpenSearch version number.
const OPENSEARCH: u64 = 1 << 27;

/// Numbers of Elasticsearch 8 are counted, not composed, from here on.
const COUNTED: u64 = 8_500_000;

/// Returns the version of the server that wrote the snapshot.
pub fn of_snapshot(snapshot: &Snapshot) -> Option<ServerVersion> {
    let distribution = match snapshot.distribution {
        snapshot_repo::Distribution::Elasticsearch => Distribution::Elasticsearch,
        snapshot_repo::Distribution::OpenSearch => Distribution::OpenSearch,
    };
    let told = snapshot.version.as_deref().and_then(read);
    corrected(told, snapshot.index_version).map(|version| ServerVersion { distribution, ..version })
}

/// Believes what the server said of itself, unless its index version is of another major version.
fn corrected(told: Option<ServerVersion>, index_version: Option<u64>) -> Option<ServerVersion> {
    let Some(major) = index_version.and_then(major_of) else { return told };
    told.filter(|told| told.major == major).or(Some(ServerVersion {
        distribution: Distribution::Elasticsearch,
        major,
        minor: None,
        patch: None,
    }))
}

/// Returns the major version that an index version tells; below 8 the text tells more.
fn major_of(index_version: u64) -> Option<u32> {
    u32::try_from(index_version / 1_000_000).ok().filter(|major| *major >= 8)
}

fn read(text: &str) -> Option<ServerVersion> {
    let Ok(number) = text.parse::<u64>() else {
        // A range such as `8.9.0-8.9.2` begins with the lowest version.
        return text.split('-').next()?.parse().ok();
    };
    if number < 1_000_000 {
        return text.parse().ok();
    }
    let (distribution, number) = if number & OPENSEARCH == 0 {
        (Distribution::Elasticsearch, number)
    } else {
        (Distribution::OpenSearch, number ^ OPENSEARCH)
    };
    let part = |divisor: u64, modulus: u64| u32::try_from(number / divisor % modulus).ok();
    let counted = distribution == Distribution::Elasticsearch && number >= COUNTED;
    Some(ServerVersion {
        distribution,
        major: part(1_000_000, 1_000)?,
        minor: part(10_000, 100).filter(|_| !counted),
        patch: part(100, 100).filter(|_| !counted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_numbers_are_read() {
        let read = |text: &str| read(text).map(|version| version.to_string());
        assert_eq!(read("7.10.2").as_deref(), Some("Elasticsearch 7.10.2"));
        assert_eq!(read("2.19.4").as_deref(), Some("OpenSearch 2.19.4"));
        assert_eq!(read("8.9.0-8.9.2").as_deref(), Some("Elasticsearch 8.9.0"));
        assert_eq!(read("7172999").as_deref(), Some("Elasticsearch 7.17.29"));
        assert_eq!(read("135249827").as_deref(), Some("OpenSearch 1.3.20"));
        assert_eq!(read("8500003").as_deref(), Some("Elasticsearch 8"));
        assert_eq!(read("unknown"), None);
    }

    #[test]
    fn the_index_version_tells_8_from_9() {
        let corrected = |index_version| {
            corrected(read("8.11.0"), Some(index_version)).map(|version| version.to_string())
        };
        assert_eq!(corrected(8_537_000).as_deref(), Some("Elasticsearch 8.11.0"));
        assert_eq!(corrected(9_039_001).as_deref(), Some("Elasticsearch 9"));
        assert_eq!(corrected(7_170_099).as_deref(), Some("Elasticsearch 8.11.0"));
    }
}
