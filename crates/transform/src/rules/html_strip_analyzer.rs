//! The analyzer `standard_html_strip`.
//!
//! Elasticsearch 7 and newer and OpenSearch reject it in new indices. The same analyzer is written
//! out of its parts, under the same name: the character filter `html_strip`, the tokenizer
//! `standard`, the filter `lowercase`, and `stop` where it has stop words. Source: the page "Breaking
//! changes in 7.0", section "Analysis changes".

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{change::Changes, facts::Facts, fields::each_field, item::Item, rule::Rule};

pub(crate) const RULE: Rule = Rule { id: "html-strip-analyzer", applies: Facts::to_typeless, run };

const NAME: &str = "standard_html_strip";
const ANALYZERS: &str = "index.analysis.analyzer.";

fn run(item: &mut Item, _: &Facts, changes: &mut Changes) {
    let of_type = |name: &str, value: &Value| {
        let name = name.strip_prefix(ANALYZERS)?.strip_suffix(".type")?;
        (value == NAME).then(|| name.to_owned())
    };
    let mut analyzers: BTreeSet<String> =
        item.settings.iter().filter_map(|(name, value)| of_type(name, value)).collect();
    let is_defined = item.settings.get(&format!("{ANALYZERS}{NAME}.type")).is_some();
    let mut is_used = false;
    each_field(&mut item.mappings, &mut |_, field| {
        for parameter in ["analyzer", "search_analyzer", "search_quote_analyzer"] {
            is_used |= field.get(parameter).and_then(Value::as_str) == Some(NAME);
        }
    });
    if is_used && !is_defined {
        analyzers.insert(NAME.to_owned());
    }
    for name in analyzers {
        let analyzer = format!("{ANALYZERS}{name}");
        let mut filters = vec![json!("lowercase")];
        if let Some(words) = item.settings.remove(&format!("{analyzer}.stopwords")) {
            let stop = format!("{name}_stop");
            item.settings.set(format!("index.analysis.filter.{stop}.type"), "stop");
            item.settings.set(format!("index.analysis.filter.{stop}.stopwords"), words);
            filters.push(json!(stop));
        }
        for (part, value) in [
            ("type", json!("custom")),
            ("char_filter", json!(["html_strip"])),
            ("tokenizer", json!("standard")),
            ("filter", Value::Array(filters)),
        ] {
            item.settings.set(format!("{analyzer}.{part}"), value);
        }
        let why = "the target rejects `standard_html_strip`; the parts make the same tokens";
        changes.adapted(&format!("settings.{analyzer}"), "written out of its parts", why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Weight, rule::trial};

    #[test]
    fn it_is_written_out_where_it_is_defined_or_used() {
        let body = json!({
            "settings": { "analysis": { "analyzer": {
                "mine": { "type": NAME, "stopwords": ["a", "the"] },
                "other": { "type": "standard" } } } },
            "mappings": { "properties": { "t": { "type": "text", "fields": {
                "html": { "type": "text", "analyzer": NAME } } } } }
        });
        let (after, weights) = trial::index(&RULE, body);
        let settings = &after["settings"];
        assert_eq!(weights, [Weight::Adapted; 2]);
        assert_eq!(settings["index.analysis.analyzer.mine.type"], "custom");
        assert_eq!(
            settings["index.analysis.analyzer.mine.filter"],
            json!(["lowercase", "mine_stop"])
        );
        assert_eq!(settings["index.analysis.filter.mine_stop.stopwords"], json!(["a", "the"]));
        let used = "index.analysis.analyzer.standard_html_strip";
        assert_eq!(settings[format!("{used}.char_filter")], json!(["html_strip"]));
        assert_eq!(settings[format!("{used}.filter")], json!(["lowercase"]));
        assert_eq!(settings["index.analysis.analyzer.other.type"], "standard");
    }

    #[test]
    fn an_analyzer_of_the_user_with_this_name_stays() {
        let body = json!({
            "settings": { "index.analysis.analyzer.standard_html_strip.type": "simple" },
            "mappings": { "properties": { "t": { "type": "text", "analyzer": NAME } } } });
        assert_eq!(trial::index(&RULE, body.clone()), (body, vec![]));
    }
}
