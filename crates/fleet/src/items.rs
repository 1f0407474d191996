//! How are items read and written?

use cluster::Client;
use state_store::{Origin, Scope, StateDocument as _, StoreError, Stored, Version, change_found};

use crate::{
    FleetError,
    item::{Item, ItemState, KIND},
    work::{IgnoredWork, Work},
};

/// Writes those items that are not there yet; returns how many these were.
pub async fn create_missing<W: Work>(
    client: &Client,
    items: Vec<Item<W>>,
) -> Result<u64, StoreError> {
    let documents: Vec<(String, Item<W>)> =
        items.into_iter().map(|item| (item.key.clone(), item)).collect();
    state_store::create_missing(client, &documents).await
}

/// Reads the items of a scope.
pub async fn of_scope<W: Work>(
    client: &Client,
    scope: &Scope,
) -> Result<Vec<Stored<Item<W>>>, StoreError> {
    state_store::refresh(client).await?;
    state_store::all(client, &scope.fields_of(KIND)).await
}

/// Reads the items of all groups with the same origin.
pub async fn of_origin<W: Work>(
    client: &Client,
    origin: &Origin,
) -> Result<Vec<Stored<Item<W>>>, StoreError> {
    state_store::refresh(client).await?;
    state_store::all(client, &[("kind", KIND), origin.field()]).await
}

/// Reads the envelopes of all items, of whatever migration and work. The index of the state must
/// be there, and refreshed.
pub async fn envelopes(client: &Client) -> Result<Vec<Stored<Item<IgnoredWork>>>, StoreError> {
    state_store::all(client, &[("kind", Item::<IgnoredWork>::KIND)]).await
}

/// Reads some items of one state, beginning after the key `after` and wrapping around.
pub(crate) async fn some_in_state<W: Work>(
    client: &Client,
    scope: &Scope,
    state: ItemState,
    after: &str,
    size: usize,
) -> Result<Vec<Stored<Item<W>>>, StoreError> {
    state_store::refresh(client).await?;
    let [kind, origin, migration, group] = scope.fields_of(KIND);
    let filter = [kind, origin, migration, group, ("state", state.as_str())];
    let mut found: Vec<Stored<Item<W>>> =
        state_store::page(client, &filter, Some(after), size).await?;
    if found.len() < size {
        let wrapped: Vec<Stored<Item<W>>> =
            state_store::page(client, &filter, None, size - found.len()).await?;
        found.extend(wrapped.into_iter().filter(|stored| stored.key.as_str() <= after));
    }
    Ok(found)
}

/// Returns why items failed, or why their last holders gave them back: a line each.
pub fn reasons<W: Work>(items: &[Stored<Item<W>>]) -> Vec<String> {
    items
        .iter()
        .filter_map(|Stored { document: item, .. }| {
            item.lease.error.as_ref().map(|error| format!("- {}: {error}", item.name()))
        })
        .collect()
}

/// Writes an item if its version is still `expected`; returns the new version, or `None` if
/// another process has written it meanwhile.
pub async fn save<W: Work>(
    client: &Client,
    expected: Version,
    item: &Item<W>,
) -> Result<Option<Version>, StoreError> {
    state_store::replace(client, &item.key, expected, item).await
}

/// Closes an item if it is open, so that the worker that holds it finds that it lost it.
pub async fn close(
    client: &Client,
    item: Stored<Item<IgnoredWork>>,
    reason: &str,
) -> Result<(), StoreError> {
    let what = format!("work item `{}`", item.key);
    change_found(client, item, &what, async |item: Item<IgnoredWork>| {
        Ok::<_, StoreError>(item.is_open().then(|| item.failed(reason.to_owned())))
    })
    .await
    .map(drop)
}

/// Decides which of the items that were there already continue, start again or change hands;
/// returns how many were written. `forget` removes what was kept of an item that starts again.
pub async fn continue_earlier<W: Work>(
    client: &Client,
    origin: &Origin,
    fresh: &[Item<W>],
    mut forget: impl AsyncFnMut(&Item<W>) -> Result<(), FleetError>,
) -> Result<u64, FleetError> {
    let fresh: std::collections::BTreeMap<&str, &Item<W>> =
        fresh.iter().map(|item| (item.key.as_str(), item)).collect();
    let mut written = 0;
    for stored in of_origin::<W>(client, origin).await? {
        let Some(fresh) = fresh.get(stored.key.as_str()) else { continue };
        let changed = change_found(client, stored, "a work item", async |item: Item<W>| {
            let Some(next) = item.continued(fresh) else { return Ok(None) };
            if next.ledger != item.ledger || next.lease.state != item.lease.state {
                forget(&item).await?;
            }
            Ok(Some(next))
        })
        .await;
        match changed {
            Ok(version) => written += u64::from(version.is_some()),
            Err(FleetError::Store(StoreError::Contended { .. })) => {
                return Err(FleetError::Contended { item: fresh.name() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
