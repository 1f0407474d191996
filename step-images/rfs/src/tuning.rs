//! Which settings of the target's indices are changed for the time of the load, and how do they
//! come back?
//!
//! Only `refresh_interval`: without a refresh each second the target makes fewer, larger
//! segments. What it was is written down before it is changed; [`restore`] puts it back and
//! deletes the note. An index that held documents of others before is left as it is, for somebody
//! may be searching it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::{Client, Request, path};
use register_step::{
    faults::{decoded, of_cluster},
    working_state::{self, Stored, key_of},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::Scope;

/// The value of `kind`.
const KIND: &str = "tuning";

/// The setting that is changed.
const SETTING: &str = "index.refresh_interval";

/// The note of what an index's settings were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// `tuning`.
    pub kind: String,
    /// Its id.
    pub key: String,
    /// The run that changed them.
    pub run: String,
    /// The group's name.
    pub group: String,
    /// The snapshot's uuid.
    pub snapshot: String,
    /// The index.
    pub index: String,
    /// The settings before; `null` for one that was not set.
    pub settings: BTreeMap<String, Value>,
}

/// Notes an index's settings and tunes it.
pub(crate) async fn tune(
    client: &Client,
    run: &str,
    scope: Scope<'_>,
    index: &str,
) -> anyhow::Result<()> {
    let request = Request::get(path(&[index, "_settings"])).query("flat_settings", "true");
    let answer: BTreeMap<String, Value> = decoded(client.call(&request).await)?;
    let before = answer
        .get(index)
        .and_then(|index| index.get("settings")?.get(SETTING))
        .cloned()
        .unwrap_or(Value::Null);
    let key = key_of(&[KIND, scope.snapshot, scope.group, index]);
    let note = Tuning {
        kind: KIND.to_owned(),
        key: key.clone(),
        run: run.to_owned(),
        group: scope.group.to_owned(),
        snapshot: scope.snapshot.to_owned(),
        index: index.to_owned(),
        settings: [(SETTING.to_owned(), before)].into(),
    };
    // A second prepare must not note the tuned value as the one before.
    working_state::create_missing(client, &[(key, note)]).await?;
    put_settings(client, index, &json!({ SETTING: "-1" })).await.map(drop)
}

/// Puts settings; answers `false` if the index is gone.
async fn put_settings(client: &Client, index: &str, settings: &Value) -> anyhow::Result<bool> {
    let request = Request::put(path(&[index, "_settings"])).json(settings.clone());
    let response = client.send(&request).await.map_err(of_cluster)?;
    if response.status == 404 {
        return Ok(false);
    }
    client
        .accepted(response)
        .map_err(of_cluster)
        .with_context(|| format!("changing the settings of index `{index}`"))?;
    Ok(true)
}

/// Puts back all settings that were changed for a group of a snapshot; answers what was done, a
/// line each. Doing it again does nothing.
pub async fn restore(client: &Client, snapshot: &str, group: &str) -> anyhow::Result<Vec<String>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    let filter = [("kind", KIND), ("snapshot", snapshot), ("group", group)];
    let notes: Vec<Stored<Tuning>> = working_state::all(client, &filter).await?;
    let mut lines = Vec::new();
    for note in &notes {
        let Tuning { index, settings, .. } = &note.document;
        let names: Vec<&str> = settings.keys().map(String::as_str).collect();
        let names = names.join(", ");
        let settings = serde_json::to_value(settings).context("writing settings as JSON")?;
        lines.push(if put_settings(client, index, &settings).await? {
            format!("restored {names} of index `{index}`")
        } else {
            format!("index `{index}` is gone; its {names} was not restored")
        });
    }
    working_state::remove(client, &notes).await?;
    Ok(lines)
}
