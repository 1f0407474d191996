//! Which settings does an item have, in whatever notation?
//!
//! Settings are written flat (`index.codec`), nested (`{"index": {"codec": ..}}`), without the
//! prefix (`codec`), or mixed in one body. Elasticsearch 5 writes a list as `filter.0`, `filter.1`.
//! Here each setting has one name, flat and with its prefix.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Settings by their full name, as in `index.number_of_shards`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Reads settings in any notation. If a setting is written twice, the later value wins; `null`
    /// means that it is not set.
    pub fn read(written: &Map<String, Value>) -> Self {
        Self(fold_lists(flatten(written)))
    }

    /// Returns the names that have the value `null`, in any notation.
    pub(crate) fn nulls(written: &Map<String, Value>) -> Vec<String> {
        let mut nulls = Vec::new();
        each_leaf("", written, &mut |name, value| {
            if value.is_null() {
                nulls.push(full_name(name));
            }
        });
        nulls
    }

    /// Returns the settings flat and in order.
    pub fn to_map(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Returns whether there are no settings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a setting.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns the value of a setting as text: `"3"` and `3` are the same value.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Returns names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Sets a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Removes a setting and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Removes the settings whose name is one of the patterns, or begins with a pattern that ends with
    /// a dot; returns their names.
    pub(crate) fn remove_all(&mut self, patterns: &[&str]) -> Vec<String> {
        let is_selected = |name: &str| {
            patterns.iter().any(|pattern| {
                if pattern.ends_with('.') { name.starts_with(pattern) } else { name == *pattern }
            })
        };
        let names: Vec<String> = self.0.keys().filter(|name| is_selected(name)).cloned().collect();
        for name in &names {
            self.0.remove(name);
        }
        names
    }
}

fn flatten(written: &Map<String, Value>) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    each_leaf("", written, &mut |name, value| {
        if !value.is_null() {
            flat.insert(full_name(name), value.clone());
        }
    });
    flat
}

/// Calls `visit` with the name and value of everything that is no object.
fn each_leaf(prefix: &str, written: &Map<String, Value>, visit: &mut dyn FnMut(String, &Value)) {
    for (key, value) in written {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) => each_leaf(&name, inner, visit),
            value => visit(name, value),
        }
    }
}

/// Returns a name with its prefix. A server keeps settings that it does not know any more under
/// `archived.`.
fn full_name(name: String) -> String {
    if name.starts_with("index.") || name.starts_with("archived.") {
        name
    } else {
        format!("index.{name}")
    }
}

/// Combines `name.0`, `name.1`, .. to a list if there is no gap.
fn fold_lists(mut flat: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let heads: Vec<String> =
        flat.keys().filter_map(|name| name.strip_suffix(".0")).map(str::to_owned).collect();
    for head in heads {
        let prefix = format!("{head}.");
        let members =
            flat.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        let count = members.count();
        let names: Vec<String> = (0..count).map(|place| format!("{prefix}{place}")).collect();
        if flat.contains_key(&head) || !names.iter().all(|name| flat.contains_key(name)) {
            continue;
        }
        let list = names.iter().filter_map(|name| flat.remove(name)).collect();
        flat.insert(head, Value::Array(list));
    }
    flat
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: Value) -> Value {
        let Value::Object(written) = written else { panic!("an object") };
        Value::Object(Settings::read(&written).to_map())
    }

    #[test]
    fn all_notations_give_the_same_name() {
        let mixed = json!({
            "number_of_shards": 2,
            "index": { "refresh_interval": "1s", "mapping.total_fields": { "limit": 5 } },
            "index.codec": "default",
            "archived.index.old": "x",
            "index.priority": null
        });
        let expected = json!({
            "archived.index.old": "x",
            "index.codec": "default",
            "index.mapping.total_fields.limit": 5,
            "index.number_of_shards": 2,
            "index.refresh_interval": "1s"
        });
        assert_eq!(read(mixed), expected);
    }

    #[test]
    fn numbered_settings_without_a_gap_are_a_list() {
        let written = json!({
            "index.sort.field.0": "a", "index.sort.field.1": "b",
            "index.analysis.filter.0.type": "stop",
            "index.gap.0": "x", "index.gap.2": "y"
        });
        let expected = json!({
            "index.analysis.filter.0.type": "stop",
            "index.gap.0": "x",
            "index.gap.2": "y",
            "index.sort.field": ["a", "b"]
        });
        assert_eq!(read(written), expected);
    }

    #[test]
    fn removal_is_by_name_or_by_prefix() {
        let mut settings = Settings::default();
        for name in ["index.uuid", "index.uuids", "index.version.created", "index.versions"] {
            settings.set(name, "x");
        }
        let removed = settings.remove_all(&["index.uuid", "index.version."]);
        assert_eq!(removed, ["index.uuid", "index.version.created"]);
        assert_eq!(settings.iter().count(), 2);
    }
}
