//! Which name do two groups both mean? A search, not a guess: the patterns run side by side over
//! all names at once.
//!
//! A state of the search is one of an automaton for each of the two patterns and for every
//! exclusion of both groups; a letter leads from state to state. Breadth first, the first state
//! where both patterns have matched and no exclusion has gives the shortest name.

use std::collections::{BTreeSet, VecDeque};

use contract::{IndexPattern, IndexSelection};

use super::{
    automaton::{Automaton, Run, State},
    candidates::{Ends, Nested},
};

/// States to look at before giving up; the register step looks at the real names anyway.
const MOST_STATES: usize = 5_000;
/// The letters of ASCII that names can have. What an expression tells apart is not known, so it is
/// offered all of them.
const LETTERS_OF_NAMES: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_.+@!$%&'()=;[]^`{}~";

/// How many more states are looked at for expressions, in all searches of one file: where many
/// groups mean expressions that begin with anything, each is compared with each.
pub(super) struct Effort(usize);

impl Effort {
    pub(super) const fn of_a_file() -> Self {
        Self(10_000)
    }
}

/// A group: what it means, and its exclusions by what they begin with.
pub(super) struct Side<'a> {
    selection: &'a IndexSelection,
    exclusions: Nested<Automaton<'a>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(selection: &'a IndexSelection) -> Self {
        let mut exclusions = Nested::default();
        for pattern in selection.patterns().iter().filter(|pattern| pattern.is_exclusion()) {
            if let Some(automaton) = Automaton::of(pattern) {
                exclusions.add(Ends::of(pattern).beginning, automaton);
            }
        }
        Self { selection, exclusions }
    }
}

/// A pattern that adds names.
pub(super) struct Adding<'a> {
    pub pattern: &'a IndexPattern,
    automaton: Option<Automaton<'a>>,
}

impl<'a> Adding<'a> {
    pub(super) fn new(pattern: &'a IndexPattern) -> Self {
        Self { pattern, automaton: Automaton::of(pattern) }
    }
}

/// Returns a name that `first` and `second` match and both groups mean, if one is found.
pub(super) fn witness(
    first: &Adding<'_>,
    second: &Adding<'_>,
    one: &Side<'_>,
    two: &Side<'_>,
    effort: &mut Effort,
) -> Option<String> {
    let means = |name: &str| one.selection.selects(name) && two.selection.selects(name);
    for (exact, other) in [(first, second), (second, first)] {
        if exact.pattern.is_exact() {
            let name: String = exact.pattern.glob()?.iter().collect();
            return (other.pattern.matches(&name) && means(&name)).then_some(name);
        }
    }
    let globs = first.pattern.glob().zip(second.pattern.glob());
    let is_hopeless = match globs {
        Some((first, second)) => !ends_meet(first, second),
        None => effort.0 == 0,
    };
    if is_hopeless {
        return None;
    }
    let mut runs = vec![Run::new(first.automaton.as_ref()?), Run::new(second.automaton.as_ref()?)];
    // All names in question begin with the longer of the two beginnings, so only exclusions that
    // fit it can take one away.
    let beginning = [first, second].map(|adding| Ends::of(adding.pattern).beginning);
    let beginning = beginning.iter().max_by_key(|beginning| beginning.len())?;
    for side in [one, two] {
        let longer = side.exclusions.longer(beginning);
        runs.extend(longer.chain(side.exclusions.shorter(beginning)).map(Run::new));
    }
    search(runs, means, effort)
}

/// Returns whether the texts after the last wildcards can end one name: a cheap first look.
fn ends_meet(first: &[char], second: &[char]) -> bool {
    let mut pairs = first.iter().rev().zip(second.iter().rev());
    let wild = |letter: &char| matches!(letter, '*' | '?');
    pairs
        .find(|(one, other)| wild(one) || wild(other) || one != other)
        .is_none_or(|(one, other)| wild(one) || wild(other))
}

/// The first two run for the patterns, the others for exclusions.
fn search(
    mut runs: Vec<Run<'_>>,
    means: impl Fn(&str) -> bool,
    effort: &mut Effort,
) -> Option<String> {
    let alphabet = alphabet(&runs);
    let is_expression = |run: &Run<'_>| matches!(run.automaton(), Automaton::Expression { .. });
    let has_expression = runs.iter().any(is_expression);
    let start: Vec<Option<State>> = runs.iter_mut().map(Run::start).collect();
    // The start is not among the states seen: no letter has been read there, and a name has some.
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(start, String::new())]);
    while let Some((state, name)) = queue.pop_front() {
        if has_expression {
            effort.0 = effort.0.checked_sub(1)?;
        }
        for letter in &alphabet {
            // No index name begins so.
            if name.is_empty() && matches!(letter, '-' | '_' | '+') {
                continue;
            }
            let next: Vec<Option<State>> =
                runs.iter_mut().zip(&state).map(|(run, state)| run.step(*state, *letter)).collect();
            if next.iter().take(2).any(Option::is_none) {
                continue;
            }
            let mut name = name.clone();
            name.push(*letter);
            // Only some patterns mean names with a dot before them, so these are told apart.
            if !seen.insert((name.starts_with('.'), next.clone())) {
                continue;
            }
            if seen.len() > MOST_STATES {
                return None;
            }
            let mut verdicts = runs.iter_mut().zip(&next).map(|(run, state)| run.accepts(*state));
            let both = verdicts.by_ref().take(2).all(|accepts| accepts);
            if both && !verdicts.any(|accepts| accepts) && means(&name) {
                return Some(name);
            }
            queue.push_back((next, name));
        }
    }
    None
}

/// Returns the letters that make a difference: one that no pattern names, and those they do.
fn alphabet(runs: &[Run<'_>]) -> Vec<char> {
    let mut named = BTreeSet::new();
    for run in runs {
        match run.automaton() {
            Automaton::Glob(letters) => {
                named.extend(letters.iter().filter(|letter| !matches!(letter, '*' | '?')));
            }
            Automaton::Expression { beyond_ascii, .. } => {
                named.extend(LETTERS_OF_NAMES.chars());
                named.extend(beyond_ascii);
            }
        }
    }
    let other = ('a'..='z').chain('0'..='9').find(|letter| !named.contains(letter));
    let mut letters: Vec<char> = other.into_iter().chain(named).collect();
    // Names of letters are recognised soonest.
    letters.sort_by_key(|letter| (!letter.is_alphabetic(), !letter.is_numeric()));
    letters
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
        let adding = (Adding::new(one.patterns().first()?), Adding::new(two.patterns().first()?));
        witness(&adding.0, &adding.1, &sides.0, &sides.1, &mut Effort::of_a_file())
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
    fn expressions_meet_what_they_match() {
        assert_eq!(found(&["regex:logs-.*"], &["logs-*"]).as_deref(), Some("logs-"));
        assert_eq!(found(&["regex:logs-[0-9]{4}"], &["*-2024"]).as_deref(), Some("logs-2024"));
        assert_eq!(found(&["regex:[a-f]+"], &["regex:[f-z]x?"]).as_deref(), Some("f"));
        assert_eq!(found(&["regex:(\\.|ab)c"], &["*c"]).as_deref(), Some("abc"));
        assert_eq!(found(&["regex:(?i)LOGS"], &["log?"]).as_deref(), Some("logs"));
        assert_eq!(found(&["regex:ż+"], &["?"]).as_deref(), Some("ż"));
        assert_eq!(found(&["regex:logs-[a-z]+"], &["logs-2*"]), None);
        assert_eq!(found(&["regex:(a|b)+"], &["regex:(c|d)+"]), None);
        assert_eq!(found(&["*", "-regex:logs-.*"], &["regex:logs-[0-9]+"]), None);
        assert_eq!(found(&["regex:\\.kib.*"], &["*"]), None);
    }

    #[test]
    fn expressions_without_end_are_given_up() {
        assert_eq!(found(&["regex:.*a.{20}b.{20}"], &["regex:.*b.{20}a.{20}c_.{30}"]), None);
    }

    #[test]
    fn expressions_are_offered_the_letters_that_a_pattern_can_have() {
        let is_letter = |letter: &char| {
            !matches!(letter, '*' | '?') && format!("a{letter}").parse::<IndexPattern>().is_ok()
        };
        for letter in ' '..='~' {
            assert_eq!(LETTERS_OF_NAMES.contains(letter), is_letter(&letter), "{letter:?}");
        }
    }

    #[test]
    fn exclusions_of_either_group_take_names_away() {
        assert_eq!(found(&["a*", "-ab*"], &["ab*"]), None);
        assert_eq!(found(&["a*"], &["ab*", "-a*"]), None);
        assert_eq!(found(&["a*", "-ab"], &["ab*"]).as_deref(), Some("abc"));
        assert_eq!(found(&["*", "-regex:[a-z]"], &["*"]).as_deref(), Some("0"));
    }

    #[test]
    fn a_name_is_found_exactly_when_there_is_one() {
        use proptest::prelude::*;

        let pattern = "[ab*?]{1,6}|regex:[ab.]{1,3}[*?+]?[ab.]{0,3}|regex:\\[ab\\]+\\(b\\|ab\\)";
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
