//! What does a snapshot contain that existed before the migration?

use contract::{Failure, SnapshotName, SnapshotSource, snapshot::SnapshotAnswer};
use coordination::resolve::{self, OpenSnapshot};
use step::Context;

/// Reads an existing snapshot in its repository; an incomplete one is an error.
pub(crate) async fn read(
    source: &SnapshotSource,
    context: &Context,
) -> anyhow::Result<SnapshotAnswer> {
    let opened = resolve::open(source, &context.run, &context.storage).await;
    let OpenSnapshot { repository: _, snapshot } = opened.map_err(Failure::from)?;
    let seconds = snapshot
        .start_millis
        .zip(snapshot.end_millis)
        .map_or(0.0, |(start, end)| seconds_between(start, end));
    Ok(SnapshotAnswer {
        snapshot: SnapshotName::new(snapshot.name),
        indices: u64::try_from(snapshot.indices.len())?,
        shards: u64::from(snapshot.total_shards),
        // Nothing was written for this migration.
        bytes: 0,
        seconds,
    })
}

/// Returns the seconds between two instants in milliseconds, or 0 if the clock went back.
pub(crate) fn seconds_between(start_millis: i64, end_millis: i64) -> f64 {
    let millis = u64::try_from(end_millis.saturating_sub(start_millis)).unwrap_or(0);
    std::time::Duration::from_millis(millis).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_gives_no_negative_time() {
        assert!((seconds_between(1_000, 3_500) - 2.5).abs() < f64::EPSILON);
        assert!(seconds_between(3_500, 1_000).abs() < f64::EPSILON);
        assert!(seconds_between(i64::MAX, i64::MIN).abs() < f64::EPSILON);
    }
}
