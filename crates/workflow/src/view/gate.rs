//! A gate in words.

use engine::{Gate, GateState};

/// What became of a gate: `approved by root at ...: looked at the report`.
pub(crate) fn story(gate: &Gate) -> String {
    let mut story = word(gate.state).to_owned();
    if let Some(by) = &gate.by {
        story.push_str(&format!(" by {by}"));
    }
    if let Some(at) = &gate.at {
        story.push_str(&format!(" at {at}"));
    }
    if let Some(reason) = &gate.reason {
        story.push_str(&format!(": {reason}"));
    }
    story
}

/// What became of a gate, in a word or two.
pub(crate) fn word(state: GateState) -> &'static str {
    match state {
        GateState::Pending => "not reached yet",
        GateState::Waiting => "waiting",
        GateState::Approved => "approved",
        GateState::Rejected => "rejected",
        GateState::Skipped => "skipped",
    }
}
