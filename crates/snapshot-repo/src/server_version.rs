//! Which server wrote a snapshot?
//!
//! Most snapshots say it as text (`7.10.2`). Elasticsearch 8.9 and newer may write a number
//! instead (`contract::version::number`), and every Elasticsearch from 8.11 on says that it is
//! 8.11.0: the millions of its index version are the true major version.

use contract::{
    Distribution, ServerVersion,
    version::number::{MIN_VERSION_NUMBER, distribution_of, is_counted, parts},
};
use serde::Deserialize;

/// A version as repositories spell it: `"7.10.2"`, or since 8.9 the number of an index version.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum VersionText {
    Number(u64),
    Text(String),
}

impl VersionText {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// What a snapshot says about the server that wrote it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    /// The product.
    pub(crate) distribution: Distribution,
    /// The version as the server reports it.
    pub(crate) version: Option<&'a str>,
    /// The number of the index version (Elasticsearch 8.11 and newer).
    pub(crate) index_version: Option<u64>,
}

/// Returns the release that a server reports. It stays the one with which the counting of index
/// versions began.
pub(crate) fn reported_release(number: u64) -> String {
    if is_counted(number) { "8.11.0".to_owned() } else { release(number) }
}

impl Writer<'_> {
    /// Returns the version of the server.
    pub(crate) fn server_version(&self) -> Option<ServerVersion> {
        let Self { distribution, version, index_version } = *self;
        corrected(version.and_then(parse), index_version)
            .map(|version| ServerVersion { distribution, ..version })
    }

    /// Returns the server's name and version for people: `Elasticsearch 7.10.2`. From 8.11 on the
    /// index version contains only the major version.
    pub(crate) fn label(&self) -> String {
        let Self { distribution, version, index_version } = self;
        let text = version.unwrap_or("of an unknown version");
        let number = text.parse().ok().filter(|number| *number >= MIN_VERSION_NUMBER);
        match index_version.or(number) {
            Some(number) if is_counted(number) => {
                format!("{distribution} {} (index version {number})", number / 1_000_000)
            }
            Some(id) if number.is_some() => format!("{distribution} {}", release(id)),
            Some(_) | None => format!("{distribution} {text}"),
        }
    }
}

fn release(number: u64) -> String {
    let [major, minor, patch] = parts(number);
    format!("{major}.{minor}.{patch}")
}

/// Takes what the server reports, unless its index version is of another major version.
fn corrected(reported: Option<ServerVersion>, index_version: Option<u64>) -> Option<ServerVersion> {
    let Some(major) = index_version.and_then(major_of) else { return reported };
    reported.filter(|reported| reported.major == major).or(Some(ServerVersion {
        distribution: Distribution::Elasticsearch,
        major,
        minor: None,
        patch: None,
    }))
}

/// Returns the major version in an index version. Below 8 the text says more.
fn major_of(index_version: u64) -> Option<u32> {
    u32::try_from(index_version / 1_000_000).ok().filter(|major| *major >= 8)
}

fn parse(text: &str) -> Option<ServerVersion> {
    let Ok(number) = text.parse::<u64>() else {
        // A range such as `8.9.0-8.9.2` begins with the lowest version.
        return text.split('-').next()?.parse().ok();
    };
    if number < MIN_VERSION_NUMBER {
        return text.parse().ok();
    }
    let [major, minor, patch] = parts(number).map(|part| u32::try_from(part).ok());
    let known = |part: Option<u32>| part.filter(|_| !is_counted(number));
    Some(ServerVersion {
        distribution: distribution_of(number),
        major: major?,
        minor: known(minor),
        patch: known(patch),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_numbers_are_read_for_both_products() {
        assert_eq!(release(5_061_699), "5.6.16");
        assert_eq!(release(136_408_227), "2.19.4");
    }

    #[test]
    fn text_and_numbers_are_read() {
        let read = |text: &str| parse(text).map(|version| version.to_string());
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
            corrected(parse("8.11.0"), Some(index_version)).map(|version| version.to_string())
        };
        assert_eq!(corrected(8_537_000).as_deref(), Some("Elasticsearch 8.11.0"));
        assert_eq!(corrected(9_039_001).as_deref(), Some("Elasticsearch 9"));
        assert_eq!(corrected(7_170_099).as_deref(), Some("Elasticsearch 8.11.0"));
    }
}
