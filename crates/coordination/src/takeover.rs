//! Does a run that has begun still work, and how is its place taken if it does not?
//!
//! A run that was killed, with no cleanup after it, says nothing. As with a lease, no agreement of
//! clocks is needed: whoever works writes, so documents whose versions did not change for a while,
//! by the clock of the one who watches, are nobody's. Should that be wrong, nothing is lost: the
//! decision is changed under the condition that it is the one that was watched, and a worker that
//! comes back finds its items gone or closed and stops.
//!
//! The decision is changed first and its items second, so that nobody makes new ones in between. It
//! names the run that takes the place, by which that run, killed in between, finds when it is
//! started again what it has left undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cluster::Client;
use contract::{Exit, Failure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    decision::{self, GroupDocument, Origin, RunState},
    earlier::{self, Work},
    working_state::{self, Stored, Version},
};

/// How often it is looked, in the time of watching.
const LOOKS: u32 = 8;

/// Decisions and their items at one moment.
struct Seen {
    decisions: Vec<Stored<GroupDocument>>,
    items: Vec<Stored<Work>>,
}

impl Seen {
    async fn of(client: &Client, keys: &BTreeSet<String>) -> anyhow::Result<Self> {
        working_state::refresh(client).await?;
        let mut decisions = decision::stored(client).await?;
        decisions.retain(|stored| keys.contains(&stored.key));
        let mut items = earlier::stored(client).await?;
        items.retain(|item| decisions.iter().any(|it| item.document.is_of(&it.document)));
        Ok(Self { decisions, items })
    }

    fn versions(&self) -> BTreeMap<&str, Version> {
        let decisions = self.decisions.iter().map(|stored| (stored.key.as_str(), stored.version));
        let items = self.items.iter().map(|stored| (stored.key.as_str(), stored.version));
        decisions.chain(items).collect()
    }
}

/// Watches decisions of other runs for a `length` and takes their place if nobody writes; answers
/// what was done, a line each, or `None` if somebody works.
pub async fn of_the_idle(
    client: &Client,
    decisions: &BTreeSet<String>,
    length: Duration,
    by: &str,
) -> anyhow::Result<Option<Vec<String>>> {
    let first = Seen::of(client, decisions).await?;
    let end = Instant::now() + length;
    while Instant::now() < end {
        sleep(length / LOOKS).await;
        if Seen::of(client, decisions).await?.versions() != first.versions() {
            return Ok(None);
        }
    }
    let mut lines = Vec::new();
    let mut all = true;
    for stored in &first.decisions {
        let GroupDocument { run, migration, group, .. } = &stored.document;
        lines.push(format!(
            "nothing was done for group `{group}` of migration `{migration}` (run `{run}`) in \
             {length:?}: its place is taken"
        ));
        all = supersede(client, stored, by).await?;
        if !all {
            break;
        }
    }
    remove_work(client, by).await?;
    Ok(all.then_some(lines))
}

/// Removes the work items of those whose place was taken [`in_favour_of`] somebody: what they wrote
/// is somebody's data from now on, and not to be taken for their own should they be submitted
/// again.
pub async fn remove_work(client: &Client, by: &str) -> anyhow::Result<()> {
    if !working_state::exists(client).await? {
        return Ok(());
    }
    working_state::refresh(client).await?;
    let ended = ended(client, by).await?;
    let mut items = earlier::stored(client).await?;
    items.retain(|item| ended.iter().any(|decided| item.document.is_of(decided)));
    working_state::remove(client, &items).await
}

/// Ends earlier runs of the same migration: the newest one goes on with what they have begun, and
/// two at a time would write two snapshots into one index.
pub async fn of_earlier_runs(client: &Client, origin: Origin<'_>) -> anyhow::Result<Vec<String>> {
    let by = format!("run `{}` of the same migration took its place", origin.run);
    working_state::refresh(client).await?;
    let mut lines = Vec::new();
    for stored in decision::stored(client).await? {
        let GroupDocument { migration, repository, run, state, group, .. } = &stored.document;
        let earlier = migration == origin.migration
            && repository == origin.repository
            && run != origin.run
            && *state != RunState::Ended;
        if !earlier {
            continue;
        }
        if !supersede(client, &stored, &by).await? {
            let message = format!("group `{group}` of run `{run}` goes on at this moment");
            return Err(Failure::new(Exit::Temporary, message).into());
        }
        lines.push(format!("group `{group}` of run `{run}` has ended: this run takes its place"));
    }
    working_state::refresh(client).await?;
    let mut ended = ended(client, &by).await?;
    // Items of one snapshot are shared: whoever takes one does the same.
    ended.retain(|decided| decided.snapshot != origin.snapshot);
    for item in earlier::stored(client).await? {
        let theirs = ended.iter().any(|decided| item.document.is_of(decided));
        if theirs && item.document.is_open() {
            close(client, &item.key, &by).await?;
        }
    }
    Ok(lines)
}

/// Reads the decisions whose runs lost their place to this one.
async fn ended(client: &Client, by: &str) -> anyhow::Result<Vec<GroupDocument>> {
    let decisions = decision::stored(client).await?.into_iter().map(|stored| stored.document);
    Ok(decisions.filter(|decided| decided.superseded.as_deref() == Some(by)).collect())
}

/// Notes that another run took the place of the one that decided; answers `false` if it wrote
/// meanwhile.
async fn supersede(
    client: &Client,
    stored: &Stored<GroupDocument>,
    by: &str,
) -> anyhow::Result<bool> {
    let ended = GroupDocument {
        state: RunState::Ended,
        superseded: Some(by.to_owned()),
        ..stored.document.clone()
    };
    let written = working_state::replace(client, &stored.key, stored.version, &ended).await?;
    Ok(written.is_some())
}

/// Closes an open item, so that the worker that holds it finds that it is not its own any more.
async fn close(client: &Client, key: &str, reason: &str) -> anyhow::Result<()> {
    working_state::change(client, key, &format!("work item `{key}`"), |mut item: Value| {
        if item.get("state").and_then(Value::as_str) != Some("open") {
            return Ok(None);
        }
        item["state"] = json!("failed");
        item["holder"] = Value::Null;
        item["error"] = json!(reason);
        Ok(Some(item))
    })
    .await
    .map(drop)
}

/// Says in whose favour a place is taken.
pub fn in_favour_of(origin: Origin<'_>) -> String {
    format!("run `{}` of migration `{}` took its place", origin.run, origin.migration)
}
