//! Which names does a list of patterns match? Exact names, `*` and `?` wildcards, `regex:`
//! expressions, and exclusions with a leading `-`.
//!
//! Unlike [`crate::IndexSelection`], this is for names of any kind (those of templates may have
//! capitals), and a leading dot has no meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern::{IndexPattern, PatternError};

/// Patterns of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>")]
#[schemars(with = "Vec<String>")]
pub struct NamePatterns(Vec<IndexPattern>);

impl NamePatterns {
    /// Returns whether some pattern matches the name and no exclusion does.
    pub fn matches(&self, name: &str) -> bool {
        let (exclusions, inclusions): (Vec<&IndexPattern>, Vec<&IndexPattern>) =
            self.0.iter().partition(|pattern| pattern.is_exclusion());
        inclusions.iter().any(|pattern| pattern.matches(name))
            && !exclusions.iter().any(|pattern| pattern.matches(name))
    }
}

impl FromIterator<IndexPattern> for NamePatterns {
    fn from_iter<I: IntoIterator<Item = IndexPattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl TryFrom<Vec<String>> for NamePatterns {
    type Error = PatternError;

    fn try_from(texts: Vec<String>) -> Result<Self, PatternError> {
        texts.iter().map(|text| IndexPattern::of_any_name(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Result<NamePatterns, PatternError> {
        texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn exclusions_win() {
        let patterns = patterns(&["Shop*", "-Shop-old*", "regex:.*@[a-z]+"]).expect("patterns");
        for (name, expected) in [
            ("Shop-1", true),
            ("Shop-old-1", false),
            ("logs@custom", true),
            (".logs@custom", true),
            ("logs", false),
        ] {
            assert_eq!(patterns.matches(name), expected, "{name}");
        }
    }

    #[test]
    fn what_no_name_can_match_is_refused() {
        assert!(patterns(&[""]).is_err());
        assert!(patterns(&["regex:("]).is_err());
    }
}
