//! Which two patterns can match one name at all? Only those whose literal ends fit each other.
//!
//! Every name that a wildcard pattern matches begins with the text before its first wildcard and
//! ends with the text after its last one. Of an expression only the beginning is used, and only
//! where it is plain. Two patterns can meet only if one of the beginnings
//! begins with the other, and one of the ends ends with the other. Sorted by beginnings, and by
//! ends read backwards, these pairs are neighbours: thousands of groups cost little more than
//! sorting them.

use std::{collections::BTreeMap, ops::Bound};

use contract::IndexPattern;

/// The literal ends of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiteralEnds {
    /// What every name begins with.
    pub beginning: String,
    /// What every name ends with, backwards.
    pub end: String,
}

impl LiteralEnds {
    /// Returns the ends of a pattern.
    pub(super) fn of(pattern: &IndexPattern) -> Self {
        if let Some(expression) = pattern.expression() {
            return Self { beginning: plain_beginning(expression), end: String::new() };
        }
        let characters = pattern.glob().unwrap_or_default();
        let literal = |character: &&char| !matches!(**character, '*' | '?');
        Self {
            beginning: characters.iter().take_while(literal).collect(),
            end: characters.iter().rev().take_while(literal).collect(),
        }
    }
}

/// Returns characters that each name begins with; too few where an expression is not simple.
fn plain_beginning(anchored: &str) -> String {
    let inner = anchored.strip_prefix("^(?:").unwrap_or_default();
    if inner.contains('|') {
        return String::new();
    }
    let inner = inner.strip_prefix('^').unwrap_or(inner);
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let end = inner.find(|character| !is_plain(character)).unwrap_or(inner.len());
    let (plain, rest) = inner.split_at(end);
    // The last character may be there any number of times.
    let may_lack = rest.starts_with(['*', '?', '{']);
    plain.split_at(plain.len().saturating_sub(may_lack.into())).0.to_owned()
}

/// Values by text, to be found by longer and by shorter texts.
pub(super) struct PrefixMap<T>(BTreeMap<String, Vec<T>>);

impl<T> Default for PrefixMap<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> PrefixMap<T> {
    pub(super) fn add(&mut self, text: String, value: T) {
        self.0.entry(text).or_default().push(value);
    }

    /// Returns the values whose text begins with `text`.
    pub(super) fn longer(&self, text: &str) -> impl Iterator<Item = &T> {
        let from = (Bound::Included(text), Bound::Unbounded);
        let range = self.0.range::<str, _>(from);
        range.take_while(move |(key, _)| key.starts_with(text)).flat_map(|(_, values)| values)
    }

    /// Returns the values whose text is a beginning of `text` and shorter.
    pub(super) fn shorter(&self, text: &str) -> impl Iterator<Item = &T> {
        let shorter = text.char_indices().filter_map(|(at, _)| text.get(..at));
        shorter.filter_map(|beginning| self.0.get(beginning)).flatten()
    }
}

/// Calls `visit` once with every two of `all` that may match one name, by their positions.
pub(super) fn pairs(all: &[LiteralEnds], mut visit: impl FnMut(usize, usize)) {
    let (mut by_beginning, mut by_end) = (PrefixMap::default(), PrefixMap::default());
    for (position, ends) in all.iter().enumerate() {
        by_end.add(ends.end.clone(), position);
        if !ends.beginning.is_empty() {
            by_beginning.add(ends.beginning.clone(), position);
        }
    }
    let is_open = |position: usize| all.get(position).is_some_and(|it| it.beginning.is_empty());
    for (position, ends) in all.iter().enumerate() {
        // A pattern without a literal beginning is found by its end. So it is compared with all
        // others only if it has no literal end either.
        if ends.beginning.is_empty() {
            for &other in by_end.longer(&ends.end) {
                let same_end = all.get(other).is_some_and(|it| it.end == ends.end);
                if !(same_end && is_open(other) && other <= position) {
                    visit(position, other);
                }
            }
            for &other in by_end.shorter(&ends.end).filter(|other| !is_open(**other)) {
                visit(position, other);
            }
        } else {
            for &other in by_beginning.longer(&ends.beginning) {
                let same = all.get(other).is_some_and(|it| it.beginning == ends.beginning);
                if !(same && other <= position) {
                    visit(position, other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_plain_beginning_of_an_expression_is_that_of_all_its_names() {
        for (expression, beginning) in [
            ("logs-[0-9]+", "logs-"),
            ("^logs_eu$", "logs_eu"),
            ("logs-?x", "logs"),
            ("logs{0,2}", "log"),
            ("logs+", "logs"),
            ("logs.*", "logs"),
            ("logs|metrics", ""),
            ("(?i)logs", ""),
            ("\\.kibana", ""),
        ] {
            let pattern = format!("regex:{expression}").parse().expect("a pattern");
            assert_eq!(LiteralEnds::of(&pattern).beginning, beginning, "{expression}");
        }
    }

    fn fit(one: &str, other: &str) -> bool {
        one.starts_with(other) || other.starts_with(one)
    }

    proptest! {
        #[test]
        fn every_pair_that_fits_is_visited_once(
            texts in proptest::collection::vec("[ab*?]{1,5}", 0..12),
        ) {
            let all: Vec<LiteralEnds> =
                texts.iter().map(|text| LiteralEnds::of(&text.parse().expect("a pattern"))).collect();
            let mut visited = BTreeSet::new();
            let mut twice = false;
            pairs(&all, |one, other| {
                twice |= one == other || !visited.insert((one.min(other), one.max(other)));
            });
            prop_assert!(!twice, "{texts:?}");
            for (position, one) in all.iter().enumerate() {
                for (other_position, other) in all.iter().enumerate().skip(position + 1) {
                    if fit(&one.beginning, &other.beginning) && fit(&one.end, &other.end) {
                        prop_assert!(visited.contains(&(position, other_position)), "{texts:?}");
                    }
                }
            }
        }
    }
}
