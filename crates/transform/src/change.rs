//! What did a rule do to an item, and why?

use std::fmt;

use serde::Serialize;

/// How much a change matters to the owner of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// The same meaning, in the form of the target.
    Adapted,
    /// The target has no equivalent; the item works without it.
    Lost,
    /// The target has no equivalent, and the item has another meaning without it: it is not
    /// created.
    Unsupported,
}

/// One change of a rule, or one that is not possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The id of the rule.
    pub rule: &'static str,
    /// How much it matters to the owner.
    pub weight: Weight,
    /// Where in the item, as in `settings.index.codec` or `mappings.properties.name`.
    pub path: String,
    /// What was done.
    pub what: String,
    /// The reason, and what the owner can do.
    pub why: String,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.weight {
            Weight::Adapted => "",
            Weight::Lost => "without equivalent: ",
            Weight::Unsupported => "unsupported: ",
        };
        let Self { rule, path, what, why, .. } = self;
        write!(formatter, "{prefix}`{path}` {what}: {why} [{rule}]")
    }
}

/// Collects the changes of one rule.
#[derive(Debug)]
pub(crate) struct Changes {
    rule: &'static str,
    list: Vec<Change>,
}

impl Changes {
    /// Starts an empty list for the rule of this id.
    pub(crate) fn of(rule: &'static str) -> Self {
        Self { rule, list: Vec::new() }
    }

    /// Records a change that keeps the meaning.
    pub(crate) fn adapted(&mut self, path: &str, what: &str, why: &str) {
        self.push(Weight::Adapted, path, what, why);
    }

    /// Records something that the target does not have.
    pub(crate) fn lost(&mut self, path: &str, what: &str, why: &str) {
        self.push(Weight::Lost, path, what, why);
    }

    /// Records something without which the item cannot be created.
    pub(crate) fn unsupported(&mut self, path: &str, what: &str, why: &str) {
        self.push(Weight::Unsupported, path, what, why);
    }

    /// Returns the changes in order.
    pub(crate) fn into_list(self) -> Vec<Change> {
        self.list
    }

    fn push(&mut self, weight: Weight, path: &str, what: &str, why: &str) {
        self.list.push(Change {
            rule: self.rule,
            weight,
            path: path.to_owned(),
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }
}
