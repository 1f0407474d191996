//! A gate in words.

use runs::{Gate, GateState};

/// Returns the state of a gate and its decision: `approved by root at ...: looked at the report`.
pub(crate) fn story(gate: &Gate) -> String {
    let mut story = word(gate.state).to_owned();
    if let Some(by) = &gate.by {
        story.push_str(&format!(" by {by}"));
    }
    if let Some(at) = &gate.at {
        story.push_str(&format!(" at {at:.0}"));
    }
    if let Some(reason) = &gate.reason {
        story.push_str(&format!(": {reason}"));
    }
    story
}

/// Returns the state of a gate in a word or two.
pub(crate) fn word(state: GateState) -> &'static str {
    match state {
        GateState::Pending => "not reached yet",
        GateState::Waiting => "waiting",
        GateState::Approved => "approved",
        GateState::Rejected => "rejected",
        GateState::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_whole_seconds() {
        let gate = Gate {
            name: "metadata-evaluated".to_owned(),
            state: GateState::Approved,
            by: Some("root".to_owned()),
            at: Some("2026-11-20T10:00:01.987654Z".parse().expect("a time")),
            reason: Some("looked at the report".to_owned()),
        };
        let expected = "approved by root at 2026-11-20T10:00:01Z: looked at the report";
        assert_eq!(story(&gate), expected);
    }
}
