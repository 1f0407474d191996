//! Which settings of the target's indices are changed for the time of the load, and how do they
//! come back?
//!
//! `refresh_interval`: without a refresh each second the target makes fewer, larger segments. And
//! the ingest pipelines of an index: a document of the source has been through them, and the
//! target may not have them at all. The old values are noted before they are changed; [`restore`]
//! puts them back and deletes the note. An index that held other documents before is left as it
//! is, because others may be searching it.

use std::collections::BTreeMap;

use cluster::{Client, Request, path};
use contract::{IndexName, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use state_store::{Mapping, Scope, StateDocument, StoreError, Stored, key_of};

use crate::LoadError;

const REFRESH: &str = "index.refresh_interval";

/// The settings that are changed, and their values during the load. The target need not know those of pipelines, so they
/// are changed only where they are set.
const TUNED: [(&str, &str); 3] =
    [(REFRESH, "-1"), ("index.default_pipeline", "_none"), ("index.final_pipeline", "_none")];

/// The note of what an index's settings were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// `tuning`.
    pub kind: String,
    /// The id.
    pub key: String,
    /// The run that changed them.
    pub run: RunId,
    /// The migration, the group and the origin.
    #[serde(flatten)]
    pub scope: Scope,
    /// The index.
    pub index: IndexName,
    /// The settings before; `null` for one that was not set.
    pub settings: BTreeMap<String, Value>,
}

impl StateDocument for Tuning {
    const KIND: &'static str = "tuning";

    fn mapping() -> Mapping {
        Scope::mapping().keywords(&["run", "index"])
    }
}

/// Notes an index's settings and tunes it.
pub async fn tune(
    client: &Client,
    run: &RunId,
    scope: &Scope,
    index: &str,
) -> Result<(), LoadError> {
    let request = Request::get(path(&[index, "_settings"])).query("flat_settings", "true");
    let found: BTreeMap<String, Value> = client.call(&request).await?.json()?;
    let now = found
        .get(index)
        .and_then(|index| index.get("settings"))
        .ok_or_else(|| LoadError::NoSettings { index: index.to_owned() })?;
    // One note for an index, whichever run tunes it: a second one would note what the first one
    // set.
    let key = key_of(&[Tuning::KIND, index]);
    let there: Option<Stored<Tuning>> = state_store::get(client, &key).await?;
    let before = noted(now, there.as_ref().map(|there| &there.document));
    let tuned = TUNED.into_iter().filter(|(name, _)| before.contains_key(*name));
    let tuned: BTreeMap<&str, &str> = tuned.collect();
    let note = Tuning {
        kind: Tuning::KIND.to_owned(),
        key: key.clone(),
        run: run.clone(),
        scope: scope.clone(),
        index: IndexName::new(index),
        settings: before,
    };
    match there {
        Some(there) if there.document == note => {}
        Some(there) => {
            if state_store::replace(client, &key, there.version, &note).await?.is_none() {
                return Err(LoadError::TunedTwice { index: index.to_owned() });
            }
        }
        None => {
            if state_store::create_missing(client, &[(key, note)]).await? == 0 {
                return Err(LoadError::TunedTwice { index: index.to_owned() });
            }
        }
    }
    put_settings(client, index, &json!(tuned)).await.map(drop)
}

/// Returns what to put back: what is set now, unless that is what we have set ourselves.
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

/// Puts settings; returns `false` if the index is gone.
async fn put_settings(client: &Client, index: &str, settings: &Value) -> Result<bool, LoadError> {
    let request = Request::put(path(&[index, "_settings"])).json(settings.clone());
    let response = client.send(&request).await?;
    if response.status == 404 {
        return Ok(false);
    }
    client.check_status(response).map_err(|source| LoadError::Settings {
        index: index.to_owned(),
        source: Box::new(source),
    })?;
    Ok(true)
}

/// Puts back all settings that were changed for a scope; returns what was done, a line each. Doing
/// it again does nothing.
pub async fn restore(client: &Client, scope: &Scope) -> Result<Vec<String>, LoadError> {
    if !state_store::exists(client).await? {
        return Ok(Vec::new());
    }
    state_store::refresh(client).await?;
    let notes: Vec<Stored<Tuning>> =
        state_store::all(client, &scope.fields_of(Tuning::KIND)).await?;
    let mut lines = Vec::new();
    for note in &notes {
        let Tuning { index, settings, .. } = &note.document;
        let names: Vec<&str> = settings.keys().map(String::as_str).collect();
        let names = names.join(", ");
        let settings = serde_json::to_value(settings).map_err(StoreError::Encode)?;
        lines.push(if put_settings(client, index.as_str(), &settings).await? {
            format!("restored {names} of index `{index}`")
        } else {
            format!("index `{index}` is gone; its {names} was not restored")
        });
    }
    state_store::remove(client, &notes).await?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(settings: &BTreeMap<String, Value>) -> Tuning {
        let note = json!({ "kind": "tuning", "key": "k", "run": "r", "migration": "m",
            "group": "g", "snapshot": "s", "index": "logs", "settings": settings });
        let read: Tuning = serde_json::from_value(note.clone()).expect("a note");
        // As an earlier version writes it.
        assert_eq!(serde_json::to_value(&read).expect("JSON"), note);
        read
    }

    #[test]
    fn what_is_noted_is_never_what_we_have_set() {
        let refresh = |now: Value, before: Option<Value>| {
            let before = before.map(|before| earlier(&[(REFRESH.to_owned(), before)].into()));
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
        assert_eq!(noted(&tuned, Some(&earlier(&expected))), expected);
    }
}
