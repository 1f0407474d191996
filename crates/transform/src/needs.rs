//! What does an item name that is not migrated, and does the target have it?
//!
//! Pipelines, policies, plugins and files stay behind, and an index that names one is made all the
//! same: the first to notice would be the application that writes to it.
//!
//! ```text
//!  item ------------------- needs ---> [Need] ---+
//!  GET NeedKind::endpoint - learn ---> Stock ----+---> a line for each that the target lacks, or
//!                                                      of which it does not tell
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::{
    fields::{each_field, type_of},
    item::Item,
    plugins, relevance,
};

/// A kind of thing that indices and templates name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedKind {
    /// Changes documents before they are indexed.
    IngestPipeline,
    /// Changes searches and their answers (OpenSearch).
    SearchPipeline,
    /// Says when an index rolls over and expires (Elasticsearch).
    LifecyclePolicy,
    /// A part of composable templates.
    ComponentTemplate,
    /// Synonyms that a server keeps (Elasticsearch).
    SynonymsSet,
    /// Brings analysis or field types.
    Plugin,
    /// A word list or dictionary in the configuration folder of each node.
    File,
}

/// One thing that an item names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub kind: NeedKind,
    /// Its name.
    pub name: String,
    /// Where in the item it is named first, as in `settings.index.default_pipeline`.
    pub path: String,
}

/// What the target has, by kind; for a kind that could not be looked up, why.
#[derive(Clone, Debug, Default)]
pub struct Stock(BTreeMap<NeedKind, Result<BTreeSet<String>, String>>);

/// Settings whose value is a name.
const SETTINGS: [(&str, NeedKind); 4] = [
    ("index.default_pipeline", NeedKind::IngestPipeline),
    ("index.final_pipeline", NeedKind::IngestPipeline),
    ("index.search.default_pipeline", NeedKind::SearchPipeline),
    ("index.lifecycle.name", NeedKind::LifecyclePolicy),
];

/// The name of no pipeline.
const NONE: &str = "_none";

impl NeedKind {
    /// The kinds that a server can be asked for.
    pub const ASKED: [Self; 5] = [
        Self::IngestPipeline,
        Self::SearchPipeline,
        Self::LifecyclePolicy,
        Self::SynonymsSet,
        Self::Plugin,
    ];

    /// Returns the path that lists what a server has of this kind.
    pub fn endpoint(self) -> Option<&'static str> {
        match self {
            Self::IngestPipeline => Some("/_ingest/pipeline"),
            Self::SearchPipeline => Some("/_search/pipeline"),
            Self::LifecyclePolicy => Some("/_ilm/policy"),
            Self::SynonymsSet => Some("/_synonyms"),
            Self::Plugin => Some("/_nodes/plugins"),
            Self::ComponentTemplate | Self::File => None,
        }
    }

    /// Reads the names in the answer; `None` if it is another answer than expected.
    fn names(self, answer: &Value) -> Option<BTreeSet<String>> {
        let name = |entry: &Value, key: &str| entry.get(key)?.as_str().map(str::to_owned);
        match self {
            Self::SynonymsSet => {
                let sets = answer.get("results")?.as_array()?;
                Some(sets.iter().filter_map(|set| name(set, "synonyms_set")).collect())
            }
            Self::Plugin => {
                // What one node lacks does not work.
                let nodes = answer.get("nodes")?.as_object()?.values().map(|node| {
                    let lists = ["plugins", "modules"].into_iter().filter_map(|key| node.get(key));
                    let entries = lists.filter_map(Value::as_array).flatten();
                    entries.filter_map(|entry| name(entry, "name")).collect::<BTreeSet<_>>()
                });
                nodes.reduce(|all, node| &all & &node)
            }
            _ => Some(answer.as_object()?.keys().cloned().collect()),
        }
    }

    /// What happens without it, and what to do.
    fn without(self) -> &'static str {
        match self {
            Self::IngestPipeline => {
                "without it the writes of applications fail, though the migration's own go past \
                 it; make the pipeline on the target, or set `_none` there in its place"
            }
            Self::SearchPipeline => {
                "without it searches fail; make the pipeline on the target, or set `_none` there \
                 in its place"
            }
            Self::LifecyclePolicy => {
                "without it the index neither rolls over nor expires; make the policy on the target"
            }
            Self::ComponentTemplate => {
                "without it the target refuses the template; make the component there first"
            }
            Self::SynonymsSet => {
                "without it the target refuses the index, or its shards stay down; make the set \
                 on the target first"
            }
            Self::Plugin => {
                "without it the target refuses the index; install it on every node of the target"
            }
            Self::File => {
                "without it the target refuses the index; put it into the configuration folder of \
                 every node of the target"
            }
        }
    }
}

impl fmt::Display for NeedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::IngestPipeline => "ingest pipeline",
            Self::SearchPipeline => "search pipeline",
            Self::LifecyclePolicy => "lifecycle policy",
            Self::ComponentTemplate => "component template",
            Self::SynonymsSet => "synonyms set",
            Self::Plugin => "plugin",
            Self::File => "file",
        })
    }
}

impl Stock {
    /// Takes what the target answered at the endpoint of a kind.
    pub fn learn(&mut self, kind: NeedKind, answer: &Value) {
        let odd = || "it answered something else than expected".to_owned();
        self.0.insert(kind, kind.names(answer).ok_or_else(odd));
    }

    /// Takes that it answered with this status, or not at all.
    pub fn learn_error(&mut self, kind: NeedKind, status: Option<u16>, reason: String) {
        // There is none of them, or the server does not even know what that is. Each has plugins
        // to tell of, or is not permitted to.
        let none = kind != NeedKind::Plugin && matches!(status, Some(400 | 404 | 405));
        self.0.insert(kind, if none { Ok(BTreeSet::new()) } else { Err(reason) });
    }

    /// Adds things of a kind that the target has, or will have before the item is made.
    pub fn add(&mut self, kind: NeedKind, names: impl IntoIterator<Item = String>) {
        if let Ok(known) = self.0.entry(kind).or_insert_with(|| Ok(BTreeSet::new())) {
            known.extend(names);
        }
    }

    /// Returns whether nothing was learnt yet about a kind that a server can be asked for.
    pub fn is_to_ask(&self, kind: NeedKind) -> bool {
        kind.endpoint().is_some() && !self.0.contains_key(&kind)
    }

    /// Returns a line for each thing that the item names and the target lacks, or may lack.
    pub fn lines(&self, item: &Item) -> Vec<String> {
        needs(item).iter().filter_map(|need| self.line(need)).collect()
    }

    fn line(&self, need: &Need) -> Option<String> {
        let Need { kind, name, path } = need;
        let there = match (kind, self.0.get(kind)) {
            (_, Some(Ok(known))) if known.contains(name) => return None,
            (_, Some(Ok(_))) => "which the target does not have".to_owned(),
            (_, Some(Err(reason))) => {
                format!("and whether the target has it could not be told ({reason})")
            }
            (NeedKind::File, None) => "and no server tells which files it has".to_owned(),
            (_, None) => "and the target was not asked whether it has it".to_owned(),
        };
        Some(format!("`{path}` names {kind} `{name}`, {there}: {} [needs]", kind.without()))
    }
}

/// Returns what an item names, each once.
pub fn needs(item: &Item) -> Vec<Need> {
    let mut found = Found::default();
    for (setting, kind) in SETTINGS {
        let named = item.settings.text(setting).filter(|name| !name.is_empty() && name != NONE);
        if let Some(name) = named {
            found.add(kind, &name, format!("settings.{setting}"));
        }
    }
    analysis(item, &mut found);
    fields(item, &mut found);
    let ignored = item.rest.get("ignore_missing_component_templates").and_then(Value::as_array);
    for component in relevance::components(&Value::Object(item.rest.clone())) {
        if !ignored.is_some_and(|ignored| ignored.iter().any(|name| *name == component)) {
            found.add(NeedKind::ComponentTemplate, &component, "composed_of".to_owned());
        }
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Need>);

impl Found {
    fn add(&mut self, kind: NeedKind, name: &str, path: String) {
        if !self.0.iter().any(|need| need.kind == kind && need.name == name) {
            self.0.push(Need { kind, name: name.to_owned(), path });
        }
    }

    /// Adds the plugin that brings a kind of analysis or field, if one does.
    fn add_plugin_of(&mut self, word: &str, path: &str) {
        if let Some(plugin) = plugins::bringing(word) {
            self.add(NeedKind::Plugin, plugin, path.to_owned());
        }
    }
}

/// Returns the texts of a value: a list, or one.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

/// Returns whether an item's own analysis has a part of this name.
fn is_defined(item: &Item, part: &str, name: &str) -> bool {
    let prefix = format!("index.analysis.{part}.{name}.");
    item.settings.iter().any(|(setting, _)| setting.starts_with(&prefix))
}

/// Looks at the parts of analysis: `index.analysis.<part>.<name>.<parameter>`.
fn analysis(item: &Item, found: &mut Found) {
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
                texts(value).for_each(|set| found.add(NeedKind::SynonymsSet, set, path.clone()));
            }
            // As in `Latn:latin.rbbi,Hira:hiragana.rbbi`.
            "rule_files" => texts(value)
                .flat_map(|files| files.split(','))
                .filter_map(|file| file.split_once(':'))
                .for_each(|(_, file)| found.add(NeedKind::File, file.trim(), path.clone())),
            "locale" | "language" | "lang" => {
                let kind = item.settings.text(&format!("index.analysis.{owner}.type"));
                if kind.as_deref() == Some("hunspell") {
                    let folder = |locale| format!("hunspell/{locale}/");
                    texts(value)
                        .for_each(|it| found.add(NeedKind::File, &folder(it), path.clone()));
                }
            }
            _ if parameter == "user_dictionary" || parameter.ends_with("_path") => {
                texts(value).for_each(|file| found.add(NeedKind::File, file, path.clone()));
            }
            _ => {}
        }
    }
}

/// Looks at the types of fields and the analyzers that they name.
fn fields(item: &Item, found: &mut Found) {
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

    fn named(item: &Item) -> Vec<(NeedKind, String)> {
        needs(item).into_iter().map(|need| (need.kind, need.name)).collect()
    }

    #[test]
    fn what_the_target_has_is_not_told_and_what_it_lacks_is_told_with_the_place() {
        let item = index(json!({ "settings": {
            "default_pipeline": "there", "final_pipeline": "gone", "lifecycle.name": "keep" } }));
        let mut stock = Stock::default();
        stock.learn(NeedKind::IngestPipeline, &json!({ "there": {}, "other": {} }));
        stock.learn_error(NeedKind::LifecyclePolicy, Some(403), "not permitted".to_owned());
        let lines = stock.lines(&item);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let begin = "`settings.index.final_pipeline` names ingest pipeline `gone`, which the target \
                     does not have: ";
        assert!(lines[0].starts_with(begin), "{}", lines[0]);
        assert!(lines[1].contains("could not be told (not permitted)"), "{}", lines[1]);
    }

    #[test]
    fn a_server_that_does_not_know_a_kind_has_none_of_it() {
        let item = index(json!({ "settings": { "default_pipeline": "p", "lifecycle.name": "l",
            "analysis.filter.f.type": "phonetic" } }));
        let mut stock = Stock::default();
        for (kind, status) in [
            (NeedKind::IngestPipeline, 404),
            (NeedKind::LifecyclePolicy, 405),
            (NeedKind::Plugin, 404),
        ] {
            stock.learn_error(kind, Some(status), format!("status {status}"));
        }
        let lines = stock.lines(&item);
        let lacks = |line: &&String| line.contains("which the target does not have");
        assert_eq!(lines.iter().filter(lacks).count(), 2, "{lines:?}");
        assert!(lines[2].contains("could not be told (status 404)"), "{lines:?}");
    }

    #[test]
    fn a_pipeline_that_is_none_is_no_need() {
        let item = index(json!({ "settings": {
            "default_pipeline": "_none", "search.default_pipeline": "_none" } }));
        assert_eq!(named(&item), []);
    }

    #[test]
    fn files_and_plugins_of_analysis_are_needs() {
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
        let mut found = named(&item);
        found.sort();
        let expected = [
            (NeedKind::SynonymsSet, "shop"),
            (NeedKind::Plugin, "analysis-icu"),
            (NeedKind::Plugin, "analysis-kuromoji"),
            (NeedKind::Plugin, "analysis-nori"),
            (NeedKind::Plugin, "analysis-stempel"),
            (NeedKind::Plugin, "mapper-murmur3"),
            (NeedKind::Plugin, "mapper-size"),
            (NeedKind::File, "a.rbbi"),
            (NeedKind::File, "analysis/s.txt"),
            (NeedKind::File, "b.rbbi"),
            (NeedKind::File, "hunspell/de_DE/"),
            (NeedKind::File, "u.txt"),
        ];
        assert_eq!(found, expected.map(|(kind, name)| (kind, name.to_owned())));
        let lines = Stock::default().lines(&item);
        assert!(lines.iter().any(|line| line.contains("no server tells")), "{lines:?}");
    }

    #[test]
    fn a_plugin_counts_only_if_every_node_has_it() {
        let node = |names: &[&str]| {
            json!({ "plugins": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
                    "modules": [{ "name": "mapper-murmur3" }] })
        };
        let answer = json!({ "nodes": {
            "a": node(&["analysis-icu", "analysis-nori"]), "b": node(&["analysis-nori"]) } });
        let known = NeedKind::Plugin.names(&answer).expect("names");
        assert_eq!(known, ["analysis-nori", "mapper-murmur3"].map(str::to_owned).into());
        assert_eq!(NeedKind::Plugin.names(&json!({})), None);
    }

    #[test]
    fn components_that_may_be_missing_are_no_need() {
        let body = json!({ "index_patterns": ["a"], "composed_of": ["ours", "ecs@mappings", "may"],
            "ignore_missing_component_templates": ["may"] });
        let item = Item::read(MetadataKind::IndexTemplate, "t", body).expect("an item");
        let mut stock = Stock::default();
        stock.add(NeedKind::ComponentTemplate, ["ours".to_owned()]);
        let lines = stock.lines(&item);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("`ecs@mappings`"), "{}", lines[0]);
    }
}
