//! What is a rule?

use std::fmt;

use serde_json::Value;

use crate::{
    change::{Change, Changes, Weight},
    facts::Facts,
    item::Item,
};

/// How one difference between versions is bridged. The module doc of a rule says what it does, why,
/// and how that is known.
pub(crate) struct Rule {
    /// The stable id, which reports show with each change.
    pub(crate) id: &'static str,
    /// Returns whether the rule is needed between these clusters.
    pub(crate) applies: fn(&Facts) -> bool,
    /// Changes the item and records each change.
    pub(crate) run: fn(&mut Item, &Facts, &mut Changes),
}

impl Rule {
    /// Runs the rule on `item` if it applies, and returns its changes.
    pub(crate) fn run_on(&self, item: &mut Item, facts: &Facts) -> Vec<Change> {
        let mut changes = Changes::of(self.id);
        if (self.applies)(facts) {
            (self.run)(item, facts, &mut changes);
        }
        let mut list = changes.into_list();
        drop_dynamic_templates(item, &mut list);
        list
    }
}

/// Removes the dynamic templates in which something is unsupported. A dynamic template is only for
/// fields that do not exist yet, so the item keeps its meaning without it.
fn drop_dynamic_templates(item: &mut Item, changes: &mut [Change]) {
    let unsupported = changes.iter_mut().filter(|change| change.weight == Weight::Unsupported);
    for change in unsupported {
        let Some(place) = change.path.strip_prefix("mappings.dynamic_templates.") else { continue };
        let all = item.mappings.get_mut("dynamic_templates").and_then(Value::as_array_mut);
        let owns = |name: &str| {
            place.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_empty = all.is_some_and(|templates| {
            templates.retain(|template| {
                template.as_object().is_none_or(|template| !template.keys().any(|name| owns(name)))
            });
            templates.is_empty()
        });
        if is_empty {
            item.mappings.shift_remove("dynamic_templates");
        }
        change.weight = Weight::Lost;
        change.what = format!("{}, so the dynamic template was removed", change.what);
        "no field uses it yet; a new field that it would match gets the default mapping of the \
         target"
            .clone_into(&mut change.why);
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rule").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Runs a single rule, for the tests of each rule.
#[cfg(test)]
pub(crate) mod trial {
    use serde_json::Value;

    use super::Rule;
    use crate::{
        change::{Change, Weight},
        facts::Facts,
        item::{Item, MetadataKind},
    };

    /// Reads two versions; nothing else is known.
    pub(crate) fn facts(source: &str, target: &str) -> Facts {
        let version = |text: &str| text.parse().expect("a version");
        Facts::of_versions(version(source), version(target))
    }

    /// Runs one rule on a body; returns the body after it and the changes.
    pub(crate) fn run(
        rule: &Rule,
        kind: MetadataKind,
        pair: (&str, &str),
        body: Value,
    ) -> (Value, Vec<Change>) {
        run_with(rule, kind, &facts(pair.0, pair.1), body)
    }

    /// Runs one rule on a body with these facts.
    pub(crate) fn run_with(
        rule: &Rule,
        kind: MetadataKind,
        facts: &Facts,
        body: Value,
    ) -> (Value, Vec<Change>) {
        let mut item = Item::read(kind, "it", body).expect("an item");
        let changes = rule.run_on(&mut item, facts);
        (item.body(), changes)
    }

    /// Runs one rule on an index from Elasticsearch 7.17 to OpenSearch 2.19; returns the body
    /// after it and the weights of the changes.
    pub(crate) fn index(rule: &Rule, body: Value) -> (Value, Vec<Weight>) {
        let (body, changes) = run(rule, MetadataKind::Index, ("ES 7.17", "OS 2.19"), body);
        (body, changes.iter().map(|change| change.weight).collect())
    }
}
