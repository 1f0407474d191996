//! Do two patterns overlap? A search for a name that two groups both select.
//!
//! A state of the search consists of one state of each automaton: of the two patterns, and of every
//! exclusion of both groups. A character leads from state to state. The search is breadth first, so
//! the first state in which both patterns match and no exclusion does gives the shortest name.

use std::collections::{BTreeSet, VecDeque};

use contract::{IndexPattern, IndexSelection};

use super::{
    automaton::{Automaton, Run, State},
    candidate_pairs::{LiteralEnds, PrefixMap},
};

/// The number of states after which a search gives up. The register step checks the real names in
/// any case.
const MAX_STATES: usize = 5_000;
/// The ASCII characters that names can have. Which of them an expression distinguishes is not
/// known, so all are tried.
const NAME_CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_.+@!$%&'()=;[]^`{}~";

/// The number of states that are left for expressions, in all searches of one file. Where many
/// groups have expressions that begin with anything, each is compared with each.
pub(super) struct SearchBudget(usize);

impl SearchBudget {
    pub(super) const fn of_a_file() -> Self {
        Self(10_000)
    }
}

/// The patterns of a group, with the exclusions by what they begin with.
pub(super) struct GroupPatterns<'a> {
    selection: &'a IndexSelection,
    exclusions: PrefixMap<Automaton<'a>>,
}

impl<'a> GroupPatterns<'a> {
    pub(super) fn new(selection: &'a IndexSelection) -> Self {
        let mut exclusions = PrefixMap::default();
        for pattern in selection.patterns().iter().filter(|pattern| pattern.is_exclusion()) {
            if let Some(automaton) = Automaton::of(pattern) {
                exclusions.add(LiteralEnds::of(pattern).beginning, automaton);
            }
        }
        Self { selection, exclusions }
    }
}

/// A pattern that includes names.
pub(super) struct Inclusion<'a> {
    pub pattern: &'a IndexPattern,
    automaton: Option<Automaton<'a>>,
}

impl<'a> Inclusion<'a> {
    pub(super) fn new(pattern: &'a IndexPattern) -> Self {
        Self { pattern, automaton: Automaton::of(pattern) }
    }
}

/// Returns a name that `first` and `second` match and both groups select, if one is found.
pub(super) fn common_name(
    first: &Inclusion<'_>,
    second: &Inclusion<'_>,
    one: &GroupPatterns<'_>,
    two: &GroupPatterns<'_>,
    budget: &mut SearchBudget,
) -> Option<String> {
    let selected = |name: &str| one.selection.selects(name) && two.selection.selects(name);
    for (exact, other) in [(first, second), (second, first)] {
        if exact.pattern.is_exact() {
            let name: String = exact.pattern.glob()?.iter().collect();
            return (other.pattern.matches(&name) && selected(&name)).then_some(name);
        }
    }
    let globs = first.pattern.glob().zip(second.pattern.glob());
    let is_hopeless = match globs {
        Some((first, second)) => !ends_meet(first, second),
        None => budget.0 == 0,
    };
    if is_hopeless {
        return None;
    }
    let mut runs = vec![Run::new(first.automaton.as_ref()?), Run::new(second.automaton.as_ref()?)];
    // All names in question begin with the longer of the two beginnings, so only exclusions that
    // fit it can take one away.
    let beginning = [first, second].map(|inclusion| LiteralEnds::of(inclusion.pattern).beginning);
    let beginning = beginning.iter().max_by_key(|beginning| beginning.len())?;
    for side in [one, two] {
        let longer = side.exclusions.longer(beginning);
        runs.extend(longer.chain(side.exclusions.shorter(beginning)).map(Run::new));
    }
    search(runs, selected, budget)
}

/// Returns whether the texts after the last wildcards can end one name: a cheap first test.
fn ends_meet(first: &[char], second: &[char]) -> bool {
    let mut pairs = first.iter().rev().zip(second.iter().rev());
    let wild = |character: &char| matches!(character, '*' | '?');
    pairs
        .find(|(one, other)| wild(one) || wild(other) || one != other)
        .is_none_or(|(one, other)| wild(one) || wild(other))
}

/// The first two run for the patterns, the others for exclusions.
fn search(
    mut runs: Vec<Run<'_>>,
    selected: impl Fn(&str) -> bool,
    budget: &mut SearchBudget,
) -> Option<String> {
    let alphabet = alphabet(&runs);
    let is_expression = |run: &Run<'_>| matches!(run.automaton(), Automaton::Expression { .. });
    let has_expression = runs.iter().any(is_expression);
    let start: Vec<Option<State>> = runs.iter_mut().map(Run::start).collect();
    // The start is not among the states seen: no character has been read there, and a name has
    // some.
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(start, String::new())]);
    while let Some((state, name)) = queue.pop_front() {
        if has_expression {
            budget.0 = budget.0.checked_sub(1)?;
        }
        for character in &alphabet {
            // No index name begins so.
            if name.is_empty() && matches!(character, '-' | '_' | '+') {
                continue;
            }
            let next: Vec<Option<State>> = runs
                .iter_mut()
                .zip(&state)
                .map(|(run, state)| run.step(*state, *character))
                .collect();
            if next.iter().take(2).any(Option::is_none) {
                continue;
            }
            let mut name = name.clone();
            name.push(*character);
            // Only some patterns match names that begin with a dot, so these are different states.
            if !seen.insert((name.starts_with('.'), next.clone())) {
                continue;
            }
            if seen.len() > MAX_STATES {
                return None;
            }
            let mut verdicts = runs.iter_mut().zip(&next).map(|(run, state)| run.accepts(*state));
            let both = verdicts.by_ref().take(2).all(|accepts| accepts);
            if both && !verdicts.any(|accepts| accepts) && selected(&name) {
                return Some(name);
            }
            queue.push_back((next, name));
        }
    }
    None
}

/// Returns the characters that make a difference: those that a pattern has, and one that none has.
fn alphabet(runs: &[Run<'_>]) -> Vec<char> {
    let mut named = BTreeSet::new();
    for run in runs {
        match run.automaton() {
            Automaton::Glob(characters) => {
                named.extend(characters.iter().filter(|character| !matches!(character, '*' | '?')));
            }
            Automaton::Expression { beyond_ascii, .. } => {
                named.extend(NAME_CHARACTERS.chars());
                named.extend(beyond_ascii);
            }
        }
    }
    let other = ('a'..='z').chain('0'..='9').find(|character| !named.contains(character));
    let mut characters: Vec<char> = other.into_iter().chain(named).collect();
    // A name of letters is the easiest to recognise.
    characters.sort_by_key(|character| (!character.is_alphabetic(), !character.is_numeric()));
    characters
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
        let sides = (GroupPatterns::new(&one), GroupPatterns::new(&two));
        let inclusion =
            (Inclusion::new(one.patterns().first()?), Inclusion::new(two.patterns().first()?));
        common_name(&inclusion.0, &inclusion.1, &sides.0, &sides.1, &mut SearchBudget::of_a_file())
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
    fn expressions_are_offered_the_characters_that_a_pattern_can_have() {
        let is_character = |character: &char| {
            !matches!(character, '*' | '?')
                && format!("a{character}").parse::<IndexPattern>().is_ok()
        };
        for character in ' '..='~' {
            assert_eq!(
                NAME_CHARACTERS.contains(character),
                is_character(&character),
                "{character:?}"
            );
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

    fn names(characters: &str, longest: usize) -> Vec<String> {
        let mut all: Vec<String> = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|name| {
                    characters.chars().map(move |character| format!("{name}{character}"))
                })
                .collect();
            all.extend(last.iter().cloned());
        }
        all.remove(0);
        all
    }
}
