//! Names that are similar to a name or a pattern, for `did you mean` hints.

use crate::{pattern::IndexPattern, quoted::quoted};

/// How many similar names a hint lists.
const MAX_SIMILAR_NAMES: usize = 3;
/// How many names a hint lists when none is similar.
const MAX_LISTED_NAMES: usize = 20;

/// Returns at most three of `names` that are near the text of `pattern`, the nearest first.
pub(crate) fn closest<'a>(pattern: &IndexPattern, names: &'a [String]) -> Vec<&'a str> {
    let text = pattern.to_string();
    let text = text.trim_start_matches("regex:");
    let bare: String = text.chars().filter(|character| !matches!(character, '*' | '?')).collect();
    let names = names.iter().map(String::as_str);
    nearest(&bare, names, |name| distance(&bare, name, pattern.is_exact()))
}

/// Returns the names nearest to `name`, which does not exist, or all names: the end of a sentence.
pub fn hint(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return "it has none at all".to_owned();
    }
    let near = nearest(name, names.iter().copied(), |known| distance(name, known, true));
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near));
    }
    let shown = names.get(..MAX_LISTED_NAMES).unwrap_or(names);
    let more = names.len() - shown.len();
    if more == 0 {
        format!("it has {}", quoted(shown))
    } else {
        format!("it has {} and {more} more", quoted(shown))
    }
}

/// Returns the names in which at most a third of the characters of `text` differ.
fn nearest<'a>(
    text: &str,
    names: impl Iterator<Item = &'a str>,
    distance: impl Fn(&str) -> usize,
) -> Vec<&'a str> {
    let limit = text.chars().count().div_ceil(3).max(1);
    let near = names.map(|name| (distance(name), name)).filter(|(distance, _)| *distance <= limit);
    let mut near: Vec<(usize, &str)> = near.collect();
    near.sort_unstable();
    near.into_iter().take(MAX_SIMILAR_NAMES).map(|(_, name)| name).collect()
}

/// Compares the text of a wildcard with the beginning of a name, an exact name with all of it.
fn distance(bare: &str, name: &str, exact: bool) -> usize {
    if exact {
        return strsim::damerau_levenshtein(bare, name);
    }
    let beginning: String = name.chars().take(bare.chars().count()).collect();
    strsim::damerau_levenshtein(bare, &beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_pattern_finds_the_names_it_meant() {
        let names = ["orders-2023", "orders-2024", "customers"].map(str::to_owned);
        let near = |text: &str| closest(&text.parse().expect(text), &names);
        assert_eq!(near("ordres-*"), ["orders-2023", "orders-2024"]);
        assert_eq!(near("costumers"), ["customers"]);
        assert_eq!(near("payments"), Vec::<&str>::new());
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest() {
        assert_eq!(hint("nightyl", &["weekly", "nightly"]), "did you mean `nightly`?");
    }

    #[test]
    fn a_different_name_gets_the_list() {
        assert_eq!(hint("unknown", &["weekly", "nightly"]), "it has `weekly`, `nightly`");
    }

    #[test]
    fn an_empty_place_is_said_to_be_empty() {
        assert_eq!(hint("x", &[]), "it has none at all");
    }
}
