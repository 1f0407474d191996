//! Can data be migrated from one version to another?
//!
//! | from                  | to OpenSearch | to Elasticsearch |
//! |-----------------------|---------------|------------------|
//! | Elasticsearch 5, 6, 7 | 1, 2, 3       | 7, 8, 9, never older than the source |
//! | Elasticsearch 8, 9    | 2, 3          | 8, 9, never older than the source    |
//! | OpenSearch 1, 2, 3    | the same or newer | none         |
//!
//! The compiler asks with what the user wrote, Initialize with what it detected.

use super::{Distribution, ServerVersion};

/// Whether a pair of versions is supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// Data can be migrated.
    Supported,
    /// It cannot, for this reason, which ends with what to do.
    Unsupported(String),
}

/// Tells whether data can be migrated from `source` to `target`.
pub fn support(source: &ServerVersion, target: &ServerVersion) -> Support {
    use Distribution::{Elasticsearch, OpenSearch};

    let unsupported = |reason: String| Support::Unsupported(reason);
    if !is_source(source) {
        return unsupported(format!(
            "{source} is not supported as a source; sources are Elasticsearch 5 to 9 and \
             OpenSearch 1 to 3"
        ));
    }
    if !is_target(target) {
        return unsupported(format!(
            "{target} is not supported as a target; migrate to OpenSearch 1 to 3 or \
             Elasticsearch 7 to 9"
        ));
    }
    let downgrade = || {
        unsupported(format!(
            "from {source} to {target} is a downgrade: the target does not support everything that \
             the source can store; choose a newer target"
        ))
    };
    match (source.distribution, target.distribution) {
        (OpenSearch, OpenSearch) | (Elasticsearch, Elasticsearch)
            if target.major < source.major =>
        {
            downgrade()
        }
        // OpenSearch 1 is a fork of Elasticsearch 7.10.
        (Elasticsearch, OpenSearch) if source.major >= 8 && target.major < 2 => downgrade(),
        (OpenSearch, Elasticsearch) => unsupported(format!(
            "from {source} to {target}: Elasticsearch is not supported as a target for OpenSearch; \
             migrate to OpenSearch"
        )),
        _ => Support::Supported,
    }
}

fn is_source(version: &ServerVersion) -> bool {
    match version.distribution {
        Distribution::Elasticsearch => (5..=9).contains(&version.major),
        Distribution::OpenSearch => (1..=3).contains(&version.major),
    }
}

fn is_target(version: &ServerVersion) -> bool {
    match version.distribution {
        Distribution::Elasticsearch => (7..=9).contains(&version.major),
        Distribution::OpenSearch => (1..=3).contains(&version.major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_supported(source: &str, target: &str) -> bool {
        let read = |text: &str| text.parse().expect("a version");
        support(&read(source), &read(target)) == Support::Supported
    }

    #[test]
    fn every_source_has_a_target_and_no_pair_goes_back() {
        for source in ["5.6", "6.8", "7.10", "7.17"] {
            for target in ["OS 1.3", "OS 2.19", "OS 3", "ES 7.17", "ES 8", "ES 9"] {
                assert!(is_supported(source, target), "{source} to {target}");
            }
        }
        assert!(is_supported("OS 1.3", "OS 3") && is_supported("OS 2", "OS 2"));
        assert!(is_supported("ES 8.19", "OS 2.19") && is_supported("ES 9", "OS 3"));
        for (source, target) in [
            ("OS 2", "OS 1"),
            ("ES 8", "OS 1.3"),
            ("ES 9", "ES 8"),
            ("OS 1", "ES 8"),
            ("ES 7", "ES 6.8"),
            ("ES 10", "OS 3"),
            ("ES 7", "ES 10"),
        ] {
            assert!(!is_supported(source, target), "{source} to {target}");
        }
    }

    #[test]
    fn a_refusal_names_both_versions() {
        let read = |text: &str| text.parse().expect("a version");
        let Support::Unsupported(reason) = support(&read("OS 2.19.1"), &read("OS 1.3")) else {
            panic!("supported");
        };
        assert!(reason.contains("OpenSearch 2.19.1") && reason.contains("OpenSearch 1.3"));
    }
}
