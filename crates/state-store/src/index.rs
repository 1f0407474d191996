//! Is the index of the state there, and is it ours?
//!
//! A target creates an index of any name into which something is written. So a write that comes
//! after the index was removed (of a worker whose machine slept, say) creates it again, with a
//! mapping that is guessed from that one document. No target from Elasticsearch 5 to OpenSearch 3
//! lets a write say that it must not. Nothing can be found in such an index: keys that are text can
//! be neither compared nor sorted. So it counts as missing, and the next process that wants to write
//! creates it again. An index of that name that holds something else is left as it is: other tools
//! use the same name.
//!
//! ```text
//!   missing --- ensure ---> ours --- remove_if_empty ---> missing
//!      |                     ^
//!      |  a write that       |  ensure
//!      |  comes late         |
//!      +---------------> a remainder
//! ```

use cluster::{Client, Request, indices, path};
use serde_json::{Value, json};

use crate::{
    INDEX, StoreError,
    mapping::Mapping,
    own_index::{self, OwnIndex},
};

/// What the name of the index refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IndexState {
    Missing,
    Ours,
    /// The target created it itself, for a write that came late.
    Remainder,
    /// Another tool keeps its state there.
    Foreign,
}

/// Creates the index if it is missing; adds the fields of the mapping that it lacks.
pub async fn ensure(client: &Client, mapping: &Mapping) -> Result<(), StoreError> {
    let found = indices::get(client, INDEX).await?;
    match state_of(found.as_ref()) {
        IndexState::Ours => {
            let found = found.unwrap_or_default();
            own_index::correct(client, INDEX, &found).await?;
            return add_fields(client, mapping, &found).await;
        }
        IndexState::Missing => {}
        IndexState::Remainder => {
            tracing::warn!(
                "the index `{INDEX}` is left over from an earlier migration: a late write made the \
                 target create it without a mapping; it is replaced"
            );
            indices::delete(client, INDEX).await?;
        }
        IndexState::Foreign => return Err(StoreError::Foreign),
    }
    let properties = mapping.properties();
    let index = OwnIndex { name: INDEX, purpose: "the state of the migration", properties };
    own_index::create(client, &index).await
}

/// Adds the fields that an index, perhaps of an earlier version, lacks.
async fn add_fields(client: &Client, mapping: &Mapping, found: &Value) -> Result<(), StoreError> {
    let missing = mapping.missing_in(properties(found).unwrap_or(&Value::Null));
    if missing.is_empty() {
        return Ok(());
    }
    let typed = found.pointer("/mappings/_doc/properties").is_some();
    let path = if typed { path(&[INDEX, "_mapping", "_doc"]) } else { path(&[INDEX, "_mapping"]) };
    let request = Request::put(path).json(json!({ "properties": missing.properties() }));
    client
        .call(&request)
        .await
        .map_err(|source| StoreError::Correct { index: INDEX, source: Box::new(source) })?;
    Ok(())
}

/// Returns whether there is any state on the target.
pub async fn exists(client: &Client) -> Result<bool, StoreError> {
    Ok(state(client).await? == IndexState::Ours)
}

/// Makes everything written before visible to searches.
pub async fn refresh(client: &Client) -> Result<(), StoreError> {
    Ok(indices::refresh(client, INDEX).await?)
}

/// Removes the index if nothing is left in it. No target does both in one request, so a migration
/// that begins at this moment checks again whether what it wrote is still there.
pub async fn remove_if_empty(client: &Client) -> Result<(), StoreError> {
    if matches!(state(client).await?, IndexState::Missing | IndexState::Foreign) {
        return Ok(());
    }
    let counted = async {
        indices::refresh(client, INDEX).await?;
        indices::count(client, INDEX).await
    };
    match counted.await {
        Ok(0) => indices::delete(client, INDEX).await.map(drop)?,
        Ok(_) => {}
        // Another cleanup was faster.
        Err(error) if error.is_missing() => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn state(client: &Client) -> Result<IndexState, StoreError> {
    let found = indices::get(client, INDEX).await?;
    Ok(state_of(found.as_ref()))
}

/// Returns the fields of an index, under whichever type.
fn properties(index: &Value) -> Option<&Value> {
    ["/mappings/properties", "/mappings/_doc/properties"]
        .into_iter()
        .find_map(|place| index.pointer(place))
}

fn state_of(index: Option<&Value>) -> IndexState {
    let Some(index) = index else { return IndexState::Missing };
    let fields = properties(index);
    let type_of = |field: &str| fields?.get(field)?.get("type")?.as_str();
    match (type_of("kind"), type_of("key"), index.pointer("/mappings")) {
        (Some("keyword"), Some("keyword"), _) => IndexState::Ours,
        // Each of our documents has both.
        (Some("text"), Some("text"), _) => IndexState::Remainder,
        // A write that is refused leaves an index without a field.
        (_, _, Some(Value::Object(mapping))) if mapping.is_empty() => IndexState::Remainder,
        _ => IndexState::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of_mappings(mappings: &Value) -> IndexState {
        state_of(Some(&json!({ "mappings": mappings })))
    }

    #[test]
    fn an_index_that_a_target_created_by_itself_is_not_taken_for_ours() {
        let mapping = Mapping::default().keywords(&["kind", "key"]);
        for creation in own_index::tests::creations(&mapping.properties()) {
            assert_eq!(state_of(Some(&creation)), IndexState::Ours);
        }
        let text = json!({ "type": "text",
            "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } });
        let guessed = json!({ "properties": { "kind": text, "key": text } });
        for mappings in [guessed.clone(), json!({ "_doc": guessed }), json!({})] {
            assert_eq!(state_of_mappings(&mappings), IndexState::Remainder);
        }
        assert_eq!(state_of(None), IndexState::Missing);
    }

    #[test]
    fn an_index_of_another_tool_is_not_taken_for_ours() {
        let date = json!({ "properties": { "expiration": { "type": "long" } } });
        for mappings in [date.clone(), json!({ "_doc": date.clone() }), json!({ "doc": date })] {
            assert_eq!(state_of_mappings(&mappings), IndexState::Foreign);
        }
    }
}
