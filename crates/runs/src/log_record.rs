//! What does a line of a step's structured log say?

use contract::{Progress, progress::LOG_FIELD};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One line of a step's structured log.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LogRecord {
    /// `INFO`, `ERROR`, ...
    pub level: String,
    /// The message and its values.
    pub fields: Map<String, Value>,
}

impl LogRecord {
    /// Reads a line; `None` if it is not structured.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Returns the message.
    pub fn message(&self) -> &str {
        self.fields.get("message").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Returns the last error among the lines of a step.
pub(crate) fn last_error<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<String> {
    lines.rev().find_map(|line| {
        let record = LogRecord::parse(line)?;
        (record.level == "ERROR").then(|| record.message().to_owned())
    })
}

/// Returns how much of a step is done, by the last line that says so.
pub(crate) fn progress<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<Progress> {
    lines.rev().find_map(|line| {
        let fields = LogRecord::parse(line)?.fields;
        serde_json::from_str(fields.get(LOG_FIELD)?.as_str()?).ok()
    })
}

#[cfg(test)]
mod tests {
    use contract::Measure;
    use serde_json::json;

    use super::*;

    const RECORD: &str =
        r#"{"timestamp":"x","level":"ERROR","fields":{"message":"no route","exit":1}}"#;

    #[test]
    fn a_line_about_progress_is_understood() {
        let expected = Progress {
            measures: vec![Measure::count("documents", 12, Some(40))],
            ..Progress::default()
        };
        let json = serde_json::to_string(&expected).expect("JSON");
        let fields = json!({ "message": expected.to_string(), LOG_FIELD: json });
        let line = json!({ "level": "INFO", "fields": fields }).to_string();
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
