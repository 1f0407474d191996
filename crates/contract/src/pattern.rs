//! Which indices does a group select?
//!
//! A selection is a list of patterns: exact names, `*` and `?` wildcards, `regex:` expressions,
//! and exclusions with a leading `-`. A name is selected if some pattern matches it and no
//! exclusion does. Names that begin with a dot (system indices) are matched only by patterns
//! that begin with a dot themselves. The names that were left out for their dot are returned too,
//! so that nothing is left out silently.

use std::{fmt, str::FromStr, sync::Arc};

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// One entry of `indices`.
#[derive(Clone, Debug)]
pub struct IndexPattern {
    text: String,
    exclusion: bool,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Glob(Vec<char>),
    Regex(Regex),
}

/// Why a text is not an index pattern.
#[derive(Debug, Error)]
pub enum PatternError {
    /// An empty text.
    #[error("an index pattern is empty; write a name, `logs-*` or `regex:...`")]
    Empty,
    /// A character that an index name cannot contain.
    #[error("`{pattern}` contains `{character}`, which an index name cannot contain; remove it")]
    Character {
        /// The pattern.
        pattern: String,
        /// The character.
        character: char,
    },
    /// The expression after `regex:` is malformed.
    #[error("`{pattern}` is not a regular expression: {reason}")]
    Regex {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl IndexPattern {
    /// Reads a pattern of names that need not be those of indices.
    pub fn of_any_name(text: &str) -> Result<Self, PatternError> {
        Self::read(text, |_| false)
    }

    /// Returns whether the pattern excludes names.
    pub fn is_exclusion(&self) -> bool {
        self.exclusion
    }

    /// Returns the wildcard pattern without its `-`, or `None` for a regular expression.
    pub fn glob(&self) -> Option<&[char]> {
        match &self.matcher {
            Matcher::Glob(characters) => Some(characters),
            Matcher::Regex(_) => None,
        }
    }

    /// Returns the regular expression, anchored at both ends, or `None` for a wildcard pattern.
    pub fn expression(&self) -> Option<&str> {
        match &self.matcher {
            Matcher::Glob(_) => None,
            Matcher::Regex(regex) => Some(regex.as_str()),
        }
    }

    /// Returns whether the pattern is an exact name.
    pub fn is_exact(&self) -> bool {
        self.glob().is_some_and(|characters| {
            !characters.iter().any(|character| matches!(character, '*' | '?'))
        })
    }

    /// Returns whether the pattern's text matches `name`; an exclusion matches what it excludes.
    pub fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Glob(characters) => glob_matches(characters, name),
            Matcher::Regex(regex) => regex.is_match(name),
        }
    }

    fn read(text: &str, is_forbidden: fn(char) -> bool) -> Result<Self, PatternError> {
        let (exclusion, pattern) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if pattern.trim().is_empty() {
            return Err(PatternError::Empty);
        }
        let matcher = if let Some(expression) = pattern.strip_prefix("regex:") {
            if expression.is_empty() {
                return Err(PatternError::Empty);
            }
            let regex = Regex::new(&format!("^(?:{expression})$")).map_err(|error| {
                // The last line of the message says what is wrong; the rest draws the place.
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                PatternError::Regex {
                    pattern: text.to_owned(),
                    reason: reason.trim_start_matches("error: ").to_owned(),
                }
            })?;
            Matcher::Regex(regex)
        } else {
            if let Some(character) = pattern.chars().find(|character| is_forbidden(*character)) {
                return Err(PatternError::Character { pattern: text.to_owned(), character });
            }
            Matcher::Glob(pattern.chars().collect())
        };
        Ok(Self { text: text.to_owned(), exclusion, matcher })
    }

    /// Returns whether the pattern may match names that begin with a dot.
    fn reaches_dot_names(&self) -> bool {
        let text = self.text.trim_start_matches('-');
        match text.strip_prefix("regex:") {
            Some(regex) => {
                let regex = regex.trim_start_matches('^');
                regex.starts_with("\\.") || regex.starts_with("[.]")
            }
            None => text.starts_with('.'),
        }
    }
}

impl FromStr for IndexPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text, |character| {
            character.is_uppercase()
                || character.is_whitespace()
                || matches!(character, '\\' | '/' | '"' | '<' | '>' | '|' | ',' | '#' | ':')
        })
    }
}

/// A pattern is what was written.
impl PartialEq for IndexPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for IndexPattern {}

impl Serialize for IndexPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Display for IndexPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Matches `*` and `?` in time proportional to the product of the lengths, at worst.
fn glob_matches(pattern: &[char], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut position) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while position < name.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at + 1, position));
                at += 1;
            }
            Some(character) if *character == '?' || name.get(position) == Some(character) => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((after_star, start)) = retry else { return false };
                retry = Some((after_star, start + 1));
                at = after_star;
                position = start + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|character| *character == '*')
}

/// The patterns of one group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>")]
#[schemars(with = "Vec<String>")]
pub struct IndexSelection {
    // Shared by the copies: every request of a group holds one.
    patterns: Arc<[IndexPattern]>,
}

/// The names of a list that a selection selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedNames {
    /// The selected names, in the order given.
    pub names: Vec<String>,
    /// Names that begin with a dot and would be selected by a pattern that begins with a dot.
    pub passed_over: Vec<String>,
}

impl IndexSelection {
    /// Makes a selection of patterns.
    pub fn new(patterns: Vec<IndexPattern>) -> Self {
        Self { patterns: patterns.into() }
    }

    /// Returns the patterns as they were written.
    pub fn patterns(&self) -> &[IndexPattern] {
        &self.patterns
    }

    /// Returns whether the selection selects the index `name`.
    pub fn selects(&self, name: &str) -> bool {
        self.classify(name) == Match::Selected
    }

    /// Sorts `names` into those that are selected and those passed over for their leading dot.
    pub fn pick<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> SelectedNames {
        let mut selected = SelectedNames::default();
        for name in names {
            match self.classify(name) {
                Match::Selected => selected.names.push(name.to_owned()),
                Match::PassedOver => selected.passed_over.push(name.to_owned()),
                Match::Other => {}
            }
        }
        selected
    }

    fn classify(&self, name: &str) -> Match {
        let excluded = |pattern: &IndexPattern| pattern.exclusion && pattern.matches(name);
        if self.patterns.iter().any(excluded) {
            return Match::Other;
        }
        let mut result = Match::Other;
        for pattern in self.patterns.iter().filter(|pattern| !pattern.exclusion) {
            if pattern.matches(name) {
                if !name.starts_with('.') || pattern.reaches_dot_names() {
                    return Match::Selected;
                }
                result = Match::PassedOver;
            }
        }
        result
    }
}

#[derive(PartialEq, Eq)]
enum Match {
    Selected,
    PassedOver,
    Other,
}

impl TryFrom<Vec<String>> for IndexSelection {
    type Error = PatternError;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Self::new)
    }
}

impl Serialize for IndexSelection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.patterns.iter())
    }
}

impl fmt::Display for IndexSelection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, pattern) in self.patterns.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(formatter, "{comma}`{pattern}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(patterns: &[&str]) -> IndexSelection {
        patterns
            .iter()
            .map(|&pattern| pattern.to_owned())
            .collect::<Vec<_>>()
            .try_into()
            .expect("patterns")
    }

    #[test]
    fn names_wildcards_exclusions_and_expressions_select() {
        let selection = selection(&["orders-*", "-orders-tmp-*", "regex:customers-[0-9]+", "a?c"]);
        let names =
            ["orders-1", "orders-tmp-1", "customers-12", "customers-x", "abc", "ac", "abbc"];
        assert_eq!(selection.pick(names).names, ["orders-1", "customers-12", "abc"]);
    }

    #[test]
    fn a_dot_name_needs_a_pattern_with_a_dot() {
        let all = selection(&["*"]).pick([".kibana", "logs"]);
        assert_eq!(all.names, ["logs"]);
        assert_eq!(all.passed_over, [".kibana"]);
        assert!(selection(&[".kib*"]).selects(".kibana"));
        assert!(selection(&["regex:\\.kib.*"]).selects(".kibana"));
    }

    #[test]
    fn a_regex_matches_the_whole_name() {
        assert!(!selection(&["regex:log|metric"]).selects("logs"));
        assert!(selection(&["regex:log|metric"]).selects("metric"));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = "*a".repeat(40);
        assert!(!selection(&[&pattern]).selects(&"a".repeat(39)));
        assert!(!selection(&[&pattern]).selects(&"b".repeat(5000)));
    }

    #[test]
    fn bad_patterns_are_refused() {
        for text in ["", "-", "  ", "regex:", "regex:(", "Logs", "a b", "a,b", "a/b"] {
            assert!(text.parse::<IndexPattern>().is_err(), "{text:?}");
        }
    }
}
