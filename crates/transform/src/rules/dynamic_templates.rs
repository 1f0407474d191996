//! Conditions of dynamic templates.
//!
//! Elasticsearch 8.9 and newer take lists in `match`, `unmatch`, `path_match`, `path_unmatch` and
//! `match_mapping_type`, and have `unmatch_mapping_type`. OpenSearch and older servers take single
//! values; OpenSearch reads a list as one strange text. A template with lists becomes one template
//! for each combination, in the same place. Lists of exclusions become one regular expression,
//! because one template excludes one pattern.
//!
//! - Without any condition a template is only for bulk requests that name it (Elasticsearch 7.13 and
//!   newer); OpenSearch rejects it, so it is removed.
//! - A value of `match_mapping_type` that is not a JSON type never matched; Elasticsearch since 6 and
//!   OpenSearch reject it, so it is removed.
//!
//! Sources: the page "Dynamic templates" of Elasticsearch 6.8, 7.17 and 8.9, and of OpenSearch 2.19.

use serde_json::{Map, Value, json};

use crate::{change::Changes, facts::Facts, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule { id: "dynamic-templates", applies: Facts::to_typeless, run };

/// The types that a value can have in JSON, as `match_mapping_type` names them.
const MAPPING_TYPES: [&str; 7] =
    ["object", "string", "long", "double", "boolean", "date", "binary"];

/// Conditions of which one value has to match.
const INCLUSIONS: [&str; 2] = ["match", "path_match"];

/// Conditions of which no value may match.
const EXCLUSIONS: [&str; 2] = ["unmatch", "path_unmatch"];

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let Some(Value::Array(templates)) = item.mappings.get_mut("dynamic_templates") else { return };
    let takes_lists = facts.to_elasticsearch_since(8, 9);
    let needs_condition = facts.to_opensearch();
    let mut names: Vec<String> = templates
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|template| template.keys().cloned())
        .collect();
    let mut kept = Vec::new();
    for template in std::mem::take(templates) {
        let single = template.as_object().filter(|template| template.len() == 1);
        let Some((name, Value::Object(body))) = single.and_then(|single| single.iter().next())
        else {
            kept.push(template);
            continue;
        };
        let path = format!("mappings.dynamic_templates.{name}");
        let Some(bodies) = expand(body, takes_lists, needs_condition, &path, changes) else {
            continue;
        };
        for (place, body) in bodies.into_iter().enumerate() {
            let name = if place == 0 { name.clone() } else { unused(name, place + 1, &names) };
            names.push(name.clone());
            kept.push(json!({ name: body }));
        }
    }
    *templates = kept;
    if templates.is_empty() {
        item.mappings.shift_remove("dynamic_templates");
    }
}

/// Returns a name that no template has.
fn unused(name: &str, number: usize, names: &[String]) -> String {
    let candidates = (number..).map(|number| format!("{name}_{number}"));
    candidates.into_iter().find(|candidate| !names.contains(candidate)).unwrap_or_default()
}

/// Returns the templates that replace one, or `None` if it is removed.
fn expand(
    body: &Map<String, Value>,
    takes_lists: bool,
    needs_condition: bool,
    path: &str,
    changes: &mut Changes,
) -> Option<Vec<Map<String, Value>>> {
    let has = |name: &str| body.get(name).is_some_and(|value| !is_empty(value));
    let is_conditional =
        ["match", "path_match", "match_mapping_type", "unmatch_mapping_type"].into_iter().any(has);
    if needs_condition && !is_conditional {
        let why = "it has no condition, so it is only for bulk requests that name it, which the \
                   target does not have";
        changes.lost(path, "removed", why);
        return None;
    }
    let mut rest = body.clone();
    let wanted = mapping_types(&mut rest, takes_lists);
    if wanted.as_ref().is_some_and(|wanted| wanted.kept.is_empty()) {
        changes.adapted(path, "removed", "its `match_mapping_type` never matches a value");
        return None;
    }
    if let Some(unknown) = wanted.as_ref().map(|wanted| &wanted.unknown).filter(|it| !it.is_empty())
    {
        let what = format!("stripped of `{}`", unknown.join("`, `"));
        let why = "no value has this type in JSON, and the target rejects it";
        changes.adapted(&format!("{path}.match_mapping_type"), &what, why);
    }
    if takes_lists {
        if let Some(wanted) = wanted.filter(|wanted| !wanted.unknown.is_empty()) {
            rest.insert("match_mapping_type".to_owned(), json!(wanted.kept));
        }
        return Some(vec![rest]);
    }
    exclude_by_expression(&mut rest);
    let mut bodies = vec![rest];
    for name in INCLUSIONS {
        bodies = bodies.into_iter().flat_map(|body| each_value(body, name)).collect();
    }
    if let Some(wanted) = wanted {
        let with = |body: &Map<String, Value>, kind: &String| {
            let mut body = body.clone();
            body.insert("match_mapping_type".to_owned(), json!(kind));
            body
        };
        let each = |body: Map<String, Value>| {
            wanted.kept.iter().map(|kind| with(&body, kind)).collect::<Vec<_>>()
        };
        bodies = bodies.into_iter().flat_map(each).collect();
    }
    if bodies.len() > 1 {
        let what = format!("divided into {} dynamic templates", bodies.len());
        changes.adapted(path, &what, "the target takes one value for each condition");
    } else if bodies.first() != Some(body) {
        let what = "changed to conditions of single values";
        changes.adapted(path, what, "the target takes one value for each condition");
    }
    Some(bodies)
}

/// The JSON types that a template is for.
struct WantedTypes {
    kept: Vec<String>,
    unknown: Vec<String>,
}

/// Takes the conditions on the JSON type out of a template; `None` if there are none, or if one value
/// can stay as it is.
fn mapping_types(body: &mut Map<String, Value>, takes_lists: bool) -> Option<WantedTypes> {
    let included = body.get("match_mapping_type").filter(|value| !is_empty(value)).map(values);
    let excluded = body.get("unmatch_mapping_type").filter(|value| !is_empty(value)).map(values);
    if included.is_none() && excluded.is_none() {
        return None;
    }
    let is_known = |kind: &String| kind == "*" || MAPPING_TYPES.contains(&kind.as_str());
    let (known, unknown): (Vec<String>, Vec<String>) =
        included.unwrap_or_else(|| vec!["*".to_owned()]).into_iter().partition(is_known);
    if takes_lists {
        return Some(WantedTypes { kept: known, unknown });
    }
    let excluded = excluded.unwrap_or_default();
    body.shift_remove("unmatch_mapping_type");
    let is_excluded = |kind: &str| excluded.iter().any(|other| other == kind || other == "*");
    let kept = if excluded.is_empty() && known.iter().any(|kind| kind == "*") {
        vec!["*".to_owned()]
    } else if known.iter().any(|kind| kind == "*") {
        let kept = MAPPING_TYPES.into_iter().filter(|kind| !is_excluded(kind));
        kept.map(str::to_owned).collect()
    } else {
        known.into_iter().filter(|kind| !is_excluded(kind)).collect()
    };
    Some(WantedTypes { kept, unknown })
}

/// Returns the template once for each value of a condition.
fn each_value(body: Map<String, Value>, name: &str) -> Vec<Map<String, Value>> {
    let Some(Value::Array(values)) = body.get(name).filter(|value| !is_empty(value)) else {
        return vec![body];
    };
    let with = |value: &Value| {
        let mut body = body.clone();
        body.insert(name.to_owned(), value.clone());
        body
    };
    values.iter().map(with).collect()
}

/// Writes several exclusions as one regular expression. The kind of patterns is one for all
/// conditions of a template, so the others become expressions too.
fn exclude_by_expression(body: &mut Map<String, Value>) {
    for name in INCLUSIONS.into_iter().chain(EXCLUSIONS) {
        match body.get(name) {
            Some(Value::Array(values)) if values.is_empty() => {
                body.shift_remove(name);
            }
            Some(Value::Array(values)) if values.len() == 1 => {
                let value = values.first().cloned().unwrap_or_default();
                body.insert(name.to_owned(), value);
            }
            _ => {}
        }
    }
    let has_many = |name: &str| body.get(name).is_some_and(Value::is_array);
    if !EXCLUSIONS.into_iter().any(has_many) {
        return;
    }
    let is_regex = body.get("match_pattern").and_then(Value::as_str) == Some("regex");
    let expression = |pattern: &str| if is_regex { pattern.to_owned() } else { to_regex(pattern) };
    for name in INCLUSIONS {
        match body.get_mut(name) {
            Some(Value::Array(patterns)) => patterns.iter_mut().for_each(|pattern| {
                *pattern = Value::from(expression(pattern.as_str().unwrap_or_default()));
            }),
            Some(pattern) => {
                *pattern = Value::from(expression(pattern.as_str().unwrap_or_default()));
            }
            None => {}
        }
    }
    for name in EXCLUSIONS {
        if let Some(patterns) = body.get(name).map(values) {
            let alternatives: Vec<String> =
                patterns.iter().map(|pattern| format!("(?:{})", expression(pattern))).collect();
            let joined = match patterns.as_slice() {
                [pattern] => expression(pattern),
                _ => alternatives.join("|"),
            };
            body.insert(name.to_owned(), Value::from(joined));
        }
    }
    body.insert("match_pattern".to_owned(), json!("regex"));
}

/// Returns a wildcard pattern as a regular expression of Java.
fn to_regex(pattern: &str) -> String {
    let mut expression = String::new();
    for character in pattern.chars() {
        match character {
            '*' => expression.push_str(".*"),
            other if other.is_alphanumeric() || matches!(other, '_' | '-' | ' ') => {
                expression.push(other);
            }
            other => {
                expression.push('\\');
                expression.push(other);
            }
        }
    }
    expression
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Returns the texts of a condition, which is a list or one text.
fn values(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::{Change, Weight},
        item::MetadataKind,
        rule::trial,
    };

    fn templates(pair: (&str, &str), templates: &Value) -> (Value, Vec<Change>) {
        let body = json!({ "mappings": { "dynamic_templates": templates } });
        let (body, changes) = trial::run(&RULE, MetadataKind::Index, pair, body);
        (body["mappings"]["dynamic_templates"].clone(), changes)
    }

    const TO_OPENSEARCH: (&str, &str) = ("ES 8.19", "OS 2.19");

    #[test]
    fn lists_become_one_template_for_each_combination() {
        let (after, changes) = templates(
            TO_OPENSEARCH,
            &json!([
                { "a": { "path_match": ["x.*", "y.*"], "match_mapping_type": ["long", "double"],
                         "mapping": { "type": "float" } } },
                { "a_2": { "match": ["one"], "mapping": { "type": "ip" } } }
            ]),
        );
        let one = |name: &str, path: &str, kind: &str| {
            json!({ name: { "path_match": path, "match_mapping_type": kind,
                            "mapping": { "type": "float" } } })
        };
        let expected = json!([
            one("a", "x.*", "long"),
            one("a_3", "x.*", "double"),
            one("a_4", "y.*", "long"),
            one("a_5", "y.*", "double"),
            { "a_2": { "match": "one", "mapping": { "type": "ip" } } }
        ]);
        assert_eq!(after, expected);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn excluded_types_are_those_that_remain() {
        let (after, _) = templates(
            TO_OPENSEARCH,
            &json!([{ "t": { "unmatch_mapping_type": ["object", "string", "long", "double", "date"],
                            "mapping": {} } }]),
        );
        let expected = json!([
            { "t": { "mapping": {}, "match_mapping_type": "boolean" } },
            { "t_2": { "mapping": {}, "match_mapping_type": "binary" } }
        ]);
        assert_eq!(after, expected);
        let (after, changes) = templates(
            TO_OPENSEARCH,
            &json!([{ "t": { "match_mapping_type": "string", "unmatch_mapping_type": "string",
                            "mapping": {} } }]),
        );
        assert_eq!((after, changes[0].weight), (Value::Null, Weight::Adapted));
    }

    #[test]
    fn several_excluded_names_become_an_expression() {
        let (after, _) = templates(
            TO_OPENSEARCH,
            &json!([{ "t": { "match": ["a.*", "*_b"], "unmatch": ["*.x", "y"], "mapping": {} } }]),
        );
        let one = |name: &str, pattern: &str| {
            json!({ name: { "match": pattern, "unmatch": r"(?:.*\.x)|(?:y)", "mapping": {},
                            "match_pattern": "regex" } })
        };
        assert_eq!(after, json!([one("t", r"a\..*"), one("t_2", ".*_b")]));
    }

    #[test]
    fn a_template_without_a_condition_is_removed_for_opensearch_only() {
        let bulk = json!([
            { "by_name": { "mapping": { "type": "keyword" } } },
            { "not": { "unmatch": "a*", "mapping": { "type": "keyword" } } },
            { "all": { "match_mapping_type": "*", "mapping": { "type": "keyword" } } }
        ]);
        let (after, changes) = templates(("ES 7.17", "OS 3.4"), &bulk);
        assert_eq!(after, json!([bulk[2]]));
        assert_eq!(changes.iter().map(|it| it.weight).collect::<Vec<_>>(), [Weight::Lost; 2]);
        assert_eq!(templates(("ES 7.17", "ES 8.19"), &bulk), (bulk, vec![]));
    }

    #[test]
    fn types_that_no_value_has_are_removed() {
        for target in ["OS 2.19", "ES 8.19", "ES 7.17"] {
            let (after, changes) = templates(
                ("ES 5.6", target),
                &json!([
                    { "never": { "match_mapping_type": "integer", "mapping": { "type": "long" } } },
                    { "s": { "match_mapping_type": "string", "mapping": { "type": "keyword" } } }
                ]),
            );
            let expected = json!([{ "s": {
                "match_mapping_type": "string", "mapping": { "type": "keyword" } } }]);
            assert_eq!(after, expected, "{target}");
            assert_eq!(changes.len(), 1);
        }
    }

    #[test]
    fn a_target_that_takes_lists_keeps_them() {
        let lists = json!([{ "t": { "match": ["a", "b"], "unmatch_mapping_type": ["object"],
                                    "mapping": {} } }]);
        assert_eq!(templates(("ES 8.19", "ES 9.2"), &lists), (lists, vec![]));
    }
}
