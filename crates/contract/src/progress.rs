//! How far is a long step, and what is it waiting for?
//!
//! A step writes [`Progress`] as JSON to its progress file, and from time to time into its log under
//! [`LOG_FIELD`], because on Kubernetes a reader has only the log of a pod.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numbers::{duration, grouped, rounded, size};

/// The field of a log line that holds the progress as JSON.
pub const LOG_FIELD: &str = "progress";

/// How far a running step is, as `workflow status` shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What the step counts, the coarsest first: shards, then documents, then bytes.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// Seconds until the end at the present rate, if they can be estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
    /// What the step is waiting for; absent while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// One thing that a step counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// What is counted, as in `shards`.
    pub what: String,
    /// How the numbers are written.
    #[serde(default)]
    pub unit: Unit,
    /// How much is done.
    pub done: u64,
    /// How much there is, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How much is done in a second, over the last while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

/// The unit of a [`Measure`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// A number of things.
    #[default]
    Count,
    /// A number of bytes.
    Bytes,
}

/// What a step is waiting for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The request or condition, as in `GET /_cluster/health of cluster new`.
    pub request: String,
    /// The last answer, as in `503 Service Unavailable` or `connection refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<String>,
    /// When the step began to wait.
    pub since: Timestamp,
    /// When it tries again, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
}

impl Measure {
    /// Counts things.
    pub fn count(what: &str, done: u64, total: Option<u64>) -> Self {
        Self { what: what.to_owned(), unit: Unit::Count, done, total, rate: None }
    }

    /// Counts bytes.
    pub fn bytes(what: &str, done: u64, total: Option<u64>) -> Self {
        Self { unit: Unit::Bytes, ..Self::count(what, done, total) }
    }

    /// Adds a rate a second.
    #[must_use]
    pub fn with_rate(self, rate: f64) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// Returns the percentage that is done, rounded down.
    pub fn percent(&self) -> Option<u64> {
        let total = self.total?;
        self.done.min(total).saturating_mul(100).checked_div(total)
    }

    fn number(&self, number: u64) -> String {
        match self.unit {
            Unit::Count => grouped(number),
            Unit::Bytes => size(number),
        }
    }
}

impl Progress {
    /// Returns the measure of this name.
    pub fn measure(&self, what: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.what == what)
    }

    /// Returns the finest measure whose total is known: what a progress bar shows.
    pub fn finest(&self) -> Option<&Measure> {
        self.measures.iter().rev().find(|measure| measure.total.is_some_and(|total| total > 0))
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, unit, done, total, rate } = self;
        let shown = self.number(*done);
        match (total, rate) {
            (Some(total), Some(_)) => {
                write!(formatter, "{shown} of {} {what}", self.number(*total))?;
                if let Some(percent) = self.percent() {
                    write!(formatter, " ({percent}%)")?;
                }
            }
            (Some(total), None) => write!(formatter, "{shown}/{} {what}", self.number(*total))?,
            (None, _) => match unit {
                Unit::Count => write!(formatter, "{shown} {what}")?,
                Unit::Bytes => write!(formatter, "{shown}")?,
            },
        }
        match rate.and_then(rounded) {
            Some(rate) => write!(formatter, ", {}/s", self.number(rate)),
            None => Ok(()),
        }
    }
}

/// One phrase: `3/8 shards, 12,000 of 20,000 documents (60%), 4,300/s, 12.1 MB, 2 s left`.
impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measures = self.measures.iter().filter(|measure| measure.total != Some(0));
        let mut parts: Vec<String> = measures.map(ToString::to_string).collect();
        parts.extend(self.eta_seconds.map(|seconds| format!("{} left", duration(seconds))));
        formatter.write_str(&parts.join(", "))
    }
}

impl Waiting {
    /// Writes it as one phrase, as of `now`.
    pub fn phrase(&self, now: Timestamp) -> String {
        let Self { request, last_answer, since, next_attempt } = self;
        let mut text = format!("waiting {} for {request}", duration(seconds_between(*since, now)));
        if let Some(answer) = last_answer {
            text.push_str(&format!("; last answer: {answer}"));
        }
        if let Some(next) = next_attempt {
            text.push_str(&format!("; next try in {}", duration(seconds_between(now, *next))));
        }
        text
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_phrase() {
        let progress = Progress {
            measures: vec![
                Measure::count("shards", 3, Some(8)),
                Measure::count("documents", 12_000, Some(20_000)).with_rate(4300.4),
                Measure::bytes("source", 12_100_000, None),
            ],
            eta_seconds: Some(200),
            waiting: None,
        };
        assert_eq!(
            progress.to_string(),
            "3/8 shards, 12,000 of 20,000 documents (60%), 4,300/s, 12.1 MB, 3 min 20 s left"
        );
        assert_eq!(progress.finest().map(|measure| measure.what.as_str()), Some("documents"));
        let snapshot = Progress {
            measures: vec![
                Measure::count("shards", 1, Some(2)),
                Measure::bytes("bytes", 2_345_678, None).with_rate(1e6),
            ],
            ..Progress::default()
        };
        assert_eq!(snapshot.to_string(), "1/2 shards, 2.3 MB, 1.0 MB/s");
    }

    #[test]
    fn a_wait_names_the_request_the_answer_and_the_next_try() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let waiting = Waiting {
            request: "GET /_cluster/health of cluster `new`".to_owned(),
            last_answer: Some("503 Service Unavailable".to_owned()),
            since: at("2026-01-01T00:00:00Z"),
            next_attempt: Some(at("2026-01-01T00:00:16Z")),
        };
        assert_eq!(
            waiting.phrase(at("2026-01-01T00:00:12Z")),
            "waiting 12 s for GET /_cluster/health of cluster `new`; last answer: 503 Service \
             Unavailable; next try in 4 s"
        );
        // A reader whose clock is behind sees no negative times.
        assert!(waiting.phrase(at("2025-12-31T23:59:00Z")).starts_with("waiting 0 s for"));
    }
}
