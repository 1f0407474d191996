//! What does an item use by name?

use serde_json::Value;

use super::kind::RequirementKind;
use crate::{
    fields::{each_field, type_of},
    item::Item,
    plugins, relevance,
};

/// One thing that an item uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What it is.
    pub kind: RequirementKind,
    /// Its name.
    pub name: String,
    /// Where the item uses it first, as in `settings.index.default_pipeline`.
    pub path: String,
}

/// Settings whose value is the name of such a thing.
const SETTINGS: [(&str, RequirementKind); 4] = [
    ("index.default_pipeline", RequirementKind::IngestPipeline),
    ("index.final_pipeline", RequirementKind::IngestPipeline),
    ("index.search.default_pipeline", RequirementKind::SearchPipeline),
    ("index.lifecycle.name", RequirementKind::LifecyclePolicy),
];

/// The value that stands for no pipeline.
const NO_PIPELINE: &str = "_none";

/// Returns what an item uses, each thing once.
pub fn requirements(item: &Item) -> Vec<Requirement> {
    let mut found = Found::default();
    for (setting, kind) in SETTINGS {
        let name = item.settings.text(setting);
        if let Some(name) = name.filter(|name| !name.is_empty() && name != NO_PIPELINE) {
            found.add(kind, &name, format!("settings.{setting}"));
        }
    }
    add_from_analysis(item, &mut found);
    add_from_fields(item, &mut found);
    let ignored = item.rest.get("ignore_missing_component_templates").and_then(Value::as_array);
    for component in relevance::components(&Value::Object(item.rest.clone())) {
        if !ignored.is_some_and(|ignored| ignored.iter().any(|name| *name == component)) {
            found.add(RequirementKind::ComponentTemplate, &component, "composed_of".to_owned());
        }
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Requirement>);

impl Found {
    fn add(&mut self, kind: RequirementKind, name: &str, path: String) {
        if !self.0.iter().any(|known| known.kind == kind && known.name == name) {
            self.0.push(Requirement { kind, name: name.to_owned(), path });
        }
    }

    /// Adds the plugin that provides an analysis component or field type, if there is one.
    fn add_plugin_of(&mut self, word: &str, path: &str) {
        if let Some(plugin) = plugins::providing(word) {
            self.add(RequirementKind::Plugin, plugin, path.to_owned());
        }
    }
}

/// Returns the strings in a value, which is a list or one string.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

/// Returns whether the item itself defines an analysis component of this kind and name.
fn is_defined(item: &Item, kind: &str, name: &str) -> bool {
    let prefix = format!("index.analysis.{kind}.{name}.");
    item.settings.iter().any(|(setting, _)| setting.starts_with(&prefix))
}

/// Adds what analysis components use: `index.analysis.<kind>.<name>.<parameter>`.
fn add_from_analysis(item: &Item, found: &mut Found) {
    for (setting, value) in item.settings.iter() {
        let Some((owner, parameter)) =
            setting.strip_prefix("index.analysis.").and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        let path = format!("settings.{setting}");
        match parameter {
            "type" => texts(value).for_each(|kind| found.add_plugin_of(kind, &path)),
            "filter" | "tokenizer" | "char_filter" => texts(value)
                .filter(|name| !is_defined(item, parameter, name))
                .for_each(|name| found.add_plugin_of(name, &path)),
            "synonyms_set" => {
                texts(value)
                    .for_each(|set| found.add(RequirementKind::SynonymsSet, set, path.clone()));
            }
            // As in `Latn:latin.rbbi,Hira:hiragana.rbbi`.
            "rule_files" => texts(value)
                .flat_map(|files| files.split(','))
                .filter_map(|file| file.split_once(':'))
                .for_each(|(_, file)| found.add(RequirementKind::File, file.trim(), path.clone())),
            "locale" | "language" | "lang" => {
                let kind = item.settings.text(&format!("index.analysis.{owner}.type"));
                if kind.as_deref() == Some("hunspell") {
                    let folder = |locale| format!("hunspell/{locale}/");
                    texts(value)
                        .for_each(|it| found.add(RequirementKind::File, &folder(it), path.clone()));
                }
            }
            _ if parameter == "user_dictionary" || parameter.ends_with("_path") => {
                texts(value).for_each(|file| found.add(RequirementKind::File, file, path.clone()));
            }
            _ => {}
        }
    }
}

/// Adds what the types and analyzers of fields need.
fn add_from_fields(item: &Item, found: &mut Found) {
    let mut mappings = item.mappings.clone();
    if mappings.contains_key("_size") {
        found.add_plugin_of("_size", "mappings._size");
    }
    each_field(&mut mappings, &mut |path, field| {
        if let Some(kind) = type_of(field) {
            found.add_plugin_of(kind, path);
        }
        for parameter in ["analyzer", "search_analyzer", "search_quote_analyzer"] {
            let name = field.get(parameter).and_then(Value::as_str);
            if let Some(name) = name.filter(|name| !is_defined(item, "analyzer", name)) {
                found.add_plugin_of(name, &format!("{path}.{parameter}"));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::item::MetadataKind;

    fn index(body: Value) -> Item {
        Item::read(MetadataKind::Index, "i", body).expect("an item")
    }

    fn names(item: &Item) -> Vec<(RequirementKind, String)> {
        requirements(item).into_iter().map(|it| (it.kind, it.name)).collect()
    }

    #[test]
    fn the_value_none_is_not_a_requirement() {
        let item = index(json!({ "settings": {
            "default_pipeline": "_none", "search.default_pipeline": "_none" } }));
        assert_eq!(names(&item), []);
    }

    #[test]
    fn files_and_plugins_of_analysis_are_requirements() {
        let item = index(json!({
            "settings": { "analysis": {
                "filter": {
                    "s": { "type": "synonym", "synonyms_path": "analysis/s.txt" },
                    "kept": { "type": "synonym", "synonyms_set": "shop" },
                    "h": { "type": "hunspell", "locale": "de_DE" },
                    "stem": { "type": "stemmer", "language": "german" },
                    "icu_folding": { "type": "lowercase" }
                },
                "tokenizer": {
                    "j": { "type": "kuromoji_tokenizer", "user_dictionary": "u.txt" },
                    "w": { "type": "icu_tokenizer", "rule_files": "Latn:a.rbbi,Hira:b.rbbi" }
                },
                "analyzer": { "a": { "tokenizer": "j", "filter": ["icu_folding", "polish_stem"] } }
            } },
            "mappings": { "_size": { "enabled": true }, "properties": {
                "p": { "type": "text", "analyzer": "nori", "fields": {
                    "hash": { "type": "murmur3" } } } } }
        }));
        let mut found = names(&item);
        found.sort();
        let expected = [
            (RequirementKind::SynonymsSet, "shop"),
            (RequirementKind::Plugin, "analysis-icu"),
            (RequirementKind::Plugin, "analysis-kuromoji"),
            (RequirementKind::Plugin, "analysis-nori"),
            (RequirementKind::Plugin, "analysis-stempel"),
            (RequirementKind::Plugin, "mapper-murmur3"),
            (RequirementKind::Plugin, "mapper-size"),
            (RequirementKind::File, "a.rbbi"),
            (RequirementKind::File, "analysis/s.txt"),
            (RequirementKind::File, "b.rbbi"),
            (RequirementKind::File, "hunspell/de_DE/"),
            (RequirementKind::File, "u.txt"),
        ];
        assert_eq!(found, expected.map(|(kind, name)| (kind, name.to_owned())));
    }
}
