//! Is the index of the state there, and is it ours?
//!
//! A target makes an index of any name into which something is written. So a write that comes after
//! the index was removed (of a worker whose machine slept, say) makes it anew, with a mapping that
//! is guessed from that one document. No target from Elasticsearch 5 to OpenSearch 3 lets a
//! write say that it must not. Nothing can be found in such an index: keys that are text can
//! be neither compared nor sorted. So it counts as none, and whoever wants to write makes it
//! again. An index of that name that holds something else is left as it is: other tools call
//! theirs the same.
//!
//! ```text
//!   nothing --- ensure ---> ours --- remove_if_empty ---> nothing
//!      |                     ^
//!      |  a write that       |  ensure
//!      |  comes late         |
//!      +---------------> a remainder
//! ```

use anyhow::Context as _;
use cluster::{Client, indices};
use contract::{Exit, Failure};
use serde_json::{Value, json};

/// The index that holds the state.
pub const INDEX: &str = ".migrations_working_state";

/// What stands under the name of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Nothing,
    Ours,
    /// It was made by the target itself, for a write that came late.
    Remainder,
    /// Another tool keeps its state there.
    Foreign,
}

/// Makes the index if it is not there.
pub async fn ensure(client: &Client) -> anyhow::Result<()> {
    match standing(client).await? {
        Standing::Ours => return Ok(()),
        Standing::Nothing => {}
        Standing::Remainder => {
            tracing::warn!(
                "the index `{INDEX}` is a remainder: a write came after an earlier migration had \
                 removed it, and the target made it without our mapping; it is made again"
            );
            indices::delete(client, INDEX).await.map_err(Failure::from)?;
        }
        Standing::Foreign => {
            let message = format!(
                "the target has an index `{INDEX}` that is not ours: another tool may be migrating \
                 into it; when nothing needs that index any more, delete it, and try again"
            );
            return Err(Failure::new(Exit::Failed, message).into());
        }
    }
    let version = cluster::version::detect(client).await.map_err(Failure::from)?;
    let typed = !version.is_opensearch() && version.major < 7;
    // Somebody else may make it meanwhile, which is as good.
    indices::create(client, INDEX, creation(typed, client.is_serverless()))
        .await
        .map(drop)
        .map_err(Failure::from)
        .with_context(|| format!("making the index `{INDEX}` for the state of the migration"))
}

/// Returns whether there is any state on the target.
pub async fn exists(client: &Client) -> anyhow::Result<bool> {
    Ok(standing(client).await? == Standing::Ours)
}

/// Makes everything written before visible to searches.
pub async fn refresh(client: &Client) -> anyhow::Result<()> {
    Ok(indices::refresh(client, INDEX).await.map_err(Failure::from)?)
}

/// Removes the index if nothing is left in it. No target does both in one, so a migration that
/// begins at this moment looks again whether what it wrote stands.
pub async fn remove_if_empty(client: &Client) -> anyhow::Result<()> {
    if matches!(standing(client).await?, Standing::Nothing | Standing::Foreign) {
        return Ok(());
    }
    let counted = async {
        indices::refresh(client, INDEX).await?;
        indices::count(client, INDEX).await
    };
    match counted.await {
        Ok(0) => indices::delete(client, INDEX).await.map(drop).map_err(Failure::from)?,
        Ok(_) => {}
        // Another cleanup was faster.
        Err(error) if error.is_missing() => {}
        Err(error) => return Err(Failure::from(error).into()),
    }
    Ok(())
}

async fn standing(client: &Client) -> anyhow::Result<Standing> {
    let found = indices::get(client, INDEX).await.map_err(Failure::from)?;
    Ok(found.map_or(Standing::Nothing, |index| standing_of(&index)))
}

fn standing_of(index: &Value) -> Standing {
    let fields = ["/mappings/properties", "/mappings/_doc/properties"]
        .into_iter()
        .find_map(|place| index.pointer(place));
    let type_of = |field: &str| fields?.get(field)?.get("type")?.as_str();
    match (type_of("kind"), type_of("key"), index.pointer("/mappings")) {
        (Some("keyword"), Some("keyword"), _) => Standing::Ours,
        // Each of our documents has both.
        (Some("text"), Some("text"), _) => Standing::Remainder,
        // A write that is refused leaves an index without a field.
        (_, _, Some(Value::Object(mapping))) if mapping.is_empty() => Standing::Remainder,
        _ => Standing::Foreign,
    }
}

/// The body that makes the index: one shard, nothing but known fields is indexed.
fn creation(typed: bool, serverless: bool) -> Value {
    let keyword = json!({ "type": "keyword" });
    let long = json!({ "type": "long" });
    let keywords = [
        "kind",
        "key",
        "run",
        "migration",
        "group",
        "snapshot",
        "repository",
        "index",
        "state",
        "holder",
    ];
    let longs = ["shard", "position", "documents", "attempts"];
    let ledger =
        ["physical", "deleted", "nested", "withoutSource", "live", "accepted", "rejected", "bytes"];
    let mut properties = serde_json::Map::new();
    properties.extend(keywords.map(|name| (name.to_owned(), keyword.clone())));
    properties.extend(longs.map(|name| (name.to_owned(), long.clone())));
    let ledger: serde_json::Map<_, _> =
        ledger.map(|name| (name.to_owned(), long.clone())).into_iter().collect();
    properties.insert("ledger".to_owned(), json!({ "properties": ledger }));
    let mapping = json!({ "dynamic": false, "properties": properties });
    let mapping = if typed { json!({ "_doc": mapping }) } else { mapping };
    if serverless {
        return json!({ "mappings": mapping });
    }
    let settings = json!({ "index": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s",
    } });
    json!({ "settings": settings, "mappings": mapping })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_is_wrapped_in_a_type_for_old_targets_only() {
        assert!(creation(true, false).pointer("/mappings/_doc/properties/key").is_some());
        assert!(creation(false, false).pointer("/mappings/properties/ledger").is_some());
        assert!(creation(false, true).get("settings").is_none());
    }

    #[test]
    fn what_a_target_has_made_by_itself_is_told_from_ours() {
        for (typed, serverless) in [(true, false), (false, false), (false, true)] {
            assert_eq!(standing_of(&creation(typed, serverless)), Standing::Ours);
        }
        let text = json!({ "type": "text",
            "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } });
        let guessed = json!({ "properties": { "kind": text, "key": text } });
        for mappings in [guessed.clone(), json!({ "_doc": guessed }), json!({})] {
            assert_eq!(standing_of(&json!({ "mappings": mappings })), Standing::Remainder);
        }
    }

    #[test]
    fn an_index_of_another_tool_is_not_taken_for_ours() {
        let date = json!({ "properties": { "expiration": { "type": "long" } } });
        for mappings in [date.clone(), json!({ "_doc": date.clone() }), json!({ "doc": date })] {
            assert_eq!(standing_of(&json!({ "mappings": mappings })), Standing::Foreign);
        }
    }
}
