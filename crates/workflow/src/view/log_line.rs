//! A line of a step's log, for a person and for a script.

use argo::convention::label::GROUP;
use contract::{Progress, progress::LOG_FIELD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::backend::LogSource;

/// One line of a step's structured log.
#[derive(Deserialize)]
struct LogRecord {
    /// `INFO`, `ERROR`, ...
    level: String,
    /// The message and its values.
    fields: serde_json::Map<String, serde_json::Value>,
}

impl LogRecord {
    /// Reads a line; nothing when it is not one of ours.
    fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    fn message(&self) -> &str {
        self.fields.get("message").and_then(serde_json::Value::as_str).unwrap_or_default()
    }

    /// Writes it as a sentence with its values behind.
    fn sentence(&self) -> String {
        let mut text = format!("{:5} {}", self.level, self.message());
        for (key, value) in &self.fields {
            // The message says the progress in words.
            if key != "message" && key != LOG_FIELD {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.push_str(&format!(" {key}={value}"));
            }
        }
        text
    }
}

/// Returns the last error among the lines of a step.
pub(crate) fn last_error<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<String> {
    lines.rev().find_map(|line| {
        let record = LogRecord::parse(line)?;
        (record.level == "ERROR").then(|| record.message().to_owned())
    })
}

/// Returns how far a step is, by the last line that says so.
pub(crate) fn progress<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<Progress> {
    lines.rev().find_map(|line| {
        let fields = LogRecord::parse(line)?.fields;
        serde_json::from_str(fields.get(LOG_FIELD)?.as_str()?).ok()
    })
}

/// Writes a line for a person: the step, the time if asked for, the text.
pub(crate) fn text(source: &LogSource, at: Option<Timestamp>, line: &str) -> String {
    let at = at.map(|at| format!("{at} ")).unwrap_or_default();
    let text = LogRecord::parse(line).map_or_else(|| line.to_owned(), |record| record.sentence());
    format!("[{}] {at}{text}", step_of(source))
}

/// Names the process of a line: `group-1/restore-documents/workers/0`. Two groups run at once, so
/// the name of a step alone would not do.
fn step_of(source: &LogSource) -> String {
    let group = source.labels.get(GROUP).filter(|group| !group.is_empty());
    let group = group.map(|group| format!("{group}/")).unwrap_or_default();
    let worker = source.worker.map(|worker| format!("/{worker}")).unwrap_or_default();
    format!("{group}{}{worker}", source.step)
}

/// Writes a line as one line of JSON.
pub(crate) fn json(source: &LogSource, at: Option<Timestamp>, line: &str) -> String {
    let LogSource { node, step, worker, labels } = source;
    let record = LogRecord::parse(line);
    let mut fields = record.as_ref().map(|record| record.fields.clone()).unwrap_or_default();
    fields.remove("message");
    json!({
        "at": at,
        "node": node,
        "step": step,
        "worker": worker,
        "labels": labels,
        "level": record.as_ref().map(|record| &record.level),
        "message": record.as_ref().map_or(line, LogRecord::message),
        "fields": fields,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use contract::Measure;

    use super::*;

    const RECORD: &str =
        r#"{"timestamp":"x","level":"ERROR","fields":{"message":"no route","exit":1}}"#;

    fn source() -> LogSource {
        let labels = [("argosy.dev/group".to_owned(), "a".to_owned())].into();
        LogSource { node: "w.a".to_owned(), step: "workers".to_owned(), worker: Some(2), labels }
    }

    #[test]
    fn a_structured_line_reads_as_a_sentence() {
        assert_eq!(text(&source(), None, RECORD), "[a/workers/2] ERROR no route exit=1");
        let at = "2026-11-20T10:00:00Z".parse().expect("a time");
        let plain = text(&source(), Some(at), "12 indices");
        assert_eq!(plain, "[a/workers/2] 2026-11-20T10:00:00Z 12 indices");
    }

    #[test]
    fn a_line_about_progress_is_understood() {
        let expected = Progress {
            measures: vec![Measure::count("documents", 12, Some(40))],
            ..Progress::default()
        };
        let json = serde_json::to_string(&expected).expect("JSON");
        let fields = json!({ "message": expected.to_string(), LOG_FIELD: json });
        let line = json!({ "level": "INFO", "fields": fields }).to_string();
        assert!(text(&source(), None, &line).ends_with("INFO  12/40 documents"), "{line}");
        assert_eq!(progress([line.as_str(), RECORD, "done"].into_iter()), Some(expected));
        assert_eq!(progress([RECORD].into_iter()), None);
    }

    #[test]
    fn the_last_error_is_the_one_that_counts() {
        let lines = [RECORD.replace("no route", "first"), RECORD.to_owned(), "done".to_owned()];
        assert_eq!(last_error(lines.iter().map(String::as_str)).as_deref(), Some("no route"));
        assert_eq!(last_error(["plain"].into_iter()), None);
    }
}
