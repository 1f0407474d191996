//! What does the text say, and where? YAML or JSON as values that remember their bytes.
//!
//! JSON is YAML, so there is one parser. Of a key that is repeated the last value counts; all
//! repetitions are listed ([`Document::repeated_keys`]). This is the one module of the compiler
//! that names the YAML crate.

mod node;
mod secrets;

use std::{collections::BTreeSet, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_yaml::{DuplicateKeyPolicy, Location, Spanned, budget, options};

use self::node::{Content, Node};
use crate::pointer::Pointer;

/// A migration file as values with places.
#[derive(Debug)]
pub(crate) struct Document {
    source: String,
    root: Node,
}

/// Why a text is not readable.
#[derive(Debug)]
pub(crate) struct SyntaxProblem {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
    /// Where the reader stopped.
    pub span: Range<usize>,
    /// Bytes of the source that are never printed.
    pub secrets: Vec<Range<usize>>,
}

/// A key that is in one map more than once.
#[derive(Debug)]
pub(crate) struct RepeatedKey<'a> {
    pub key: &'a str,
    pub path: Pointer,
    /// The repetition.
    pub span: Range<usize>,
}

/// Reads the text.
pub(crate) fn parse(source: &str) -> Result<Document, SyntaxProblem> {
    let options = options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // A file of many thousand groups is large, and still one that a person may write.
        budget: budget! { max_nodes: 4_000_000, max_events: 8_000_000 },
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(source, options) {
        Ok(raw) => Ok(Document { source: source.to_owned(), root: node(raw, source.len()) }),
        Err(error) => Err(problem(error.without_snippet(), source)),
    }
}

fn problem(error: &serde_yaml::Error, source: &str) -> SyntaxProblem {
    let span = error.location().map_or(0..0, |location| place(&location, source));
    let text = error.to_string();
    // The place is left out: the caret shows it.
    let reason = text.lines().next().unwrap_or_default();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    // This message of the library is written for programmers.
    let (message, help) = if reason.starts_with("multiple YAML documents") {
        (
            "a second document begins here, after `---`".to_owned(),
            "write everything under one `migrations:`, or split the file: one document in each \
             file",
        )
    } else {
        (
            format!("the file is not readable as YAML or JSON: {reason}"),
            "check quotes, colons and indentation near this place",
        )
    };
    SyntaxProblem { message, help, span, secrets: secrets::passwords_in_lines(source) }
}

impl Document {
    /// Returns the values without their places. A key without a value counts as absent, except
    /// inside a value whose key is one of `patches`: there `null` removes something.
    pub(crate) fn to_json(&self, patches: &[&str]) -> Value {
        json(&self.root, patches, false)
    }

    /// Returns the value at `path` as the user wrote it.
    pub(crate) fn source_text(&self, path: &Pointer) -> &str {
        self.source.get(self.value_span(path)).unwrap_or_default()
    }

    /// Returns the bytes of the value at `path`, or of the nearest value around it.
    pub(crate) fn value_span(&self, path: &Pointer) -> Range<usize> {
        self.find(path).0.clone()
    }

    /// Returns the bytes of the key at the end of `path`; of the value when it has no key.
    pub(crate) fn key_span(&self, path: &Pointer) -> Range<usize> {
        let (value, key) = self.find(path);
        key.unwrap_or(value).clone()
    }

    /// Returns whether there is a key at the end of `path`, with or without a value.
    pub(crate) fn has_key(&self, path: &Pointer) -> bool {
        let mut parts = path.parts();
        parts.try_fold(&self.root, |node, part| Some(node.at(&part)?.1)).is_some()
    }

    /// Returns the bytes of the source that are never printed.
    pub(crate) fn secrets(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        secrets::hide(&self.root, &self.source, &mut found);
        found
    }

    /// Returns the keys that are in one map more than once.
    pub(crate) fn repeated_keys(&self) -> Vec<RepeatedKey<'_>> {
        let mut found = Vec::new();
        repeated_keys(&self.root, None, &mut found);
        found
    }

    fn find(&self, path: &Pointer) -> (&Range<usize>, Option<&Range<usize>>) {
        let mut node = &self.root;
        let mut key_span = None;
        for part in path.parts() {
            let Some((key, value)) = node.at(&part) else { break };
            (key_span, node) = (key, value);
        }
        (&node.span, key_span)
    }
}

impl Node {
    /// Returns the value at one part of a pointer, and the place of its key if it has one.
    fn at(&self, part: &str) -> Option<(Option<&Range<usize>>, &Self)> {
        match &self.content {
            Content::List(items) => {
                part.parse::<usize>().ok().and_then(|at| items.get(at)).map(|item| (None, item))
            }
            Content::Map(entries) => entries
                .iter()
                .rev()
                .find(|(key, ..)| key == part)
                .map(|(_, span, value)| (Some(span), value)),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => None,
        }
    }
}

/// The value as the parser gives it.
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Raw, D::Error> {
        Raw::deserialize(input)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    /// `8e6` and `60.0` are whole numbers, however they are written.
    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        let whole =
            if value.fract() == 0.0 { format!("{value:.0}").parse::<i64>().ok() } else { None };
        let number = whole.map(Number::from).or_else(|| Number::from_f64(value));
        Ok(number.map_or(Raw::Null, Raw::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

fn node(raw: Spanned<Raw>, length: usize) -> Node {
    let content = match raw.value {
        Raw::Null => Content::Null,
        Raw::Bool(value) => Content::Bool(value),
        Raw::Number(value) => Content::Number(value),
        Raw::Text(value) => Content::Text(value),
        Raw::List(items) => {
            Content::List(items.into_iter().map(|item| node(item, length)).collect())
        }
        Raw::Map(entries) => Content::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    (key.value, bytes(&key.referenced, length), node(value, length))
                })
                .collect(),
        ),
    };
    Node { span: bytes(&raw.referenced, length), content }
}

fn bytes(location: &Location, length: usize) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = number(span.byte_offset()).unwrap_or(0).min(length);
    let end = start.saturating_add(number(span.byte_len()).unwrap_or(0)).min(length);
    start..end
}

/// The bytes of an error: its own, or those of its line and column.
fn place(location: &Location, source: &str) -> Range<usize> {
    if location.span().byte_offset().is_some() {
        return bytes(location, source.len());
    }
    let number = |value: u64| usize::try_from(value.saturating_sub(1)).unwrap_or_default();
    let before: usize =
        source.split_inclusive('\n').take(number(location.line())).map(str::len).sum();
    let line = source.get(before..).unwrap_or_default();
    let column = line.char_indices().nth(number(location.column())).map_or(0, |(at, _)| at);
    before + column..before + column
}

fn json(node: &Node, patches: &[&str], in_patch: bool) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Bool(value) => Value::Bool(*value),
        Content::Number(value) => Value::Number(value.clone()),
        Content::Text(value) => Value::String(value.clone()),
        Content::List(items) => items.iter().map(|item| json(item, patches, in_patch)).collect(),
        Content::Map(entries) => entries
            .iter()
            .filter(|(_, _, value)| in_patch || !matches!(value.content, Content::Null))
            .map(|(key, _, value)| {
                let in_patch = in_patch || patches.contains(&key.as_str());
                (key.clone(), json(value, patches, in_patch))
            })
            .collect(),
    }
}

/// The current place of the walk, linked to the places around it. Only a finding turns it into a
/// pointer.
struct Place<'a> {
    part: Part<'a>,
    around: Option<&'a Self>,
}

enum Part<'a> {
    Key(&'a str),
    Position(usize),
}

impl Place<'_> {
    fn pointer(place: Option<&Self>) -> Pointer {
        place.map_or_else(Pointer::root, |place| {
            let around = Self::pointer(place.around);
            match place.part {
                Part::Key(key) => around.key(key),
                Part::Position(position) => around.index(position),
            }
        })
    }
}

fn repeated_keys<'a>(node: &'a Node, around: Option<&Place<'_>>, found: &mut Vec<RepeatedKey<'a>>) {
    match &node.content {
        Content::List(items) => {
            for (position, item) in items.iter().enumerate() {
                let place = Place { part: Part::Position(position), around };
                repeated_keys(item, Some(&place), found);
            }
        }
        Content::Map(entries) => {
            let mut seen = BTreeSet::new();
            for (key, span, value) in entries {
                let place = Place { part: Part::Key(key), around };
                if !seen.insert(key.as_str()) {
                    let path = Place::pointer(Some(&place));
                    found.push(RepeatedKey { key, path, span: span.clone() });
                }
                repeated_keys(value, Some(&place), found);
            }
        }
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(source: &str) -> Document {
        let document = parse(source).expect("YAML");
        assert!(document.repeated_keys().is_empty(), "{document:?}");
        document
    }

    #[test]
    fn json_and_yaml_are_read_alike() {
        let json = parsed(r#"{"a": {"b": [1, "x", true, null]}}"#);
        let yaml = parsed("a:\n  b:\n  - 1\n  - x\n  - true\n  - ~\n");
        assert_eq!(json.to_json(&[]), yaml.to_json(&[]));
    }

    #[test]
    fn a_key_without_a_value_is_absent_except_in_a_patch() {
        let value = parsed("a:\nb: { c: ~, patch: { d: null, e: { f: } } }\npatch:\n");
        let expected = serde_json::json!({ "b": { "patch": { "d": null, "e": { "f": null } } } });
        assert_eq!(value.to_json(&["patch"]), expected);
    }

    #[test]
    fn places_are_those_of_the_text() {
        let source = "\u{feff}# żółw\na:\n  \"b c\": [1, 'x y']\n";
        let document = parsed(source);
        let path = Pointer::root().key("a").key("b c");
        assert_eq!(source.get(document.key_span(&path)), Some("\"b c\""));
        assert_eq!(document.source_text(&path.index(1)), "'x y'");
        assert_eq!(document.source_text(&path.index(0)), "1");
    }

    #[test]
    fn a_missing_place_is_that_of_what_is_around_it() {
        let source = "a:\n  b: 1\n";
        let document = parsed(source);
        let missing = Pointer::root().key("a").key("c").key("d");
        assert_eq!(document.value_span(&missing).start, source.find("b: 1").expect("there"));
        assert_eq!(source.get(document.key_span(&missing)), Some("a"));
    }

    #[test]
    fn words_of_yaml_1_1_stay_text() {
        let value = parsed("a: [yes, no, on, off]\n").to_json(&[]);
        assert_eq!(value, serde_json::json!({ "a": ["yes", "no", "on", "off"] }));
    }

    #[test]
    fn hostile_texts_are_refused() {
        let deep = "[".repeat(10_000);
        let laughs = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n\
                      c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n\
                      e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\n\
                      g: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n";
        let refused = [deep.as_str(), laughs, "a: *nothing", "a: !!int x\n", "\u{0}", "? [a]: b"];
        for source in refused {
            assert!(parse(source).is_err(), "{source:.40} was read");
        }
    }
}
