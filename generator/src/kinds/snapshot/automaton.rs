//! How far has a name matched a pattern? A pattern as an automaton: each character of a name leads
//! from state to state.
//!
//! A set of positions in a wildcard pattern says how far it has matched. An expression is read by
//! the library that matches it in the steps; it finds the states as they are reached.

use contract::IndexPattern;
use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
};

/// A pattern, without its sign.
pub(super) enum Automaton<'a> {
    /// A wildcard pattern whose positions fit a set.
    Glob(&'a [char]),
    /// An expression, or a wildcard pattern that is longer.
    Expression {
        states: Box<DFA>,
        /// The characters in its text that few names have.
        beyond_ascii: Vec<char>,
    },
}

/// How far a name has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Bit `n` says that `n` characters of the pattern have been matched.
    Positions(u128),
    /// The state of an expression.
    Reached(LazyStateID),
}

impl<'a> Automaton<'a> {
    /// Returns `None` for an expression whose states cannot be computed, or are too many.
    pub(super) fn of(pattern: &'a IndexPattern) -> Option<Self> {
        match (pattern.glob(), pattern.expression()) {
            (Some(characters), _) if characters.len() < 128 => Some(Self::Glob(characters)),
            (Some(characters), _) => Self::expression(&as_expression(characters)),
            (None, expression) => Self::expression(expression?),
        }
    }

    fn expression(text: &str) -> Option<Self> {
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            // A state keeps its id as long as the search runs.
            .minimum_cache_clear_count(Some(0));
        let states = DFA::builder().configure(config).build(text).ok()?;
        let beyond_ascii = text.chars().filter(|character| !character.is_ascii()).collect();
        Some(Self::Expression { states: Box::new(states), beyond_ascii })
    }
}

fn as_expression(characters: &[char]) -> String {
    let mut text = String::from("^");
    for character in characters {
        match character {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            character => {
                if character.is_ascii_punctuation() {
                    text.push('\\');
                }
                text.push(*character);
            }
        }
    }
    text + "$"
}

/// An automaton in one search, with the states of an expression that were found so far.
pub(super) struct Run<'a> {
    automaton: &'a Automaton<'a>,
    found: Option<Cache>,
}

impl<'a> Run<'a> {
    pub(super) fn new(automaton: &'a Automaton<'a>) -> Self {
        let found = match automaton {
            Automaton::Glob(_) => None,
            Automaton::Expression { states, .. } => Some(states.create_cache()),
        };
        Self { automaton, found }
    }

    pub(super) fn automaton(&self) -> &'a Automaton<'a> {
        self.automaton
    }

    /// Returns the state before the first character.
    pub(super) fn start(&mut self) -> Option<State> {
        match (self.automaton, &mut self.found) {
            (Automaton::Glob(characters), _) => Some(State::Positions(past_stars(characters, 1))),
            (Automaton::Expression { states, .. }, Some(found)) => {
                let anchored = Input::new("").anchored(Anchored::Yes);
                states.start_state_forward(found, &anchored).ok().map(State::Reached)
            }
            (Automaton::Expression { .. }, None) => None,
        }
    }

    /// Returns the state after a character, if the pattern can still match.
    pub(super) fn step(&mut self, state: Option<State>, character: char) -> Option<State> {
        match (self.automaton, state?, &mut self.found) {
            (Automaton::Glob(characters), State::Positions(set), _) => {
                let next = past_stars(characters, matched(characters, set, character));
                (next != 0).then_some(State::Positions(next))
            }
            (Automaton::Expression { states, .. }, State::Reached(mut id), Some(found)) => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    id = states.next_state(found, id, byte).ok()?;
                }
                (!id.is_dead() && !id.is_quit()).then_some(State::Reached(id))
            }
            _ => None,
        }
    }

    /// Returns whether a name that ends here is matched.
    pub(super) fn accepts(&mut self, state: Option<State>) -> bool {
        match (self.automaton, state, &mut self.found) {
            (Automaton::Glob(characters), Some(State::Positions(set)), _) => {
                set & (1 << characters.len()) != 0
            }
            (Automaton::Expression { states, .. }, Some(State::Reached(id)), Some(found)) => {
                states.next_eoi_state(found, id).is_ok_and(|id| id.is_match())
            }
            _ => false,
        }
    }
}

/// A star may match nothing, so the position after it is reached together with the one before it.
fn past_stars(characters: &[char], mut set: u128) -> u128 {
    for (position, character) in characters.iter().enumerate() {
        if *character == '*' && set & (1 << position) != 0 {
            set |= 1 << (position + 1);
        }
    }
    set
}

fn matched(characters: &[char], set: u128, character: char) -> u128 {
    let mut next = 0;
    for (position, expected) in characters.iter().enumerate() {
        if set & (1 << position) != 0 {
            match expected {
                '*' => next |= 1 << position,
                '?' => next |= 1 << (position + 1),
                expected if *expected == character => next |= 1 << (position + 1),
                _ => {}
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &IndexPattern, name: &str) -> bool {
        let automaton = Automaton::of(pattern).expect("states");
        let mut run = Run::new(&automaton);
        let mut state = run.start();
        for character in name.chars() {
            state = run.step(state, character);
        }
        run.accepts(state)
    }

    proptest! {
        #[test]
        fn it_matches_what_the_pattern_matches(
            pattern in "[ab.ż*?]{1,6}|regex:\\^?[ab](\\.|[ab]|\\[ab\\]|\\(b\\|ab\\)){0,4}[?*+]?\\$?",
            name in "[ab.ż]{0,8}",
        ) {
            let pattern: IndexPattern = pattern.parse().expect("a pattern");
            prop_assert_eq!(matches(&pattern, &name), pattern.matches(&name), "{}", pattern);
        }

        #[test]
        fn a_very_long_pattern_is_one_too(length in 100..150_usize, end in "[a-c_.*?-]{0,5}") {
            let pattern: IndexPattern = format!("{}{end}", "b".repeat(length)).parse().expect("read");
            for name in [end.replace(['*', '?'], "x"), end.clone() + "x", end.replace('_', "-")] {
                let name = "b".repeat(length) + &name;
                prop_assert_eq!(matches(&pattern, &name), pattern.matches(&name), "{}", name);
            }
        }
    }
}
