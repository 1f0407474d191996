//! Which templates belong to the indices that are migrated?
//!
//! A cluster has the templates of all its users, and a target may reject one of them. That must not
//! fail a group with indices that the template can never match. A template belongs to a group if one
//! of its patterns matches an index of the group, or can match an index that a pattern of the group
//! selects: a later `orders-2027` must be created like those of today. A component template belongs
//! where a template that uses it belongs.

use std::collections::BTreeSet;

use contract::{IndexPattern, IndexSelection};
use serde_json::Value;

use crate::overlap::overlap;

/// The indices that are migrated.
#[derive(Clone, Debug, Default)]
pub struct SelectedIndices<'a> {
    /// The patterns of the groups.
    pub selections: Vec<&'a IndexSelection>,
    /// The names that they select.
    pub names: Vec<&'a str>,
}

impl SelectedIndices<'_> {
    /// Returns why a template does not belong to these indices, or `None` if it does.
    pub(crate) fn exclusion_reason(&self, body: &Value) -> Option<String> {
        let patterns = patterns(body);
        if patterns.iter().any(|pattern| self.overlaps(pattern)) {
            return None;
        }
        let quoted: Vec<String> =
            patterns.iter().map(|pattern| format!("`{}`", String::from_iter(pattern))).collect();
        Some(format!(
            "its patterns ({}) match none of the indices that are migrated",
            quoted.join(", ")
        ))
    }

    /// Returns why a component template does not belong to these indices, or `None` if it does. A
    /// component that no template uses belongs to a migration of everything.
    pub(crate) fn component_exclusion_reason(
        &self,
        name: &str,
        used: &BTreeSet<String>,
        used_by_others: &BTreeSet<String>,
    ) -> Option<String> {
        let belongs =
            used.contains(name) || (!used_by_others.contains(name) && self.selects_everything());
        (!belongs).then(|| "no template that is migrated uses it".to_owned())
    }

    fn selects_everything(&self) -> bool {
        self.selections.iter().flat_map(|selection| selection.patterns()).any(|pattern| {
            !pattern.is_exclusion()
                && pattern.glob().is_some_and(|glob| glob.iter().all(|character| *character == '*'))
        })
    }

    /// Returns whether the pattern of a template matches a selected name, or one that may be
    /// selected later.
    fn overlaps(&self, pattern: &[char]) -> bool {
        let text = String::from_iter(pattern);
        if self.names.iter().any(|name| overlap(pattern, &name.chars().collect::<Vec<_>>())) {
            return true;
        }
        self.selections.iter().any(|selection| {
            let (exclusions, inclusions): (Vec<&IndexPattern>, Vec<&IndexPattern>) =
                selection.patterns().iter().partition(|pattern| pattern.is_exclusion());
            let excluded = exclusions.iter().any(|exclusion| {
                // A `?` would match the character `*`, which stands for many characters.
                exclusion.glob().is_some_and(|glob| !glob.contains(&'?'))
                    && exclusion.matches(&text)
            });
            !excluded
                && inclusions.iter().filter_map(|inclusion| inclusion.glob()).any(|glob| {
                    // Only patterns with a leading dot select names with a leading dot.
                    let hidden = pattern.first() == Some(&'.') && glob.first() != Some(&'.');
                    !hidden && overlap(pattern, glob)
                })
        })
    }
}

/// Returns the names of the component templates that a template uses.
pub(crate) fn components(body: &Value) -> impl Iterator<Item = String> {
    let list = body.get("composed_of").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// Returns the patterns of a template, which are a list or one string; Elasticsearch 5 has them in
/// `template`.
pub(crate) fn patterns(body: &Value) -> Vec<Vec<char>> {
    let texts = match body.get("index_patterns").or_else(|| body.get("template")) {
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text.as_str()],
        _ => Vec::new(),
    };
    texts.into_iter().map(|text| text.chars().collect()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(patterns: &[&str]) -> IndexSelection {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        patterns.try_into().expect("patterns")
    }

    fn belongs(group: &[&str], names: &[&str], template: &[&str]) -> bool {
        let selection = selection(group);
        let selected = SelectedIndices { selections: vec![&selection], names: names.to_vec() };
        selected.exclusion_reason(&json!({ "index_patterns": template })).is_none()
    }

    #[test]
    fn a_template_belongs_where_it_matches_or_may_match() {
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
    fn the_single_pattern_of_elasticsearch_5_counts() {
        let selection = selection(&["logs-1"]);
        let selected = SelectedIndices { selections: vec![&selection], names: Vec::new() };
        assert_eq!(selected.exclusion_reason(&json!({ "template": "logs-*" })), None);
        let reason = selected.exclusion_reason(&json!({ "template": "web-*" })).expect("a reason");
        assert!(reason.contains("`web-*`"), "{reason}");
    }

    #[test]
    fn a_component_belongs_where_it_is_used() {
        let (some, all) = (selection(&["logs-*"]), selection(&["*"]));
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let is_excluded = |selection, name: &str| {
            let selected = SelectedIndices { selections: vec![selection], names: Vec::new() };
            selected.component_exclusion_reason(name, &set("ours"), &set("theirs")).is_some()
        };
        assert!(!is_excluded(&some, "ours") && !is_excluded(&all, "ours"));
        assert!(is_excluded(&some, "theirs") && is_excluded(&all, "theirs"));
        assert!(is_excluded(&some, "unused") && !is_excluded(&all, "unused"));
    }
}
