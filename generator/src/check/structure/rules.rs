//! The rules about the structure of a file.

use crate::rule::{Rule, Severity};

/// All of them.
pub(crate) const RULES: &[Rule] =
    &[SYNTAX, DUPLICATE_KEY, UNKNOWN_KEY, MISSING_KEY, TYPE, VALUE, RANGE];

/// Not YAML.
pub(super) const SYNTAX: Rule = Rule {
    id: "config::syntax",
    severity: Severity::Error,
    summary: "the file is not readable as YAML or JSON",
    docs: "The text breaks the rules of YAML (of which JSON is a part): a quote that is not \
           closed, a wrong indentation, a colon without a space. Nothing else can be checked \
           until this is fixed.",
};

/// One key twice in one map.
pub(super) const DUPLICATE_KEY: Rule = Rule {
    id: "config::duplicate-key",
    severity: Severity::Error,
    summary: "a key occurs twice in one map",
    docs: "YAML readers disagree about which of the two values counts. Keep one of them.",
};

/// A key that the schema does not know.
pub(super) const UNKNOWN_KEY: Rule = Rule {
    id: "config::unknown-key",
    severity: Severity::Error,
    summary: "an unknown key",
    docs: "If a misspelt key were ignored, the migration would do something else than intended. \
           Keys are written in camelCase.",
};

/// A key that must be given.
pub(super) const MISSING_KEY: Rule = Rule {
    id: "config::missing-key",
    severity: Severity::Error,
    summary: "a required key is missing",
    docs: "The migration cannot be planned without it. A key without a value counts as absent.",
};

/// A value of another type.
pub(super) const TYPE: Rule = Rule {
    id: "config::type",
    severity: Severity::Error,
    summary: "a value of the wrong type",
    docs: "For example, the value is a number and text is expected, or it is text and a list is \
           expected. Versions need quotes: without them `7.10` is the number 7.1.",
};

/// A value that is none of the allowed ones.
pub(super) const VALUE: Rule = Rule {
    id: "config::value",
    severity: Severity::Error,
    summary: "a value that is none of the allowed ones",
    docs: "The key takes one of a few words, which the finding lists.",
};

/// A number out of range.
pub(super) const RANGE: Rule = Rule {
    id: "config::range",
    severity: Severity::Error,
    summary: "a number that is too small or too large",
    docs: "The finding shows the limit. Numbers of workers and sizes of requests outside of these \
           ranges would overload clusters, or make no progress.",
};
