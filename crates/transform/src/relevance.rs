//! Which templates have to do with the indices that are migrated?
//!
//! A cluster's templates are of all its users, and a target may refuse one of them. That must not
//! fail a group whose indices it could never match. A template belongs to a group if one of its
//! patterns matches an index of the group, or could match one that a pattern of the group means:
//! tomorrow's `orders-2027` is to be made as today's. A component belongs where a template that
//! uses it does.

use std::collections::BTreeSet;

use contract::{IndexPattern, IndexSelection};
use serde_json::Value;

/// What is migrated.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// The patterns of the groups.
    pub selections: Vec<&'a IndexSelection>,
    /// The names that they mean.
    pub names: Vec<&'a str>,
}

impl Wanted<'_> {
    /// Returns why a template has nothing to do with what is migrated, or `None` if it has.
    pub(crate) fn passes_over(&self, body: &Value) -> Option<String> {
        let patterns = patterns(body);
        if patterns.iter().any(|pattern| self.meets(pattern)) {
            return None;
        }
        let written: Vec<String> =
            patterns.iter().map(|pattern| format!("`{}`", String::from_iter(pattern))).collect();
        Some(format!("its patterns ({}) match none of the indices", written.join(", ")))
    }

    /// Returns why a component has nothing to do with what is migrated, or `None` if it has.
    /// One that no template uses belongs to whoever migrates everything.
    pub(crate) fn passes_over_component(
        &self,
        name: &str,
        used: &BTreeSet<String>,
        of_others: &BTreeSet<String>,
    ) -> Option<String> {
        let belongs = used.contains(name) || (!of_others.contains(name) && self.is_everything());
        (!belongs).then(|| "no template that is migrated uses it".to_owned())
    }

    fn is_everything(&self) -> bool {
        self.selections.iter().flat_map(|selection| selection.patterns()).any(|pattern| {
            !pattern.is_exclusion()
                && pattern.glob().is_some_and(|glob| glob.iter().all(|letter| *letter == '*'))
        })
    }

    /// Returns whether some name that is meant, now or later, matches a template's pattern.
    fn meets(&self, pattern: &[char]) -> bool {
        let text = String::from_iter(pattern);
        if self.names.iter().any(|name| meet(pattern, &name.chars().collect::<Vec<_>>())) {
            return true;
        }
        self.selections.iter().any(|selection| {
            let (exclusions, inclusions): (Vec<&IndexPattern>, Vec<&IndexPattern>) =
                selection.patterns().iter().partition(|pattern| pattern.is_exclusion());
            let excluded = exclusions.iter().any(|exclusion| {
                // A `?` would match the letter `*`, which stands for many.
                exclusion.glob().is_some_and(|glob| !glob.contains(&'?'))
                    && exclusion.matches(&text)
            });
            !excluded
                && inclusions.iter().filter_map(|inclusion| inclusion.glob()).any(|glob| {
                    // Names with a leading dot are meant by patterns with a leading dot.
                    let hidden = pattern.first() == Some(&'.') && glob.first() != Some(&'.');
                    !hidden && meet(pattern, glob)
                })
        })
    }
}

/// Returns the components that a template is composed of.
pub(crate) fn components(body: &Value) -> impl Iterator<Item = String> {
    let list = body.get("composed_of").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// Returns the patterns of a template: a list, or one text, under its name of today or that of
/// Elasticsearch 5.
fn patterns(body: &Value) -> Vec<Vec<char>> {
    let texts = match body.get("index_patterns").or_else(|| body.get("template")) {
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text.as_str()],
        _ => Vec::new(),
    };
    texts.into_iter().map(|text| text.chars().collect()).collect()
}

/// Returns whether two patterns with `*` and `?` can match one name.
fn meet(one: &[char], other: &[char]) -> bool {
    // `row[j]`: whether the rest of `one` and the rest of `other` from `j` on can match one name.
    let mut row: Vec<bool> =
        (0..=other.len()).map(|at| other.iter().skip(at).all(|letter| *letter == '*')).collect();
    for letter in one.iter().rev() {
        let mut next = vec![false; other.len() + 1];
        for at in (0..=other.len()).rev() {
            let get = |row: &[bool], at: usize| row.get(at).copied().unwrap_or(false);
            let met = match (letter, other.get(at)) {
                ('*', None) => get(&row, at),
                ('*', Some(_)) => get(&row, at) || get(&next, at + 1),
                (_, Some('*')) => get(&next, at + 1) || get(&row, at),
                ('?', Some(_)) | (_, Some('?')) => get(&row, at + 1),
                (letter, Some(theirs)) => letter == theirs && get(&row, at + 1),
                (_, None) => false,
            };
            if let Some(place) = next.get_mut(at) {
                *place = met;
            }
        }
        row = next;
    }
    row.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn selection(patterns: &[&str]) -> IndexSelection {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        patterns.try_into().expect("patterns")
    }

    fn belongs(group: &[&str], names: &[&str], template: &[&str]) -> bool {
        let selection = selection(group);
        let wanted = Wanted { selections: vec![&selection], names: names.to_vec() };
        wanted.passes_over(&json!({ "index_patterns": template })).is_none()
    }

    #[test]
    fn a_template_belongs_where_it_matches_or_could() {
        let table = [
            (vec!["orders-*"], vec!["orders-1"], vec!["orders-*"], true),
            (vec!["orders-*"], vec![], vec!["*-2027"], true),
            (vec!["orders-*"], vec!["orders-1"], vec!["logs-*", "order?-9"], true),
            (vec!["orders-*"], vec!["orders-1"], vec!["logs-*"], false),
            (vec!["*", "-logs-*"], vec!["orders-1"], vec!["logs-app-*"], false),
            (vec!["*", "-logs-app-*"], vec![], vec!["logs-*"], true),
            (vec!["*"], vec![], vec![".internal-*"], false),
            (vec![".int*"], vec![], vec![".internal-*"], true),
            (vec!["regex:a[0-9]"], vec!["a1"], vec!["a*"], true),
            (vec!["regex:a[0-9]"], vec!["a1"], vec!["b*"], false),
        ];
        for (group, names, template, expected) in table {
            assert_eq!(belongs(&group, &names, &template), expected, "{group:?} {template:?}");
        }
    }

    #[test]
    fn the_one_pattern_of_elasticsearch_5_counts() {
        let selection = selection(&["logs-1"]);
        let wanted = Wanted { selections: vec![&selection], names: Vec::new() };
        assert_eq!(wanted.passes_over(&json!({ "template": "logs-*" })), None);
        let reason = wanted.passes_over(&json!({ "template": "web-*" })).expect("a reason");
        assert!(reason.contains("`web-*`"), "{reason}");
    }

    #[test]
    fn a_component_belongs_where_it_is_used() {
        let (some, all) = (selection(&["logs-*"]), selection(&["*"]));
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let passes_over = |selection, name: &str| {
            let wanted = Wanted { selections: vec![selection], names: Vec::new() };
            wanted.passes_over_component(name, &set("ours"), &set("theirs")).is_some()
        };
        assert!(!passes_over(&some, "ours") && !passes_over(&all, "ours"));
        assert!(passes_over(&some, "theirs") && passes_over(&all, "theirs"));
        assert!(passes_over(&some, "unused") && !passes_over(&all, "unused"));
    }

    proptest! {
        #[test]
        fn patterns_that_match_one_name_meet(
            one in "[ab*?]{0,6}", other in "[ab*?]{0,6}", name in "[ab]{0,6}"
        ) {
            let matches = |pattern: &str| {
                let pattern: IndexPattern = format!("{pattern}*").parse().expect("a pattern");
                pattern.matches(&name)
            };
            let letters = |text: &str| format!("{text}*").chars().collect::<Vec<_>>();
            if matches(&one) && matches(&other) {
                prop_assert!(meet(&letters(&one), &letters(&other)));
            }
            prop_assert_eq!(meet(&letters(&one), &name.chars().collect::<Vec<_>>()), matches(&one));
        }
    }
}
