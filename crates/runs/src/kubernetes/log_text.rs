//! Which lines of a pod's log are the step's own, and when was each written?
//!
//! ```text
//! 2026-11-20T10:00:00.123456789Z {"timestamp": ...}                      the step
//! 2026-11-20T10:00:00.123456789Z time="2026-..." level=info msg="..."    Argo's executor
//! 2026-11-20T10:00:00.123456789Z Error: exit status 1                    Argo's executor
//! 2026-11-20T10:00:00.123456789Z Error: context canceled                 Argo's executor
//! ```

use jiff::Timestamp;

/// Takes the time off that the kubelet put before a line.
pub(super) fn timed(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((at, rest)) => match at.parse() {
            Ok(at) => (Some(at), rest),
            Err(_) => (None, line),
        },
        // An empty line has no space behind its time.
        None => line.parse().map_or((None, line), |at| (Some(at), "")),
    }
}

/// Returns whether Argo's executor wrote a line, and not the step.
pub(super) fn is_executors(text: &str) -> bool {
    let is_record = text.starts_with("time=\"") && text.contains("\" level=");
    let is_last = text
        .strip_prefix("Error: exit status ")
        .is_some_and(|code| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()));
    // What it says when it is ended while it watches a Job.
    let is_canceled = text.strip_prefix("Error: ").unwrap_or(text) == "context canceled";
    is_record || is_last || is_canceled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let at = "2026-11-20T10:00:00.123456789Z".parse().expect("a time");
        assert_eq!(timed("2026-11-20T10:00:00.123456789Z a b"), (Some(at), "a b"));
        assert_eq!(timed("2026-11-20T10:00:00.123456789Z"), (Some(at), ""));
        assert_eq!(timed("no time"), (None, "no time"));
        assert_eq!(timed(""), (None, ""));
    }

    #[test]
    fn lines_of_the_executor_are_known() {
        let record =
            r#"time="2026-11-20T10:00:00.123Z" level=info msg="sub-process exited" argo=true"#;
        assert!(is_executors(record));
        assert!(is_executors("Error: exit status 3"));
        assert!(is_executors("context canceled") && is_executors("Error: context canceled"));
        assert!(!is_executors("Error: exit status of the index"));
        assert!(!is_executors(r#"{"timestamp":"x"}"#));
        assert!(!is_executors("time=\"now\""));
    }
}
