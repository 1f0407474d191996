//! Whether two clusters hold the same documents: each with its id, its routing and its source,
//! read by scrolling, so that nothing of the product is in the way.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, value::RawValue};
use test_datasets::scroll::{self, Hit};
use test_servers::http::{Http, encoded};

/// What makes two documents the same document. One id may stand under several routings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The document's id.
    pub id: String,
    /// The routing it was written with.
    pub routing: Option<String>,
}

/// The documents of an index by key; the source without the spaces between its tokens.
pub type Documents = BTreeMap<Key, String>;

/// Reads every document of an index.
pub fn documents(http: &Http, index: &str) -> Result<Documents> {
    let mut documents = Documents::new();
    scroll::each(http, index, |Hit { id, routing, source, .. }| {
        let source = source.map(|source| without_spaces(source.get())).unwrap_or_default();
        documents.insert(Key { id, routing }, source);
        Ok(())
    })?;
    Ok(documents)
}

/// Says how the documents of an index differ; empty when they do not.
pub fn differences(source: &Http, target: &Http, index: &str) -> Result<Vec<String>> {
    refresh(target, index)?;
    Ok(different(index, documents(source, index)?, documents(target, index)?))
}

/// Makes everything that was written to an index visible to searches.
pub fn refresh(http: &Http, index: &str) -> Result<()> {
    http.json(&"POST".parse()?, &format!("/{}/_refresh", encoded(index)), None).map(drop)
}

/// Says how the documents that were found differ from those expected.
pub fn different(index: &str, expected: Documents, mut left: Documents) -> Vec<String> {
    let mut differences = Vec::new();
    for (key, expected) in expected {
        match left.remove(&key) {
            None => differences.push(format!("{index}: {key:?} is missing")),
            Some(found) if found != expected => {
                differences.push(format!("{index}: {key:?} is {found}, not {expected}"));
            }
            Some(_same) => {}
        }
    }
    differences.extend(left.into_keys().map(|key| format!("{index}: {key:?} is too many")));
    differences
}

/// JSON without the white space between its tokens, and its strings escaped in one way; numbers and
/// the order of members stay as they are.
pub fn in_one_spelling(json: &str) -> String {
    let json = without_spaces(json);
    let (mut out, mut rest) = (String::with_capacity(json.len()), json.as_str());
    while let Some((before, from)) = rest.find('"').map(|at| rest.split_at(at)) {
        let mut strings = serde_json::Deserializer::from_str(from).into_iter();
        let Some(Ok(string)) = strings.next() else { break };
        let string: &RawValue = string;
        out.push_str(before);
        // Half of a surrogate pair is no text: it stays as it is spelled.
        let text = serde_json::from_str::<String>(string.get());
        out.push_str(
            &text.map_or_else(|_| string.to_string(), |text| Value::from(text).to_string()),
        );
        rest = from.get(strings.byte_offset()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// JSON without the white space between its tokens; all else, numbers above all, as it is.
pub fn without_spaces(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for character in json.chars() {
        if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_text = character == '"';
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{in_one_spelling, without_spaces};

    #[test]
    fn a_string_has_one_spelling_and_a_number_keeps_its_own() {
        let one = r#"{"\u0061": [1.0, "x\/y", "\u00e9\n", "\ud800", "z"]}"#;
        assert_eq!(in_one_spelling(one), r#"{"a":[1.0,"x/y","é\n","\ud800","z"]}"#);
    }

    #[test]
    fn only_the_spaces_between_tokens_go() {
        let pretty = "{\n \"a b\" : [ 1.0, \"x\\\" y\\\\\" , { } ]\r\n}";
        assert_eq!(without_spaces(pretty), r#"{"a b":[1.0,"x\" y\\",{}]}"#);
    }
}
