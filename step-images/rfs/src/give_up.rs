//! Give up: the fleet has failed. Who has to know, and what is there to say?
//!
//! Runs only then. What `follow` sees of a fleet that failed is what it sees of one that a person
//! has paused: nothing. So this leaves a note for it, unless the work was done before the end.

use contract::{
    Exit, Failure,
    rfs::{RfsAnswer, RfsRole},
};
use coordination::decision;

use crate::{
    Step,
    state::{self, ItemState, Totals},
};

/// Items that the message lists.
const LISTED: usize = 10;

pub(crate) async fn give_up(step: &Step) -> anyhow::Result<RfsAnswer> {
    let totals = state::totals(&step.client, step.scope()).await?;
    if totals.open == 0 {
        let Totals { done, ledger, .. } = totals;
        return Ok(RfsAnswer { role: RfsRole::GiveUp, items: done, ledger, bytes_read: 0 });
    }
    let open =
        state::some_in_state(&step.client, step.scope(), ItemState::Open, "", LISTED).await?;
    let message = message(&totals, &state::reasons(&open));
    let state::Scope { snapshot, migration, group } = step.scope();
    decision::abandon(&step.client, snapshot, migration, group, &message).await?;
    Err(Failure::new(Exit::Failed, message).into())
}

fn message(totals: &Totals, reasons: &[String]) -> String {
    let Totals { open, done, failed, .. } = totals;
    let shards = open + done + failed;
    let because = if reasons.is_empty() {
        "; they gave no reason, so look at what became of them with `workflow log resource \
         task.workers`"
            .to_owned()
    } else {
        format!(", and these reasons were left behind:\n{}\n", reasons.join("\n"))
    };
    format!(
        "the workers could not be started or failed too often, and {open} of {shards} shards are \
         not done{because}; mend it and run `workflow resume`; it goes on where it stopped"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_how_much_is_left_why_and_what_to_type() {
        let totals = Totals { open: 2, done: 3, failed: 1, ..Totals::default() };
        let silent = message(&totals, &[]);
        assert!(silent.contains("2 of 6 shards"), "{silent}");
        assert!(silent.contains("`workflow log"), "{silent}");
        let told = message(&totals, &["- index `logs` shard 0: no route".to_owned()]);
        assert!(told.contains("no route"), "{told}");
        for message in [silent, told] {
            assert!(message.contains("`workflow resume`"), "{message}");
        }
    }
}
