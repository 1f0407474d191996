//! Which of the names that exist did the user perhaps mean?

use std::collections::BTreeMap;

/// How many names a hint lists when none is near.
const LISTED_NAMES: usize = 20;
/// How many near names it lists.
const NEAR_NAMES: usize = 3;

/// The names nearest to one that does not exist, or all names: the end of a sentence.
pub(crate) fn hint(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return "it has none at all".into();
    }
    let mut near: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for known in names {
        near.entry(strsim::damerau_levenshtein(name, known)).or_default().push(known);
    }
    let limit = name.chars().count().div_ceil(3);
    let near: Vec<&str> =
        near.range(..=limit).flat_map(|(_, names)| names.clone()).take(NEAR_NAMES).collect();
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near));
    }
    let shown = names.get(..LISTED_NAMES).unwrap_or(names);
    let more = names.len() - shown.len();
    if more == 0 {
        format!("it has {}", quoted(shown))
    } else {
        format!("it has {} and {more} more", quoted(shown))
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn a_misspelt_name_gets_the_nearest() {
        assert_eq!(hint("nightyl", &["weekly", "nightly"]), "did you mean `nightly`?");
    }

    #[test]
    fn a_strange_name_gets_the_list() {
        assert_eq!(hint("x", &["weekly", "nightly"]), "it has `weekly`, `nightly`");
    }

    #[test]
    fn where_nothing_is_there_is_nothing_to_list() {
        assert_eq!(hint("x", &[]), "it has none at all");
    }
}
