//! Give up: records for the follower that the workers failed, and why.
//!
//! Runs only then. To `follow`, a fleet that failed looks like one that a person has paused: nothing
//! moves. So this records the reason for it, unless the work was done before the end.

use crate::{
    FleetError,
    fleet_record::FleetRecord,
    follow::MAX_LISTED,
    item::ItemState,
    items,
    totals::{Totals, totals},
    work::Work,
    worker::FleetScope,
};

/// Records that the fleet failed; returns the sums if all items have ended even so.
pub async fn give_up<W: Work>(
    fleet: &FleetScope,
    record: &impl FleetRecord,
) -> Result<Totals, FleetError> {
    let FleetScope { client, scope, lease: _ } = fleet;
    let totals = totals(client, scope).await?;
    if totals.open == 0 {
        return Ok(totals);
    }
    let open = items::some_in_state::<W>(client, scope, ItemState::Open, "", MAX_LISTED).await?;
    let message = message(W::KIND, &totals, &items::reasons(&open));
    record.give_up(&message).await?;
    Err(FleetError::GaveUp(message))
}

fn message(kind: &str, totals: &Totals, reasons: &[String]) -> String {
    let because = if reasons.is_empty() {
        "; they left no reason, so see `workflow log resource task.workers`".to_owned()
    } else {
        format!("; the last reasons were:\n{}\n", reasons.join("\n"))
    };
    format!(
        "the workers could not be started or failed too often, and {} of {} {kind}s are not \
         done{because}; fix the cause and run `workflow resume`; it continues where it stopped",
        totals.open,
        totals.items()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_how_much_is_left_why_and_what_to_type() {
        let totals = Totals { open: 2, done: 3, failed: 1, ..Totals::default() };
        let silent = message("shard", &totals, &[]);
        assert!(silent.contains("2 of 6 shards"), "{silent}");
        assert!(silent.contains("`workflow log"), "{silent}");
        let reported = message("shard", &totals, &["- index `logs` shard 0: no route".to_owned()]);
        assert!(reported.contains("no route"), "{reported}");
        for message in [silent, reported] {
            assert!(message.contains("`workflow resume`"), "{message}");
        }
    }
}
