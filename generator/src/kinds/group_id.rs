//! What is a group called in Argo?

use argo::names;

/// Returns a group's name in Argo. It becomes a task beside those of the migration, and a word in
/// `depends` expressions, so some names get a prefix.
pub(crate) fn group_id(name: &str, tasks_of_migration: &[&str]) -> String {
    let taken = tasks_of_migration.contains(&name) || WORDS_OF_EXPRESSIONS.contains(&name);
    let begins_with_digit = name.starts_with(|character: char| character.is_ascii_digit());
    if taken || begins_with_digit { names::join(&["group", name]) } else { names::sanitize(name) }
}

/// Words that have a meaning of their own in Argo's expressions.
const WORDS_OF_EXPRESSIONS: [&str; 36] = [
    "all", "and", "any", "concat", "contains", "count", "date", "duration", "else", "env", "false",
    "filter", "find", "first", "groupby", "if", "in", "int", "join", "keys", "last", "len", "let",
    "map", "matches", "max", "min", "nil", "none", "not", "now", "one", "or", "sum", "true",
    "values",
];
