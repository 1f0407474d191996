//! A line of a step's log, for a person and for a script.

use argo::convention::label::GROUP;
use contract::progress::LOG_FIELD;
use jiff::Timestamp;
use runs::{LogRecord, LogSource};
use serde_json::json;

/// Writes a line for a person: the step, the time if asked for, the text.
pub(crate) fn text(source: &LogSource, at: Option<Timestamp>, line: &str) -> String {
    let at = at.map(|at| format!("{at} ")).unwrap_or_default();
    let text = LogRecord::parse(line).map_or_else(|| line.to_owned(), |record| sentence(&record));
    format!("[{}] {at}{text}", step_of(source))
}

/// Writes a record as a sentence with its values behind.
fn sentence(record: &LogRecord) -> String {
    let mut text = format!("{:5} {}", record.level, record.message());
    for (key, value) in &record.fields {
        // The message says the progress in words.
        if key != "message" && key != LOG_FIELD {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!(" {key}={value}"));
        }
    }
    text
}

/// Names the process of a line: `group-1/restore-documents/workers/0`. Groups run concurrently, so
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
    fn progress_is_in_the_message_and_not_printed_again() {
        let fields = json!({ "message": "12/40 documents", LOG_FIELD: "{}" });
        let line = json!({ "level": "INFO", "fields": fields }).to_string();
        assert!(text(&source(), None, &line).ends_with("INFO  12/40 documents"), "{line}");
    }
}
