//! What does a query of an old server look like on a new one?

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{overlap::overlap, rules::date_formats::Dialect};

/// What becomes of a query.
#[derive(Debug, PartialEq)]
pub(super) enum Rewrite {
    /// It stays.
    Same,
    /// It matched every document.
    All,
    /// It matched no document.
    None,
    /// It becomes this one.
    Changed(Value),
}

/// What the rewriting depends on.
pub(super) struct Rewriter {
    /// The mapping types of the index, if they are known.
    pub(super) types: Option<BTreeSet<String>>,
    /// Whether the target has the query `common`.
    pub(super) has_common: bool,
    /// Whether `_all` was not a field of the index.
    pub(super) has_all: bool,
    /// What has to change in formats of dates.
    pub(super) dates: Dialect,
}

/// Metadata fields that no target has.
const REMOVED_FIELDS: [&str; 3] = ["_parent", "_timestamp", "_ttl"];

/// Queries that no target has and that nothing replaces.
const REMOVED_QUERIES: [&str; 5] = ["fquery", "geohash_cell", "indices", "limit", "template"];

/// Queries of one field: `{"term": {"<field>": ..}}`.
const FIELD_QUERIES: [&str; 12] = [
    "fuzzy",
    "match",
    "match_phrase",
    "match_phrase_prefix",
    "prefix",
    "range",
    "regexp",
    "term",
    "terms",
    "terms_set",
    "wildcard",
    "intervals",
];

/// Parameters with a query or a list of queries: the name of the query and of the parameter.
const INNER_QUERIES: [(&str, &str); 9] = [
    ("boosting", "negative"),
    ("boosting", "positive"),
    ("constant_score", "filter"),
    ("dis_max", "queries"),
    ("function_score", "query"),
    ("has_child", "query"),
    ("has_parent", "query"),
    ("nested", "query"),
    ("script_score", "query"),
];

/// Parameters that were removed, by query.
const REMOVED_PARAMETERS: [(&str, &[&str]); 5] = [
    ("bool", &["disable_coord"]),
    ("has_parent", &["type"]),
    ("match", &["type"]),
    ("percolate", &["document_type"]),
    (
        "query_string",
        &[
            "all_fields",
            "auto_generate_phrase_queries",
            "locale",
            "lowercase_expanded_terms",
            "split_on_whitespace",
            "use_dis_max",
        ],
    ),
];

impl Rewriter {
    /// Rewrites a query, or returns why that is impossible.
    pub(super) fn rewrite(&self, query: &Value) -> Result<Rewrite, String> {
        let Some((kind, body)) = query.as_object().and_then(|query| query.iter().next()) else {
            return Ok(Rewrite::Same);
        };
        if REMOVED_QUERIES.contains(&kind.as_str()) || (kind == "common" && !self.has_common) {
            return Err(format!("the target does not have the query `{kind}`"));
        }
        match kind.as_str() {
            "type" => self.by_type(text_at(body, "value"), |value, name| value == name),
            "ids" => self.ids(body),
            "exists" if text_at(body, "field") == Some("_type") => Ok(Rewrite::All),
            "missing" => {
                let field = text_at(body, "field").ok_or("`missing` without a field")?;
                Ok(Rewrite::Changed(json!({ "bool": { "must_not": [
                    { "exists": { "field": field } }] } })))
            }
            "filtered" => {
                let parts = ["query", "filter"].into_iter().filter_map(|part| body.get(part));
                self.replaced(json!({ "bool": { "filter": parts.collect::<Vec<_>>() } }))
            }
            "and" => self.replaced(json!({ "bool": { "filter": list(body, "filters") } })),
            "or" => self.replaced(json!({ "bool": { "should": list(body, "filters") } })),
            "not" => {
                let inner = body.get("filter").or_else(|| body.get("query")).unwrap_or(body);
                self.replaced(json!({ "bool": { "must_not": [inner] } }))
            }
            "bool" => self.boolean(body),
            "range" => {
                self.check_fields(body)?;
                self.range(body)
            }
            "geo_shape" => Ok(without_type_in(kind, body, "indexed_shape")),
            _ if FIELD_QUERIES.contains(&kind.as_str()) => self.field_query(kind, body),
            "query_string" | "simple_query_string" | "multi_match" => {
                Ok(self.text_query(kind, body))
            }
            _ => self.inner(kind, body),
        }
    }

    /// Rewrites what replaces a query.
    fn replaced(&self, query: Value) -> Result<Rewrite, String> {
        Ok(match self.rewrite(&query)? {
            Rewrite::Same => Rewrite::Changed(query),
            other => other,
        })
    }

    /// Decides a condition on the mapping type.
    fn by_type<W: Copy>(
        &self,
        wanted: Option<W>,
        matches: impl Fn(W, &str) -> bool,
    ) -> Result<Rewrite, String> {
        let wanted = wanted.ok_or("the condition on `_type` has an unknown form")?;
        let types = self.types.as_ref().ok_or(
            "it names a mapping type, and which types the documents will have is not known",
        )?;
        match types.iter().filter(|name| matches(wanted, name)).count() {
            0 => Ok(Rewrite::None),
            all if all == types.len() => Ok(Rewrite::All),
            _ => {
                let types = types.iter().map(String::as_str).collect::<Vec<_>>().join("`, `");
                Err(format!(
                    "it selects some of the mapping types `{types}`, and the target has no types"
                ))
            }
        }
    }

    fn field_query(&self, kind: &str, body: &Value) -> Result<Rewrite, String> {
        self.check_fields(body)?;
        if let Some(value) = body.get("_type") {
            // `{"term": {"_type": "a"}}` or `{"term": {"_type": {"value": "a"}}}`.
            let value = ["value", "query"].iter().find_map(|key| value.get(key)).unwrap_or(value);
            if let ("terms", Some(names)) = (kind, value.as_array()) {
                return self.by_type(Some(names), |names: &Vec<Value>, name| {
                    names.iter().any(|value| value == name)
                });
            }
            let text = value.as_str();
            return match kind {
                "term" | "match" | "match_phrase" => {
                    self.by_type(text, |value, name| value == name)
                }
                "prefix" => self.by_type(text, |value, name| name.starts_with(value)),
                "wildcard" => {
                    let characters = |text: &str| text.chars().collect::<Vec<_>>();
                    self.by_type(text, |value, name| overlap(&characters(value), &characters(name)))
                }
                _ => Err(format!("it is a `{kind}` query on `_type`, which the target lacks")),
            };
        }
        if let Some(uid) = body.get("_uid") {
            let uid = uid.get("value").unwrap_or(uid);
            let uids = list(uid, "");
            let ids: Option<Vec<&str>> =
                uids.iter().map(|uid| Some(uid.as_str()?.split_once('#')?.1)).collect();
            return match (kind, ids) {
                ("term" | "terms", Some(ids)) => {
                    Ok(Rewrite::Changed(json!({ "ids": { "values": ids } })))
                }
                _ => Err(format!("it is a `{kind}` query on `_uid`, which the target lacks")),
            };
        }
        let Some((field, value)) = body.as_object().and_then(|body| body.iter().next()) else {
            return Ok(Rewrite::Same);
        };
        if kind == "terms" && value.get("index").is_some() {
            return Ok(without_type_in(kind, body, field));
        }
        let removed = REMOVED_PARAMETERS.iter().find(|(query, _)| *query == kind);
        let Some(Value::Object(parameters)) = removed.map(|_| value) else {
            return Ok(Rewrite::Same);
        };
        // `{"match": {"f": {"type": "phrase"}}}` is a query of its own since 6.
        let phrase = parameters.get("type").and_then(Value::as_str);
        let renamed = match phrase {
            Some("phrase") => "match_phrase",
            Some("phrase_prefix") => "match_phrase_prefix",
            Some(_) => kind,
            None => return Ok(Rewrite::Same),
        };
        let mut parameters = parameters.clone();
        parameters.shift_remove("type");
        Ok(Rewrite::Changed(json!({ renamed: { field: parameters } })))
    }

    /// Refuses queries on fields that the target does not have.
    fn check_fields(&self, body: &Value) -> Result<(), String> {
        let mut fields = body.as_object().into_iter().flat_map(Map::keys);
        let removed = fields.find(|field| {
            REMOVED_FIELDS.contains(&field.as_str()) || (*field == "_all" && !self.has_all)
        });
        removed.map_or(Ok(()), |field| Err(format!("the target does not have the field `{field}`")))
    }

    /// Writes the limits of a range in their only form since Elasticsearch 9, and the
    /// format of its dates in the language of the target.
    fn range(&self, body: &Value) -> Result<Rewrite, String> {
        let Some((field, Value::Object(limits))) =
            body.as_object().and_then(|body| body.iter().next())
        else {
            return Ok(Rewrite::Same);
        };
        let mut limits = limits.clone();
        let before = limits.clone();
        for (old, include, closed, open) in
            [("from", "include_lower", "gte", "gt"), ("to", "include_upper", "lte", "lt")]
        {
            let is_closed = limits.shift_remove(include).is_none_or(|value| {
                !matches!(&value, Value::Bool(false)) && value.as_str() != Some("false")
            });
            let old = limits.shift_remove(old);
            if let Some(limit) = old.filter(|limit| !limit.is_null()) {
                limits.insert(if is_closed { closed } else { open }.to_owned(), limit);
            }
        }
        if let Some(format) = limits.get("format").and_then(Value::as_str) {
            let format = self.dates.query_format(format)?;
            limits.insert("format".to_owned(), Value::from(format));
        }
        if limits == before {
            return Ok(Rewrite::Same);
        }
        Ok(Rewrite::Changed(json!({ "range": { field: limits } })))
    }

    fn ids(&self, body: &Value) -> Result<Rewrite, String> {
        let Some(mut body) = body.as_object().cloned() else { return Ok(Rewrite::Same) };
        let types = body.shift_remove("type").or_else(|| body.shift_remove("types"));
        let Some(types) = types else { return Ok(Rewrite::Same) };
        let types = list(&types, "");
        let by_type = self.by_type(Some(&types), |types: &Vec<Value>, name| {
            types.iter().any(|value| value == name)
        })?;
        Ok(match by_type {
            Rewrite::None => Rewrite::None,
            _ => Rewrite::Changed(json!({ "ids": body })),
        })
    }

    fn text_query(&self, kind: &str, body: &Value) -> Rewrite {
        let Some(mut body) = body.as_object().cloned() else { return Rewrite::Same };
        let before = body.clone();
        if !self.has_all {
            let is_all = |field: &Value| {
                field.as_str().and_then(|field| field.split('^').next()) == Some("_all")
            };
            for key in ["default_field", "fields"] {
                match body.get_mut(key) {
                    Some(Value::Array(fields)) => {
                        fields.iter_mut().filter(|field| is_all(field)).for_each(|field| {
                            *field = json!("*");
                        });
                    }
                    Some(field) if is_all(field) => *field = json!("*"),
                    _ => {}
                }
            }
        }
        drop_parameters(kind, &mut body);
        changed(kind, &before, &body)
    }

    fn boolean(&self, body: &Value) -> Result<Rewrite, String> {
        let Some(mut body) = body.as_object().cloned() else { return Ok(Rewrite::Same) };
        let before = body.clone();
        drop_parameters("bool", &mut body);
        if let Some(minimum) = body.shift_remove("minimum_number_should_match") {
            body.insert("minimum_should_match".to_owned(), minimum);
        }
        let mut has_clauses = false;
        let mut is_changed = false;
        for occurrence in ["must", "filter", "should", "must_not"] {
            let Some(clauses) = body.get(occurrence) else { continue };
            let clauses = list(clauses, "");
            let mut kept = Vec::new();
            for clause in clauses {
                match (occurrence, self.rewrite(&clause)?) {
                    (_, Rewrite::Same) => kept.push(clause),
                    (_, Rewrite::Changed(clause)) => {
                        is_changed = true;
                        kept.push(clause);
                    }
                    ("must" | "filter", Rewrite::None) | ("must_not", Rewrite::All) => {
                        return Ok(Rewrite::None);
                    }
                    ("should", Rewrite::All) => {
                        is_changed = true;
                        kept.push(json!({ "match_all": {} }));
                    }
                    ("should", Rewrite::None) => {
                        is_changed = true;
                        kept.push(json!({ "match_none": {} }));
                    }
                    (_, Rewrite::All | Rewrite::None) => is_changed = true,
                }
            }
            has_clauses |= !kept.is_empty();
            if is_changed {
                if kept.is_empty() {
                    body.shift_remove(occurrence);
                } else {
                    body.insert(occurrence.to_owned(), Value::Array(kept));
                }
            }
        }
        if is_changed && !has_clauses {
            return Ok(Rewrite::All);
        }
        Ok(changed("bool", &before, &body))
    }

    /// Rewrites the queries inside another one.
    fn inner(&self, kind: &str, body: &Value) -> Result<Rewrite, String> {
        let Some(mut body) = body.as_object().cloned() else { return Ok(Rewrite::Same) };
        let before = body.clone();
        for (_, parameter) in INNER_QUERIES.iter().filter(|(query, _)| *query == kind) {
            let Some(inner) = body.get(*parameter) else { continue };
            if let Value::Array(queries) = inner {
                let queries: Result<Vec<Value>, String> =
                    queries.iter().map(|query| Ok(written(self.rewrite(query)?, query))).collect();
                body.insert((*parameter).to_owned(), Value::Array(queries?));
                continue;
            }
            let rewrite = self.rewrite(inner)?;
            if kind == "constant_score" && matches!(rewrite, Rewrite::All | Rewrite::None) {
                return Ok(rewrite);
            }
            let inner = written(rewrite, inner);
            body.insert((*parameter).to_owned(), inner);
        }
        if kind == "percolate" {
            drop_parameters(kind, &mut body);
        }
        Ok(changed(kind, &before, &body))
    }
}

/// Returns a query in the place of another one.
fn written(rewrite: Rewrite, query: &Value) -> Value {
    match rewrite {
        Rewrite::Same => query.clone(),
        Rewrite::All => json!({ "match_all": {} }),
        Rewrite::None => json!({ "match_none": {} }),
        Rewrite::Changed(query) => query,
    }
}

fn changed(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Rewrite {
    if before == after { Rewrite::Same } else { Rewrite::Changed(json!({ kind: after })) }
}

fn drop_parameters(kind: &str, body: &mut Map<String, Value>) {
    for (_, removed) in REMOVED_PARAMETERS.iter().filter(|(query, _)| *query == kind) {
        body.retain(|parameter, _| !removed.contains(&parameter.as_str()));
    }
}

/// Removes the mapping type from a reference to a document.
fn without_type_in(kind: &str, body: &Value, parameter: &str) -> Rewrite {
    let mut after = body.clone();
    let inner = match after.get_mut(parameter) {
        Some(inner) => Some(inner),
        // `{"geo_shape": {"<field>": {"indexed_shape": {..}}}}`
        None => after
            .as_object_mut()
            .and_then(|fields| fields.values_mut().find_map(|field| field.get_mut(parameter))),
    };
    let removed = inner.and_then(Value::as_object_mut).and_then(|inner| inner.shift_remove("type"));
    removed.map_or(Rewrite::Same, |_| Rewrite::Changed(json!({ kind: after })))
}

fn text_at<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

/// Returns the values in a list, in the list under `key`, or the single value.
fn list(value: &Value, key: &str) -> Vec<Value> {
    match value.get(key).unwrap_or(value) {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    }
}
