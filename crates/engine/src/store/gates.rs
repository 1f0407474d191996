//! The gates of a run, and the decisions of people about them.

use argo::convention::decisions::Verdict;
use contract::gate::{DecisionOutcome, Gate, GateState};

use super::{Store, error::StoreError};
use crate::{
    gates,
    journal::Append,
    state::{Entry, GateDecision},
};

impl Store {
    /// Returns the gates of a run, in the order of its templates.
    pub fn gates(&self, uid: &str) -> Result<Vec<Gate>, StoreError> {
        let program = self.program(uid)?;
        let (state, _) = self.load(uid)?;
        Ok(gates::gates(&program, &state))
    }

    /// Decides about a gate. Of two concurrent decisions one wins, and the other one gets
    /// [`DecisionOutcome::NotWaiting`] with the winner's decision.
    pub fn decide(
        &self,
        uid: &str,
        gate: &str,
        verdict: Verdict,
        by: &str,
        reason: Option<&str>,
    ) -> Result<DecisionOutcome, StoreError> {
        let program = self.program(uid)?;
        loop {
            let (state, last) = self.load(uid)?;
            let Some(place) = program.gates().iter().find(|place| place.name == gate) else {
                return Ok(DecisionOutcome::Unknown);
            };
            let known = gates::gates(&program, &state);
            let Some(current) = known.into_iter().find(|known| known.name == gate) else {
                return Ok(DecisionOutcome::Unknown);
            };
            let entry = gates::decision_entry(place, &state);
            let outcome = match (current.state, verdict) {
                (GateState::Waiting, _) => DecisionOutcome::Recorded,
                (GateState::Pending, Verdict::Approved) if entry.is_some() => {
                    DecisionOutcome::ApprovedInAdvance
                }
                _ => return Ok(DecisionOutcome::NotWaiting(current)),
            };
            let decision = GateDecision {
                verdict,
                by: by.to_owned(),
                at: self.clock().now(),
                reason: reason.map(str::to_owned),
            };
            let nodes = gates::waiting_nodes(gate, &state);
            let entry = Entry::GateDecided { gate: gate.to_owned(), decision, nodes, entry };
            if self.append(uid, last, &[entry])? != Append::Behind {
                return Ok(outcome);
            }
        }
    }
}
