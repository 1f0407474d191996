//! Which templates does a server or product install itself?
//!
//! They describe how the product stores its own data. The target has its own, and would be
//! disturbed by those of the source. A product marks its templates with `_meta.managed: true`
//! (Elasticsearch 7.9 and newer). Older ones are recognised by a known name together with patterns of
//! the product's own indices. A name alone decides nothing: users name templates `logs` and
//! components `shop@v2`.

use serde_json::Value;

use crate::relevance;

/// Beginnings of the names of templates that products installed without a mark. All their patterns
/// begin with a dot.
const NAMES: [&str; 11] = [
    ".",
    "apm-source-map",
    "kibana-reporting",
    "kibana_index_template",
    "logstash-index-template",
    "search-acl-filter",
    "security-index-template",
    "security_audit_log",
    "tenant_template",
    "triggered_watches",
    "watch-history",
];

/// The same for templates whose patterns begin with the name.
const HISTORIES: [&str; 2] = ["ilm-history", "slm-history"];

/// Returns why a template is not one of the user, or `None` if it is.
pub(crate) fn builtin_reason(name: &str, body: &Value) -> Option<&'static str> {
    if is_managed(body) {
        return Some("a product manages it (`_meta.managed` is true)");
    }
    let patterns: Vec<String> =
        relevance::patterns(body).into_iter().map(String::from_iter).collect();
    let all_begin_with =
        |begin: &str| !patterns.is_empty() && patterns.iter().all(|it| it.starts_with(begin));
    let known = (NAMES.iter().any(|begin| name.starts_with(begin)) && all_begin_with("."))
        || HISTORIES
            .iter()
            .any(|begin| name.starts_with(begin) && (all_begin_with(begin) || all_begin_with(".")));
    known.then_some("it is for indices of the product, and the target has its own")
}

/// Returns whether a product marks a template as its own.
pub(crate) fn is_managed(body: &Value) -> bool {
    body.get("_meta").and_then(|meta| meta.get("managed")) == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_builtin(name: &str, pattern: &str) -> bool {
        builtin_reason(name, &json!({ "index_patterns": [pattern] })).is_some()
    }

    #[test]
    fn templates_of_the_product_are_recognized() {
        for (name, pattern) in [
            (".monitoring-es", ".monitoring-es-7-*"),
            ("slm-history-5", "slm-history-5*"),
            ("ilm-history", ".ds-ilm-history-*"),
            ("watch-history-12", ".watcher-history-12*"),
            ("tenant_template", ".kibana_-*_*"),
        ] {
            assert!(is_builtin(name, pattern), "{name}");
        }
        let managed = json!({ "_meta": { "managed": true }, "index_patterns": ["logs-*-*"] });
        assert!(builtin_reason("logs-nginx.access", &managed).is_some());
    }

    #[test]
    fn templates_of_the_user_are_not_skipped() {
        for (name, pattern) in [
            ("logs", "logs-*"),
            ("metrics", "metrics-*-*"),
            (".mine", "orders-*"),
            ("watch-history", "swiss-watches-*"),
            ("ilm-history", "orders-*"),
            ("my-logs", ".hidden-*"),
        ] {
            assert!(!is_builtin(name, pattern), "{name}");
        }
        for component in ["shop@v2", "logs@custom", "logs-settings", ".shop"] {
            assert_eq!(builtin_reason(component, &json!({ "_meta": { "managed": "x" } })), None);
        }
    }
}
