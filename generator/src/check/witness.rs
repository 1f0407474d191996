//! Which name do two groups both mean? A search, not a guess: the patterns run side by side over
//! all names at once.
//!
//! A set of positions in a wildcard pattern says how far it has matched. A state of the search is
//! one such set for each of the two patterns and for every exclusion of both groups; a letter
//! leads from state to state. Breadth first, the first state where both patterns have matched and
//! no exclusion has gives the shortest name. Expressions have no positions: what they exclude is
//! asked for at the end, and an expression meets only exact names.

use std::collections::{BTreeSet, VecDeque};

use step_api::{IndexPattern, IndexSelection};

use super::candidates::{Ends, Nested};

/// States to look at before giving up; the register step looks at the real names anyway.
const MOST_STATES: usize = 5_000;
/// Names to offer to expressions before giving up.
const MOST_OFFERS: usize = 100;
/// Where expressions exclude, names up to this length count as different although the wildcards
/// see no difference.
const LENGTHS_TOLD_APART: usize = 8;

/// A group: what it means, and its exclusions by what they begin with.
pub(super) struct Side<'a> {
    selection: &'a IndexSelection,
    exclusions: Nested<&'a [char]>,
    has_excluding_expression: bool,
}

impl<'a> Side<'a> {
    pub(super) fn new(selection: &'a IndexSelection) -> Self {
        let mut exclusions = Nested::default();
        let mut has_excluding_expression = false;
        for pattern in selection.patterns().iter().filter(|pattern| pattern.is_exclusion()) {
            match pattern.glob() {
                Some(letters) => exclusions.add(Ends::of(pattern).beginning, letters),
                None => has_excluding_expression = true,
            }
        }
        Self { selection, exclusions, has_excluding_expression }
    }
}

/// Returns a name that `first` and `second` match and both groups mean, if one is found.
pub(super) fn witness(
    first: &IndexPattern,
    second: &IndexPattern,
    one: &Side<'_>,
    two: &Side<'_>,
) -> Option<String> {
    let means = |name: &str| one.selection.selects(name) && two.selection.selects(name);
    for (exact, other) in [(first, second), (second, first)] {
        if exact.is_exact() {
            let name: String = exact.glob()?.iter().collect();
            return (other.matches(&name) && means(&name)).then_some(name);
        }
    }
    let (first_letters, second_letters) = (first.glob()?, second.glob()?);
    if !ends_meet(first_letters, second_letters) {
        return None;
    }
    let mut globs = vec![Glob::new(first_letters)?, Glob::new(second_letters)?];
    // All names in question begin with the longer of the two beginnings, so only exclusions that
    // fit it can take one away.
    let beginning = [Ends::of(first), Ends::of(second)].map(|ends| ends.beginning);
    let beginning = beginning.iter().max_by_key(|beginning| beginning.len())?;
    for side in [one, two] {
        let longer = side.exclusions.longer(beginning);
        let near = longer.chain(side.exclusions.shorter(beginning));
        globs.extend(near.filter_map(|letters| Glob::new(letters)));
    }
    // Names of several lengths are offered, for an expression may exclude the shortest.
    let told_apart = if one.has_excluding_expression || two.has_excluding_expression {
        LENGTHS_TOLD_APART
    } else {
        0
    };
    search(&globs, told_apart, means)
}

/// Returns whether the texts after the last wildcards can end one name: a cheap first look.
fn ends_meet(first: &[char], second: &[char]) -> bool {
    let mut pairs = first.iter().rev().zip(second.iter().rev());
    let wild = |letter: &char| matches!(letter, '*' | '?');
    pairs
        .find(|(one, other)| wild(one) || wild(other) || one != other)
        .is_none_or(|(one, other)| wild(one) || wild(other))
}

/// A wildcard pattern as positions; bit `n` of a set says that `n` letters have been matched.
struct Glob<'a> {
    letters: &'a [char],
}

impl<'a> Glob<'a> {
    /// Takes a pattern whose positions fit a set.
    fn new(letters: &'a [char]) -> Option<Self> {
        (letters.len() < 128).then_some(Self { letters })
    }

    fn start(&self) -> u128 {
        self.past_stars(1)
    }

    /// A star may match nothing, so the position behind it is reached with the one before it.
    fn past_stars(&self, mut set: u128) -> u128 {
        for (position, letter) in self.letters.iter().enumerate() {
            if *letter == '*' && set & (1 << position) != 0 {
                set |= 1 << (position + 1);
            }
        }
        set
    }

    fn step(&self, set: u128, letter: char) -> u128 {
        let mut next = 0;
        for (position, expected) in self.letters.iter().enumerate() {
            if set & (1 << position) != 0 {
                match expected {
                    '*' => next |= 1 << position,
                    '?' => next |= 1 << (position + 1),
                    expected if *expected == letter => next |= 1 << (position + 1),
                    _ => {}
                }
            }
        }
        self.past_stars(next)
    }

    fn accepts(&self, set: u128) -> bool {
        set & (1 << self.letters.len()) != 0
    }
}

fn search(globs: &[Glob<'_>], told_apart: usize, means: impl Fn(&str) -> bool) -> Option<String> {
    let alphabet = alphabet(globs);
    let start: Vec<u128> = globs.iter().map(Glob::start).collect();
    // The start is not among the states seen: no letter has been read there, and a name has some.
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(start, String::new())]);
    let mut offers = 0;
    while let Some((state, name)) = queue.pop_front() {
        for letter in &alphabet {
            if name.is_empty() && !may_begin(*letter, globs) {
                continue;
            }
            let next: Vec<u128> =
                globs.iter().zip(&state).map(|(glob, set)| glob.step(*set, *letter)).collect();
            let alive = next.iter().take(2).all(|set| *set != 0);
            if !alive
                || seen.len() >= MOST_STATES
                || !seen.insert((next.clone(), (name.len() + 1).min(told_apart)))
            {
                continue;
            }
            let mut name = name.clone();
            name.push(*letter);
            let accepted = |(glob, set): (&Glob<'_>, &u128)| glob.accepts(*set);
            let mut verdicts = globs.iter().zip(&next).map(accepted);
            let both = verdicts.by_ref().take(2).all(|accepts| accepts);
            if both && !verdicts.any(|accepts| accepts) {
                if means(&name) {
                    return Some(name);
                }
                offers += 1;
                if offers >= MOST_OFFERS {
                    return None;
                }
            }
            queue.push_back((next, name));
        }
    }
    None
}

/// Returns the letters that make a difference: one that no pattern names, then those they do.
fn alphabet(globs: &[Glob<'_>]) -> Vec<char> {
    let named: BTreeSet<char> = globs
        .iter()
        .flat_map(|glob| glob.letters)
        .copied()
        .filter(|letter| !matches!(letter, '*' | '?'))
        .collect();
    let other = ('a'..='z').chain('0'..='9').find(|letter| !named.contains(letter));
    other.into_iter().chain(named).collect()
}

/// No index name begins with `-`, `_` or `+`, and only patterns with a dot mean names with one.
fn may_begin(letter: char, globs: &[Glob<'_>]) -> bool {
    match letter {
        '-' | '_' | '+' => false,
        '.' => globs.iter().take(2).all(|glob| glob.letters.first() == Some(&'.')),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(one: &[&str], two: &[&str]) -> Option<String> {
        let read = |texts: &[&str]| {
            let patterns = texts.iter().map(|text| text.parse().expect("a pattern")).collect();
            IndexSelection::new(patterns)
        };
        let (one, two) = (read(one), read(two));
        let sides = (Side::new(&one), Side::new(&two));
        witness(one.patterns().first()?, two.patterns().first()?, &sides.0, &sides.1)
    }

    #[test]
    fn the_shortest_name_is_shown() {
        assert_eq!(found(&["orders-*"], &["*-2024"]).as_deref(), Some("orders-2024"));
        assert_eq!(found(&["*"], &["*"]).as_deref(), Some("a"));
        assert_eq!(found(&["a?c*"], &["*b?"]).as_deref(), Some("abc"));
        assert_eq!(found(&["logs-*-eu"], &["logs-2024-*"]).as_deref(), Some("logs-2024-eu"));
    }

    #[test]
    fn patterns_that_cannot_meet_have_none() {
        assert_eq!(found(&["a*"], &["b*"]), None);
        assert_eq!(found(&["*a"], &["*b"]), None);
        assert_eq!(found(&["a?"], &["a??"]), None);
        assert_eq!(found(&["*x*"], &["ab"]), None);
        assert_eq!(found(&["*"], &[".kib*"]), None);
        assert_eq!(found(&["*"], &["_*"]), None);
    }

    #[test]
    fn exclusions_of_either_group_take_names_away() {
        assert_eq!(found(&["a*", "-ab*"], &["ab*"]), None);
        assert_eq!(found(&["a*"], &["ab*", "-a*"]), None);
        assert_eq!(found(&["a*", "-ab"], &["ab*"]).as_deref(), Some("abc"));
        assert_eq!(found(&["*", "-regex:[a-z]"], &["*"]).as_deref(), Some("aa"));
    }

    #[test]
    fn a_name_is_found_exactly_when_there_is_one() {
        use proptest::prelude::*;

        let pattern = "[ab*?]{1,6}";
        let list = proptest::collection::vec(pattern, 0..3);
        let ran = proptest::test_runner::TestRunner::default().run(
            &(pattern, pattern, list),
            |(one, two, exclusions)| {
                let first: Vec<&str> = vec![&one];
                let exclusions: Vec<String> =
                    exclusions.iter().map(|text| format!("-{text}")).collect();
                let mut second: Vec<&str> = vec![&two];
                second.extend(exclusions.iter().map(String::as_str));
                let name = found(&first, &second);
                let read = |texts: &[&str]| {
                    IndexSelection::new(
                        texts.iter().map(|text| text.parse().expect("read")).collect(),
                    )
                };
                let (one, two) = (read(&first), read(&second));
                let short =
                    names("abc", 5).into_iter().find(|it| one.selects(it) && two.selects(it));
                prop_assert!(name.is_some() || short.is_none(), "{:?} was not found", short);
                if let Some(name) = name {
                    prop_assert!(one.selects(&name) && two.selects(&name), "{}", name);
                }
                Ok(())
            },
        );
        ran.expect("the search finds what trying all short names finds, and nothing else");
    }

    fn names(letters: &str, longest: usize) -> Vec<String> {
        let mut all: Vec<String> = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|name| letters.chars().map(move |letter| format!("{name}{letter}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all.remove(0);
        all
    }
}
