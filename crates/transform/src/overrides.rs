//! What does the user want an item to have, after the rules?
//!
//! ```text
//!  settings: { refresh_interval: 5s, index.search.slowlog: null }    set one; remove all below one
//!  mappings: { properties: { note: { type: text } } }                merge patch (RFC 7396)
//!  aliases:  { current: { is_write_index: true }, old: null }        merge patch
//! ```

use contract::{MetadataChoices, MetadataOverride};
use serde_json::{Map, Value};

use crate::{
    change::{Change, Changes},
    item::Item,
    settings::Settings,
};

/// The id under which a report shows these changes.
pub(crate) const ID: &str = "override";

const WHY: &str = "the migration file says so";

/// Changes the item as the user wants it, and returns what changed.
pub(crate) fn apply_overrides(item: &mut Item, choices: &MetadataChoices) -> Vec<Change> {
    let mut changes = Changes::of(ID);
    let overrides: Vec<&MetadataOverride> =
        choices.overrides_of(item.kind.into(), &item.name).collect();
    for MetadataOverride { kind: _, names: _, settings, mappings, aliases } in overrides {
        apply_settings(&mut item.settings, settings, &mut changes);
        merge("mappings", &mut item.mappings, mappings, &mut changes);
        merge("aliases", &mut item.aliases, aliases, &mut changes);
    }
    changes.into_list()
}

fn apply_settings(settings: &mut Settings, wanted: &Map<String, Value>, changes: &mut Changes) {
    for name in Settings::nulls(wanted) {
        for removed in settings.remove_all(&[&name, &format!("{name}.")]) {
            changes.adapted(&format!("settings.{removed}"), "was removed", WHY);
        }
    }
    for (name, value) in Settings::read(wanted).iter() {
        if settings.get(name) != Some(value) {
            changes.adapted(&format!("settings.{name}"), &format!("is {value}"), WHY);
            settings.set(name, value.clone());
        }
    }
}

/// Applies a merge patch to an object.
fn merge(
    path: &str,
    object: &mut Map<String, Value>,
    wanted: &Map<String, Value>,
    changes: &mut Changes,
) {
    for (key, wanted) in wanted {
        let path = format!("{path}.{key}");
        match (wanted, object.get_mut(key)) {
            (Value::Null, None) => {}
            (Value::Null, Some(_)) => {
                object.shift_remove(key);
                changes.adapted(&path, "was removed", WHY);
            }
            (Value::Object(wanted), Some(Value::Object(inner))) => {
                merge(&path, inner, wanted, changes);
            }
            (wanted, found) => {
                let wanted = without_nulls(wanted);
                if found.as_deref() != Some(&wanted) {
                    changes.adapted(&path, &format!("is {wanted}"), WHY);
                    object.insert(key.clone(), wanted);
                }
            }
        }
    }
}

/// Returns what a patch makes of nothing: its objects without the keys that it removes.
fn without_nulls(patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let kept = patch.iter().filter(|(_, value)| !value.is_null());
    kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::item::MetadataKind;

    fn overridden(body: Value, overrides: &Value) -> (Value, Vec<String>) {
        let choices = serde_json::from_value(json!({ "overrides": overrides })).expect("overrides");
        let mut item = Item::read(MetadataKind::Index, "shop-1", body).expect("an item");
        let changes = apply_overrides(&mut item, &choices);
        (item.body(), changes.into_iter().map(|change| change.path).collect())
    }

    #[test]
    fn settings_are_set_and_removed_in_any_notation() {
        let body = json!({ "settings": { "index": {
            "number_of_replicas": "1", "codec": "default",
            "search": { "slowlog": { "threshold": "1s", "level": "info" } },
        } } });
        let wanted = json!([{ "kind": "index", "names": ["shop-*"], "settings": {
            "number_of_replicas": 2, "index.search.slowlog": null,
            "index": { "codec": null, "refresh_interval": "5s" },
        } }]);
        let (body, changed) = overridden(body, &wanted);
        let expected = json!({ "settings": {
            "index.number_of_replicas": 2, "index.refresh_interval": "5s"
        } });
        assert_eq!(body, expected);
        assert_eq!(
            changed,
            [
                "settings.index.search.slowlog.level",
                "settings.index.search.slowlog.threshold",
                "settings.index.codec",
                "settings.index.number_of_replicas",
                "settings.index.refresh_interval",
            ]
        );
    }

    #[test]
    fn mappings_and_aliases_are_merged() {
        let body = json!({
            "mappings": { "properties": {
                "note": { "type": "string", "fields": { "raw": { "type": "keyword" } } },
                "gone": { "type": "ip" },
            } },
            "aliases": { "old": {}, "all": { "filter": { "match_all": {} } } },
        });
        let wanted = json!([{ "kind": "index", "names": ["*"],
            "mappings": { "dynamic": "strict", "properties": {
                "note": { "type": "text", "boost": null }, "gone": null,
                "new": { "type": "object", "enabled": null },
            } },
            "aliases": { "old": null, "all": { "filter": null } },
        }]);
        let (body, changed) = overridden(body, &wanted);
        let expected = json!({
            "mappings": { "dynamic": "strict", "properties": {
                "note": { "type": "text", "fields": { "raw": { "type": "keyword" } } },
                "new": { "type": "object" },
            } },
            "aliases": { "all": {} },
        });
        assert_eq!(body, expected);
        assert_eq!(
            changed,
            [
                "mappings.dynamic",
                "mappings.properties.note.type",
                "mappings.properties.gone",
                "mappings.properties.new",
                "aliases.old",
                "aliases.all.filter",
            ]
        );
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let body =
            json!({ "settings": { "index.codec": "default" }, "mappings": { "dynamic": "true" } });
        let wanted = json!([{ "kind": "index", "names": ["*"], "settings": { "codec": "default" },
            "mappings": { "dynamic": "true", "properties": null } }]);
        assert_eq!(overridden(body, &wanted).1, Vec::<String>::new());
    }

    #[test]
    fn the_last_override_wins_and_others_are_for_others() {
        let one = |names: &str, kind: &str, codec: &str| json!({ "kind": kind, "names": [names], "settings": { "codec": codec } });
        let wanted = json!([
            one("shop-*", "index", "a"),
            one("shop-1", "index", "b"),
            one("logs-*", "index", "c"),
            one("*", "template", "d")
        ]);
        let (body, _) = overridden(json!({}), &wanted);
        assert_eq!(body, json!({ "settings": { "index.codec": "b" } }));
    }
}
