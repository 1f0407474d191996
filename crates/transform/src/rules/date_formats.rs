//! Date formats of Joda, and named formats in camel case.
//!
//! An index that was created by Elasticsearch before 7 interprets patterns as Joda does, also after
//! upgrades; any other index as java.time does. The same letters mean other things (`YYYY` becomes
//! the week-based year), so documents would be accepted and found under wrong dates. The patterns
//! are translated by the table in `joda`. A pattern that begins with `8` is one of java.time
//! already (Elasticsearch 6.8); only the digit is removed.
//!
//! Elasticsearch 8 and newer reject names in camel case for new indices (pull requests 60044 and
//! 88914); OpenSearch takes both spellings.
//!
//! Formats are in fields of dates and ranges of dates, in runtime fields, in dynamic templates and
//! in `dynamic_date_formats`, with alternatives separated by `||`.

mod joda;
mod names;

use serde_json::Value;

use crate::{
    change::Changes,
    facts::Facts,
    fields::{Field, each_field, type_of},
    item::Item,
    rule::Rule,
};

pub(crate) const RULE: Rule = Rule { id: "date-formats", applies: Facts::to_typeless, run };

fn run(item: &mut Item, facts: &Facts, changes: &mut Changes) {
    let dialect = Dialect::of(item, facts);
    let mut visit = |path: &str, field: &mut Field| dialect.field(path, field, changes);
    each_field(&mut item.mappings, &mut visit);
    if let Some(Value::Object(fields)) = item.mappings.get_mut("runtime") {
        for (name, field) in fields {
            if let Value::Object(field) = field {
                visit(&format!("mappings.runtime.{name}"), field);
            }
        }
    }
    let path = "mappings.dynamic_date_formats";
    match item.mappings.get_mut("dynamic_date_formats") {
        Some(Value::Array(formats)) => {
            for format in formats {
                dialect.format(path, format, None, changes);
            }
        }
        Some(format) => dialect.format(path, format, None, changes),
        None => {}
    }
}

/// What has to change in a format.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// Whether patterns are those of Joda.
    joda: bool,
    /// Whether the target knows names in snake case only.
    snake_case: bool,
}

/// A translated format.
#[derive(Default)]
struct Translated {
    text: String,
    has_names: bool,
    has_weeks: bool,
    has_two_digit_year: bool,
}

impl Dialect {
    /// Returns what has to change in the formats of an item.
    pub(super) fn of(item: &Item, facts: &Facts) -> Self {
        Self {
            joda: item.is_made_before(facts, 7, 0),
            snake_case: facts.to_elasticsearch_since(8, 0),
        }
    }

    /// Returns the format of a query for the target, or why it cannot be translated.
    pub(super) fn query_format(self, format: &str) -> Result<String, String> {
        Ok(self.translate(format)?.text)
    }

    /// Changes the format of a field, if it is one of dates.
    fn field(self, path: &str, field: &mut Field, changes: &mut Changes) {
        // In a dynamic template the type may follow from the value.
        let of_dates = match type_of(field) {
            Some("date" | "date_nanos" | "date_range") => true,
            None | Some("{dynamic_type}") => path.contains("dynamic_templates"),
            Some(_) => false,
        };
        if !of_dates {
            return;
        }
        let Some(mut format) = field.get("format").filter(|format| format.is_string()).cloned()
        else {
            return;
        };
        self.format(&format!("{path}.format"), &mut format, Some(field), changes);
        field.insert("format".to_owned(), format);
    }

    /// Changes one format; `field` is the field that has it.
    fn format(
        self,
        path: &str,
        format: &mut Value,
        field: Option<&mut Field>,
        changes: &mut Changes,
    ) {
        let Some(old) = format.as_str() else { return };
        let new = match self.translate(old) {
            Ok(new) => new,
            Err(why) => {
                let what = format!("is the Joda pattern `{old}`, which cannot be translated");
                let why = format!(
                    "{why}; create the index on the target yourself, or exclude it with a `-` \
                     pattern"
                );
                changes.unsupported(path, &what, &why);
                return;
            }
        };
        if new.text == old {
            return;
        }
        let what = format!("changed from `{old}` to `{}`", new.text);
        *format = Value::from(new.text);
        if new.has_two_digit_year {
            let why = "the target reads two digits of a year as 2000 to 2099; the source read them \
                       as the nearest year, for example `85` as 1985";
            changes.lost(path, &what, why);
        } else {
            let why = "the target interprets other letters and names than the version that made \
                       the index; the format reads the same dates";
            changes.adapted(path, &what, why);
        }
        let Some(field) = field else { return };
        let locale_path = path.replace(".format", ".locale");
        let locale = field.get("locale").and_then(Value::as_str).map(str::to_owned);
        match locale {
            Some(locale) if !locale.starts_with("en") && (new.has_names || new.has_weeks) => {
                let what = format!("is `{locale}`");
                let why = "names of months and days and the first day of a week may differ between \
                           the two libraries in this locale; search for some dates before you \
                           switch over";
                changes.lost(&locale_path, &what, why);
            }
            None if new.has_names && !new.has_weeks => {
                field.insert("locale".to_owned(), Value::from("en"));
                let why = "names of months and days were English, and newer servers have no full \
                           names without a locale";
                changes.adapted(&locale_path, "set to `en`", why);
            }
            _ => {}
        }
    }

    fn translate(self, format: &str) -> Result<Translated, String> {
        let java = format.strip_prefix('8').filter(|rest| !rest.is_empty());
        let is_joda = self.joda && java.is_none();
        let format = java.filter(|_| self.joda).unwrap_or(format);
        let mut translated = Translated::default();
        let (mut exact, mut lenient) = (Vec::new(), Vec::new());
        for alternative in format.split("||") {
            if names::is_name(alternative) {
                let snake = names::snake_case(alternative).filter(|_| self.snake_case);
                exact.push(snake.unwrap_or_else(|| alternative.to_owned()));
            } else if is_joda && !alternative.is_empty() {
                let one = joda::translate(alternative)?;
                exact.push(one.exact);
                lenient.extend(one.lenient);
                translated.has_names |= one.has_names;
                translated.has_weeks |= one.has_weeks;
                translated.has_two_digit_year |= one.has_two_digit_year;
            } else {
                exact.push(alternative.to_owned());
            }
        }
        // The first format prints, so the lenient ones come last.
        for pattern in lenient {
            if !exact.contains(&pattern) {
                exact.push(pattern);
            }
        }
        translated.text = exact.join("||");
        Ok(translated)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        change::{Change, Weight},
        item::MetadataKind,
        rule::trial,
    };

    fn mappings(pair: (&str, &str), created: &str, mappings: &Value) -> (Value, Vec<Change>) {
        let body =
            json!({ "settings": { "index.version.created": created }, "mappings": mappings });
        let (body, changes) = trial::run(&RULE, MetadataKind::Index, pair, body);
        (body["mappings"].clone(), changes)
    }

    fn format(pair: (&str, &str), created: &str, format: &str) -> (Value, Vec<Change>) {
        let field = json!({ "properties": { "t": { "type": "date", "format": format } } });
        let (mappings, changes) = mappings(pair, created, &field);
        (mappings["properties"]["t"].clone(), changes)
    }

    #[test]
    fn patterns_are_translated_by_the_version_that_made_the_index() {
        let pair = ("ES 7.17", "OS 2.19");
        for created in ["5061699", "6082399"] {
            let (field, changes) = format(pair, created, "YYYY/MM/dd||epoch_second||HH:mm:ssZZ");
            let expected = "yyyy/MM/dd||epoch_second||HH:mm:ssxxx||yyyy/M/d||H:m:s[XXX][XX][X]";
            assert_eq!(field["format"], expected, "{created}");
            assert_eq!(changes.len(), 1);
        }
        for created in ["7000099", "7172999", "135249827"] {
            let (field, changes) = format(pair, created, "YYYY/MM/dd");
            assert_eq!((field["format"].clone(), changes), (json!("YYYY/MM/dd"), vec![]));
        }
    }

    #[test]
    fn a_pattern_of_java_time_only_loses_its_mark() {
        let (field, _) = format(("ES 6.8", "OS 2.19"), "6082399", "8uuuu-ww||YYYY");
        assert_eq!(field["format"], "uuuu-ww||YYYY");
    }

    #[test]
    fn names_follow_the_target() {
        let written = "dateOptionalTime||strictDateHourMinute||epoch_millis";
        let snake = "date_optional_time||strict_date_hour_minute||epoch_millis";
        for created in ["6082399", "7172999"] {
            let (field, _) = format(("ES 7.17", "ES 9.2"), created, written);
            assert_eq!(field["format"], snake);
            for target in ["OS 3.4", "ES 7.17", "OS 1.3"] {
                let (field, changes) = format(("ES 7.17", target), created, written);
                assert_eq!((field["format"].clone(), changes), (json!(written), vec![]));
            }
        }
    }

    #[test]
    fn formats_are_changed_wherever_they_are() {
        let (after, changes) = mappings(
            ("ES 6.8", "ES 8.19"),
            "6082399",
            &json!({
                "dynamic_date_formats": ["yearMonthDay", "YYYY_MM"],
                "dynamic_templates": [
                    { "d": { "match_mapping_type": "date", "mapping": { "format": "basicDate" } } },
                    { "n": { "mapping": { "type": "{dynamic_type}", "format": "basicDate" } } }
                ],
                "properties": {
                    "r": { "type": "date_range", "format": "dateHourMinute" },
                    "o": { "properties": { "n": { "type": "text", "fields": {
                        "d": { "type": "date", "format": "YYYYMM" } } } } },
                    "format": { "type": "keyword" },
                    "other": { "type": "keyword", "format": "YYYY" }
                }
            }),
        );
        let expected = json!({
            "dynamic_date_formats": ["year_month_day", "yyyy_MM||yyyy_M"],
            "dynamic_templates": [
                { "d": { "match_mapping_type": "date", "mapping": { "format": "basic_date" } } },
                { "n": { "mapping": { "type": "{dynamic_type}", "format": "basic_date" } } }
            ],
            "properties": {
                "r": { "type": "date_range", "format": "date_hour_minute" },
                "o": { "properties": { "n": { "type": "text", "fields": {
                    "d": { "type": "date", "format": "yyyyMM" } } } } },
                "format": { "type": "keyword" },
                "other": { "type": "keyword", "format": "YYYY" }
            }
        });
        assert_eq!(after, expected);
        assert_eq!(changes.len(), 6);
    }

    #[test]
    fn templates_of_an_old_source_are_translated() {
        let body = json!({ "template": "a*", "mappings": { "properties": {
            "t": { "type": "date", "format": "xxxx-ww" } } } });
        let kind = MetadataKind::LegacyTemplate;
        let (after, _) = trial::run(&RULE, kind, ("ES 6.8", "OS 2.19"), body.clone());
        assert_eq!(after["mappings"]["properties"]["t"]["format"], "YYYY-ww||YYYY-w");
        assert_eq!(trial::run(&RULE, kind, ("ES 7.17", "OS 2.19"), body.clone()), (body, vec![]));
    }

    #[test]
    fn locales_decide_about_names() {
        let pair = ("ES 6.8", "OS 3.4");
        let (field, changes) = format(pair, "6082399", "d MMM yyyy");
        assert_eq!(field["locale"], "en");
        assert!(changes.iter().all(|change| change.weight == Weight::Adapted));
        let german = json!({ "properties": { "t": {
            "type": "date", "format": "d MMM yyyy", "locale": "de" } } });
        let (after, changes) = mappings(pair, "6082399", &german);
        assert_eq!(after["properties"]["t"]["locale"], "de");
        assert_eq!(changes[1].path, "mappings.properties.t.locale");
        assert_eq!(changes[1].weight, Weight::Lost);
    }

    #[test]
    fn what_changes_its_meaning_is_lost_or_refused() {
        let pair = ("ES 6.8", "ES 8.19");
        let (field, changes) = format(pair, "6082399", "dd/MM/yy");
        assert_eq!(field["format"], "dd/MM/uu||d/M/uu");
        assert_eq!(changes[0].weight, Weight::Lost);
        let (field, changes) = format(pair, "6082399", "CCyy-MM");
        assert_eq!(field["format"], "CCyy-MM");
        assert_eq!(changes[0].weight, Weight::Unsupported);
    }
}
