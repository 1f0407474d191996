//! Times of a run are shown in whole seconds, as Argo writes them.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// Leaves out the part of a second; rounding up would show a time that is yet to come.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    let down = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    time.round(down).unwrap_or(time)
}
