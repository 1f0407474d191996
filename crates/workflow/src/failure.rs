//! Why did a step fail, in its own words?
//!
//! A controller only knows the exit code. The last error that a step logged says what happened
//! and what to do, so `workflow status` shows that.

use std::path::Path;

use serde::Deserialize;

/// One line of a step's structured log.
#[derive(Deserialize)]
pub(crate) struct LogRecord {
    /// `INFO`, `ERROR`, ...
    pub(crate) level: String,
    /// The message and its values.
    pub(crate) fields: serde_json::Map<String, serde_json::Value>,
}

impl LogRecord {
    /// Reads a line; nothing when it is not one of ours.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        self.fields.get("message").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// Returns the last error in the log of a step.
pub(crate) fn last_error(log: &Path) -> Option<String> {
    let text = fs_err::read_to_string(log).ok()?;
    text.lines().rev().find_map(|line| {
        let record = LogRecord::parse(engine::logs::parse_line(line)?.text)?;
        (record.level == "ERROR").then(|| record.message().to_owned())
    })
}
