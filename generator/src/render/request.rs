//! How is a request passed to a step? As JSON in which neither Argo nor Kubernetes replaces
//! anything.
//!
//! A request passes through three readers before the step's own. Some characters have a meaning for
//! them, so these are written as `\u` escapes, which JSON allows between quotes. Elsewhere in our
//! JSON they do not occur:
//!
//! - Argo replaces `{{...}}`;
//! - Kubernetes replaces `$(NAME)` in arguments by environment variables, passwords included, and
//!   makes `$$` one `$`;
//! - Argo quotes the values that it inserts with Go's rules, which differ from JSON's for
//!   unprintable characters and those beyond 16 bits; YAML 1.1 reads some of them as ends of lines.
//!
//! [`lines`] lays it out for people.

mod escape;
mod lines;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use lines::Lines;

use crate::plan::StepCall;

/// The size up to which a request is passed as an argument. Linux allows 128 KiB in one argument.
pub(crate) const MAX_ARGUMENT_BYTES: usize = 100_000;

/// The request of a call, whatever its step is.
pub(crate) struct Request<'a>(pub &'a StepCall);

impl Serialize for Request<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            StepCall::Initialize(request) => request.serialize(serializer),
            StepCall::Snapshot(request) => request.serialize(serializer),
            StepCall::Register(request) => request.serialize(serializer),
            StepCall::Metadata(request) => request.serialize(serializer),
            StepCall::Rfs(request) => request.serialize(serializer),
            StepCall::Verify(request) => request.serialize(serializer),
            StepCall::Cleanup(request) => request.serialize(serializer),
        }
    }
}

/// Returns a request as JSON of several lines, for people to read in the manifest.
pub(crate) fn text(request: &impl Serialize) -> String {
    written(request, Lines::default())
}

/// Returns a request as JSON that is one YAML value between single quotes.
pub(crate) fn between_quotes(request: &impl Serialize) -> String {
    written(request, OneLine)
}

fn written(request: &impl Serialize, layout: impl Formatter) -> String {
    let mut json = Vec::with_capacity(1024);
    request
        .serialize(&mut Serializer::with_formatter(&mut json, layout))
        .expect("a request has text keys only, so it can be written as JSON");
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// The layout of one line, without the quotes of YAML.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        json: &mut W,
        characters: &str,
    ) -> io::Result<()> {
        escape::fragment(characters, Some('\''), json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOSTILE: [&str; 12] = [
        "{{workflow.name}}",
        "{{{{=sprig.env()}}}}",
        "{{{odd",
        "$(ARGOSY_TARGET_PASSWORD)",
        "$$(X) $$ $",
        "\\{{ \\\\{{ \"{{\"",
        "line\nline\ttab\u{0}\u{7f}\u{85}",
        "\u{2028}\u{2029}\u{feff}",
        "emoji 🦀 and \u{e0001}",
        "żółć 日本",
        "{",
        "'\"`#: - &a *a !t",
    ];

    #[test]
    fn hostile_texts_arrive_as_they_were() {
        for hostile in HOSTILE {
            let request = json!({ hostile: [hostile, { "a": {} }] });
            let written = text(&request);
            assert_eq!(
                serde_json::from_str::<Value>(&written).expect("JSON"),
                request,
                "{written}"
            );
            for forbidden in ["{{", "$", "\u{7f}", "\u{85}", "\u{2028}", "\u{feff}", "🦀"] {
                assert!(!written.contains(forbidden), "{forbidden:?} in {written}");
            }
        }
    }

    #[test]
    fn a_request_between_quotes_is_one_yaml_value() {
        for hostile in HOSTILE {
            let request = json!({ "a": hostile });
            let yaml = format!("args: ['{}']\n", between_quotes(&request));
            let read = argo::yaml::read_value(&yaml).expect("YAML");
            let argument = read.pointer("/args/0").and_then(Value::as_str).expect("a text");
            assert_eq!(serde_json::from_str::<Value>(argument).expect("JSON"), request);
            assert!(!yaml.contains("{{") && !yaml.contains('$'), "{yaml}");
        }
    }
}
