//! Can two wildcard patterns match the same name?

/// Returns whether some name matches both patterns, which may contain `*` and `?`.
pub(crate) fn overlap(one: &[char], other: &[char]) -> bool {
    // `row[at]` says whether the rest of `one` and the rest of `other` from `at` on overlap.
    let mut row: Vec<bool> = (0..=other.len())
        .map(|at| other.iter().skip(at).all(|character| *character == '*'))
        .collect();
    for character in one.iter().rev() {
        let mut next = vec![false; other.len() + 1];
        for at in (0..=other.len()).rev() {
            let get = |row: &[bool], at: usize| row.get(at).copied().unwrap_or(false);
            let overlaps = match (character, other.get(at)) {
                ('*', None) => get(&row, at),
                ('*', Some(_)) => get(&row, at) || get(&next, at + 1),
                (_, Some('*')) => get(&next, at + 1) || get(&row, at),
                ('?', Some(_)) | (_, Some('?')) => get(&row, at + 1),
                (character, Some(theirs)) => character == theirs && get(&row, at + 1),
                (_, None) => false,
            };
            if let Some(place) = next.get_mut(at) {
                *place = overlaps;
            }
        }
        row = next;
    }
    row.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use contract::IndexPattern;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn patterns_that_match_the_same_name_overlap(
            one in "[ab*?]{0,6}", other in "[ab*?]{0,6}", name in "[ab]{0,6}"
        ) {
            let matches = |pattern: &str| {
                let pattern: IndexPattern = format!("{pattern}*").parse().expect("a pattern");
                pattern.matches(&name)
            };
            let characters = |text: &str| format!("{text}*").chars().collect::<Vec<_>>();
            if matches(&one) && matches(&other) {
                prop_assert!(overlap(&characters(&one), &characters(&other)));
            }
            prop_assert_eq!(overlap(&characters(&one), &name.chars().collect::<Vec<_>>()), matches(&one));
        }
    }
}
