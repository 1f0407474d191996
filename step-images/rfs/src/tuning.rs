//! Which settings of the target's indices are changed for the time of the load, and how do they
//! come back?
//!
//! `refresh_interval`: without a refresh each second the target makes fewer, larger segments. And
//! the ingest pipelines of an index: a document of the snapshot has been through them, and the
//! target may not have them at all. What they were is written down before it is changed;
//! [`restore`] puts it back and deletes the note. An index that held documents of others before is
//! left as it is, for somebody may be searching it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cluster::{Client, Request, path};
use contract::{Exit, Failure};
use coordination::{
    faults::decoded,
    working_state::{self, Stored, key_of},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::Scope;

/// The value of `kind`.
const KIND: &str = "tuning";

const REFRESH: &str = "index.refresh_interval";

/// The settings that are changed, and what to. The target need not know those of pipelines, so they
/// are changed only where they are set.
const TUNED: [(&str, &str); 3] =
    [(REFRESH, "-1"), ("index.default_pipeline", "_none"), ("index.final_pipeline", "_none")];

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
    /// The migration's name.
    pub migration: String,
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
    let now = answer.get(index).and_then(|index| index.get("settings")).with_context(|| {
        format!("the target answered with no settings of index `{index}`; is it an alias now?")
    })?;
    // One note for an index, whoever tunes it: a second one would note what the first one set.
    let key = key_of(&[KIND, index]);
    let there: Option<Stored<Tuning>> = working_state::get(client, &key).await?;
    let before = noted(now, there.as_ref().map(|there| &there.document));
    let tuned = TUNED.into_iter().filter(|(name, _)| before.contains_key(*name));
    let tuned: BTreeMap<&str, &str> = tuned.collect();
    let note = Tuning {
        kind: KIND.to_owned(),
        key: key.clone(),
        run: run.to_owned(),
        migration: scope.migration.to_owned(),
        group: scope.group.to_owned(),
        snapshot: scope.snapshot.to_owned(),
        index: index.to_owned(),
        settings: before,
    };
    match there {
        Some(there) if there.document == note => {}
        Some(there) => {
            if working_state::replace(client, &key, there.version, &note).await?.is_none() {
                return Err(Failure::new(Exit::Temporary, tuned_twice(index)).into());
            }
        }
        None => {
            if working_state::create_missing(client, &[(key, note)]).await? == 0 {
                return Err(Failure::new(Exit::Temporary, tuned_twice(index)).into());
            }
        }
    }
    put_settings(client, index, &json!(tuned)).await.map(drop)
}

fn tuned_twice(index: &str) -> String {
    format!("somebody else changes the settings of index `{index}` now; try again")
}

/// What to put back: what is set now, unless that is what we have set ourselves.
fn noted(now: &Value, earlier: Option<&Tuning>) -> BTreeMap<String, Value> {
    let mut before = BTreeMap::new();
    for (name, tuned) in TUNED {
        let now = now.get(name).cloned().unwrap_or_default();
        let earlier = earlier.and_then(|earlier| earlier.settings.get(name));
        let value = earlier.filter(|_| now == tuned).cloned().unwrap_or(now);
        if name == REFRESH || !(value.is_null() || value == tuned) {
            before.insert(name.to_owned(), value);
        }
    }
    before
}

/// Puts settings; answers `false` if the index is gone.
async fn put_settings(client: &Client, index: &str, settings: &Value) -> anyhow::Result<bool> {
    let request = Request::put(path(&[index, "_settings"])).json(settings.clone());
    let response = client.send(&request).await.map_err(Failure::from)?;
    if response.status == 404 {
        return Ok(false);
    }
    client
        .check_status(response)
        .map_err(Failure::from)
        .with_context(|| format!("changing the settings of index `{index}`"))?;
    Ok(true)
}

/// Puts back all settings that were changed for a scope; answers what was done, a
/// line each. Doing it again does nothing.
pub async fn restore(client: &Client, scope: Scope<'_>) -> anyhow::Result<Vec<String>> {
    if !working_state::exists(client).await? {
        return Ok(Vec::new());
    }
    working_state::refresh(client).await?;
    let notes: Vec<Stored<Tuning>> = working_state::all(client, &scope.filter(KIND)).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(settings: BTreeMap<String, Value>) -> Tuning {
        let [kind, key, run, migration, group, snapshot, index] =
            [KIND, "k", "r", "m", "g", "s", "logs"].map(str::to_owned);
        Tuning { kind, key, run, migration, group, snapshot, index, settings }
    }

    #[test]
    fn what_is_noted_is_never_what_we_have_set() {
        let refresh = |now: Value, before: Option<Value>| {
            let before = before.map(|before| earlier([(REFRESH.to_owned(), before)].into()));
            noted(&json!({ REFRESH: now }), before.as_ref())[REFRESH].clone()
        };
        assert_eq!(refresh(json!("5s"), None), json!("5s"));
        assert_eq!(refresh(json!("-1"), None), json!("-1"), "the user's own choice");
        assert_eq!(refresh(json!("-1"), Some(Value::Null)), Value::Null);
        assert_eq!(refresh(json!("9s"), Some(json!("5s"))), json!("9s"), "a new index");
    }

    #[test]
    fn pipelines_are_noted_where_there_are_any() {
        let set = json!({ "index.final_pipeline": "last", "index.default_pipeline": "_none" });
        let expected: BTreeMap<String, Value> =
            [(REFRESH.to_owned(), Value::Null), ("index.final_pipeline".to_owned(), json!("last"))]
                .into();
        assert_eq!(noted(&set, None), expected);
        let tuned = json!({ REFRESH: "-1", "index.final_pipeline": "_none" });
        assert_eq!(noted(&tuned, Some(&earlier(expected.clone()))), expected);
    }
}
