//! Does a run that has begun still work, and how are its groups taken over if it does not?
//!
//! A run that was killed, with no cleanup after it, says nothing. As with a lease, no agreement of
//! clocks is needed: a run that works writes, so a run whose documents keep their versions for a
//! while, by the clock of the observer, is gone. Should that be wrong, nothing is lost: the
//! registration is changed under the condition that it is the one that was observed, and a worker
//! that comes back finds its items gone or closed and stops.
//!
//! The registration is changed first and its items second, so that no process creates new ones in
//! between. It names the run that takes over; by that name the same run, killed in between and
//! started again, finds what it has left undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use fleet::MAX_RENEWAL_INTERVAL;
use state_store::{Stored, Version};
use tokio::time::{Instant, sleep};

use crate::{
    CoordinationError,
    group::{GroupDocument, GroupState, RunOrigin},
    ownership::ItemEnvelope,
    registration,
};

/// For how long a run is observed before it is taken over. A worker that makes no progress renews its
/// lease several times in it, however long the lease is.
pub const OBSERVATION_TIME: Duration = MAX_RENEWAL_INTERVAL.saturating_mul(8);

/// Observations within that time.
const OBSERVATIONS: u32 = 8;

/// Registrations and their items at one moment.
struct Observation {
    registrations: Vec<Stored<GroupDocument>>,
    items: Vec<Stored<ItemEnvelope>>,
}

impl Observation {
    async fn of(client: &Client, keys: &BTreeSet<String>) -> Result<Self, CoordinationError> {
        state_store::refresh(client).await?;
        let mut registrations = registration::stored(client).await?;
        registrations.retain(|stored| keys.contains(&stored.key));
        let mut items = fleet::items::envelopes(client).await?;
        items.retain(|item| {
            registrations.iter().any(|stored| item.document.scope == stored.document.scope)
        });
        Ok(Self { registrations, items })
    }

    fn versions(&self) -> BTreeMap<&str, Version> {
        let registrations =
            self.registrations.iter().map(|stored| (stored.key.as_str(), stored.version));
        let items = self.items.iter().map(|stored| (stored.key.as_str(), stored.version));
        registrations.chain(items).collect()
    }
}

/// Observes registrations of other runs for a `length` and takes them over if no process writes;
/// returns what was done, a line each, or `None` if a run works. `by` names the new run, in words.
pub async fn of_idle_runs(
    client: &Client,
    registrations: &BTreeSet<String>,
    length: Duration,
    by: &str,
) -> Result<Option<Vec<String>>, CoordinationError> {
    let first = Observation::of(client, registrations).await?;
    let end = Instant::now() + length;
    while Instant::now() < end {
        sleep(length / OBSERVATIONS).await;
        if Observation::of(client, registrations).await?.versions() != first.versions() {
            return Ok(None);
        }
    }
    let mut lines = Vec::new();
    let mut all = true;
    for stored in &first.registrations {
        let GroupDocument { run, scope, .. } = &stored.document;
        lines.push(format!(
            "run `{run}` wrote nothing for group `{}` of migration `{}` in {length:?}: this run \
             takes the group over",
            scope.group, scope.migration
        ));
        all = take_over(client, stored, by).await?;
        if !all {
            break;
        }
    }
    remove_items(client, by).await?;
    Ok(all.then_some(lines))
}

/// Removes the work items of the groups that were taken over `by` a run ([`successor`]): what they
/// wrote belongs to that run from now on, and must not look like their own if their migration is
/// submitted again.
pub async fn remove_items(client: &Client, by: &str) -> Result<(), CoordinationError> {
    if !state_store::exists(client).await? {
        return Ok(());
    }
    state_store::refresh(client).await?;
    let ended = taken_over(client, by).await?;
    let mut items = fleet::items::envelopes(client).await?;
    items.retain(|item| ended.iter().any(|group| item.document.scope == group.scope));
    Ok(state_store::remove(client, &items).await?)
}

/// Ends earlier runs of the same migration: the newest one continues what they have begun, and two
/// at the same time would write two snapshots into one index.
pub async fn of_earlier_runs(
    client: &Client,
    origin: &RunOrigin,
) -> Result<Vec<String>, CoordinationError> {
    let by = format!("run `{}` of the same migration took its place", origin.run);
    state_store::refresh(client).await?;
    let mut lines = Vec::new();
    for stored in registration::stored(client).await? {
        let GroupDocument { scope, repository, run, state, .. } = &stored.document;
        let earlier = scope.migration == origin.migration
            && *repository == origin.repository
            && *run != origin.run
            && *state != GroupState::Ended;
        if !earlier {
            continue;
        }
        let group = scope.group.to_string();
        if !take_over(client, &stored, &by).await? {
            return Err(CoordinationError::RunContinues { group, run: run.to_string() });
        }
        lines.push(format!("group `{group}` is taken over from the earlier run `{run}`"));
    }
    state_store::refresh(client).await?;
    let mut ended = taken_over(client, &by).await?;
    // Items of one snapshot are shared: a worker that takes one does the same.
    ended.retain(|group| !origin.is_snapshot_of(&group.scope));
    for item in fleet::items::envelopes(client).await? {
        let is_theirs = ended.iter().any(|group| item.document.scope == group.scope);
        if is_theirs && item.document.is_open() {
            fleet::items::close(client, item, &by).await?;
        }
    }
    Ok(lines)
}

/// Reads the registrations that were taken over `by` a run.
async fn taken_over(client: &Client, by: &str) -> Result<Vec<GroupDocument>, CoordinationError> {
    let groups = registration::stored(client).await?.into_iter().map(|stored| stored.document);
    Ok(groups.filter(|group| group.taken_over.as_deref() == Some(by)).collect())
}

/// Records that another run took a group over; returns `false` if the run that registered it wrote
/// meanwhile.
async fn take_over(
    client: &Client,
    stored: &Stored<GroupDocument>,
    by: &str,
) -> Result<bool, CoordinationError> {
    let ended = GroupDocument {
        state: GroupState::Ended,
        taken_over: Some(by.to_owned()),
        ..stored.document.clone()
    };
    let written = state_store::replace(client, &stored.key, stored.version, &ended).await?;
    Ok(written.is_some())
}

/// Returns which run takes over, in words. It is stored and compared, so the words stay.
pub fn successor(origin: &RunOrigin) -> String {
    format!("run `{}` of migration `{}` took its place", origin.run, origin.migration)
}
