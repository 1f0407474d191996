//! The product and version of a server.
//!
//! Written by users as `7.10.2`, `ES 7.10`, `OS 1.3` or `OpenSearch 2.11.0`. A bare number says
//! the product by itself: Elasticsearch never had a 3.x, and OpenSearch starts at 1.

pub mod number;
mod support;

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::support::{Support, support};

/// The product a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distribution {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

impl fmt::Display for Distribution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        })
    }
}

/// A product and its version; minor and patch may be left out by a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ServerVersion {
    /// The product.
    pub distribution: Distribution,
    /// The first number.
    pub major: u32,
    /// The second number, if known.
    pub minor: Option<u32>,
    /// The third number, if known.
    pub patch: Option<u32>,
}

/// Why a text is not a version.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a version; write for example `7.10.2`, `ES 7.10` or `OS 2.19`")]
pub struct VersionError(pub String);

impl ServerVersion {
    /// Makes a version with all its numbers.
    pub const fn new(distribution: Distribution, major: u32, minor: u32, patch: u32) -> Self {
        Self { distribution, major, minor: Some(minor), patch: Some(patch) }
    }

    /// Returns whether `detected` is what this (perhaps shorter) version says.
    pub fn agrees_with(&self, detected: &Self) -> bool {
        self.distribution == detected.distribution
            && self.major == detected.major
            && self.minor.is_none_or(|minor| detected.minor.is_none_or(|other| minor == other))
            && self.patch.is_none_or(|patch| detected.patch.is_none_or(|other| patch == other))
    }

    /// Returns whether this version is at least `major.minor` of its product.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor.unwrap_or(0)) >= (major, minor)
    }

    /// Returns whether the product is OpenSearch.
    pub fn is_opensearch(&self) -> bool {
        self.distribution == Distribution::OpenSearch
    }
}

impl FromStr for ServerVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || VersionError(text.to_owned());
        let trimmed = text.trim();
        let digits =
            trimmed.find(|character: char| character.is_ascii_digit()).ok_or_else(wrong)?;
        let (word, numbers) = trimmed.split_at(digits);
        let word = word.trim_end_matches([' ', '_']);
        let mut parts = numbers.split('.').map(str::parse::<u32>);
        let major = parts.next().ok_or_else(wrong)?.map_err(|_| wrong())?;
        let minor = parts.next().transpose().map_err(|_| wrong())?;
        let patch = parts.next().transpose().map_err(|_| wrong())?;
        if parts.next().is_some() {
            return Err(wrong());
        }
        let distribution = match word.to_ascii_lowercase().as_str() {
            "es" | "elasticsearch" => Distribution::Elasticsearch,
            "os" | "opensearch" => Distribution::OpenSearch,
            "" if (1..=3).contains(&major) => Distribution::OpenSearch,
            "" if major >= 5 => Distribution::Elasticsearch,
            _ => return Err(wrong()),
        };
        Ok(Self { distribution, major, minor, patch })
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.distribution, self.major)?;
        for number in [self.minor, self.patch].into_iter().flatten() {
            write!(formatter, ".{number}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ServerVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServerVersion> for String {
    fn from(version: ServerVersion) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write_is_read() {
        let read = |text: &str| text.parse::<ServerVersion>().expect(text).to_string();
        assert_eq!(read("7.10.2"), "Elasticsearch 7.10.2");
        assert_eq!(read("ES 7.10"), "Elasticsearch 7.10");
        assert_eq!(read("OS 1.3"), "OpenSearch 1.3");
        assert_eq!(read("2.11.0"), "OpenSearch 2.11.0");
        assert_eq!(read("OpenSearch_3"), "OpenSearch 3");
        assert_eq!(read("Elasticsearch 5.6.16"), "Elasticsearch 5.6.16");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "latest", "7.x", "solr 8.11", "4.0", "1.2.3.4", "7..1", "-7"] {
            assert!(text.parse::<ServerVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_shorter_version_agrees_with_a_longer_one() {
        let detected = "7.10.2".parse().expect("a version");
        let agrees =
            |text: &str| text.parse::<ServerVersion>().expect("a version").agrees_with(&detected);
        assert!(agrees("7") && agrees("7.10") && agrees("ES 7.10.2"));
        assert!(!agrees("7.17") && !agrees("OS 2.10") && !agrees("7.10.1"));
    }
}
