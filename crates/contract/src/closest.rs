//! Names that are similar to a pattern, for `did you mean` hints.

use crate::pattern::IndexPattern;

/// Returns at most three of `names` that are near the text of `pattern`, the nearest first.
pub(crate) fn closest<'a>(pattern: &IndexPattern, names: &'a [String]) -> Vec<&'a str> {
    let text = pattern.to_string();
    let text = text.trim_start_matches("regex:");
    let bare: String = text.chars().filter(|character| !matches!(character, '*' | '?')).collect();
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (distance(&bare, name, pattern.is_exact()), name.as_str()))
        .filter(|(distance, _)| *distance <= bare.chars().count().div_ceil(3).max(1))
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, name)| name).collect()
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
}
