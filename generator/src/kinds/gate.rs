//! Which gates can a kind of migration have, and when does one wait?

use crate::file::approvals::Approvals;

/// A gate of every group that does what the gate guards.
#[derive(Debug)]
pub(crate) struct GateSpec {
    /// The name, as gates and tasks are called.
    pub name: &'static str,
    /// The key under `approvals`.
    pub key: &'static str,
    /// Whether the gate waits when the file does not say.
    pub waits_by_default: bool,
    /// What waits for the decision.
    pub guards: &'static str,
    /// Returns what `approvals` says about the gate.
    pub setting: fn(&Approvals) -> Option<bool>,
}

/// What one level of the file says: `approvals` and `skipApprovals`.
pub(crate) type Level<'a> = (Option<&'a Approvals>, Option<bool>);

impl GateSpec {
    /// Returns whether the gate waits for a person: the nearest level that says something about it
    /// decides. `levels` begin with the nearest.
    pub(crate) fn waits(&self, levels: &[Level<'_>]) -> bool {
        for (approvals, skip) in levels {
            if let Some(waits) = approvals.and_then(self.setting) {
                return waits;
            }
            if let Some(skip) = skip {
                return !skip && self.waits_by_default;
            }
        }
        self.waits_by_default
    }
}
