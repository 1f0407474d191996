//! Which templates does a server or product install itself?
//!
//! They describe how the product stores its own data. The target has its own, and would be
//! disturbed by those of the source.

use serde_json::Value;

/// Names of such templates that have neither a leading dot nor an `@`.
const NAMES: [&str; 36] = [
    "apm-source-map",
    "behavioral_analytics-events-default",
    "behavioral_analytics-events-final_pipeline",
    "data-streams-mappings",
    "elastic-connectors",
    "elastic-connectors-sync-jobs",
    "entities_v1_history_index_template",
    "entities_v1_latest_index_template",
    "ilm-history",
    "ilm-history_7",
    "kibana-reporting",
    "logs",
    "logs-mappings",
    "logs-settings",
    "logstash-index-template",
    "metrics",
    "metrics-mappings",
    "metrics-settings",
    "metrics-tsdb-settings",
    "ml-anomaly-detection",
    "profiling-events",
    "profiling-executables",
    "profiling-hosts",
    "profiling-ilm",
    "profiling-metrics",
    "profiling-stackframes",
    "profiling-stacktraces",
    "profiling-symbols",
    "search-acl-filter",
    "security-index-template",
    "security_audit_log",
    "synthetics",
    "synthetics-mappings",
    "synthetics-settings",
    "tenant_template",
    "traces",
];

/// Prefixes of such names, which a version follows.
const PREFIXES: [&str; 5] =
    ["elastic-connectors-", "ilm-history-", "slm-history", "triggered_watches", "watch-history"];

/// Returns why a template is not one of the user, or `None` if it is.
pub(crate) fn builtin_reason(name: &str, body: &Value) -> Option<&'static str> {
    if name.starts_with('.') {
        return Some("its name begins with a dot, so it belongs to the server");
    }
    let managed = body.get("_meta").and_then(|meta| meta.get("managed"));
    if managed == Some(&Value::Bool(true)) {
        return Some("a product manages it (`_meta.managed` is true)");
    }
    let known = NAMES.contains(&name)
        || name.contains('@')
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    known.then_some("it is part of the product, and the target has its own")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_of_the_product_are_recognized() {
        for name in [".monitoring-es", "logs", "ecs@mappings", "slm-history-5", "watch-history-12"]
        {
            assert!(builtin_reason(name, &json!({})).is_some(), "{name}");
        }
        let managed = json!({ "_meta": { "managed": true } });
        assert!(builtin_reason("logs-nginx.access", &managed).is_some());
    }

    #[test]
    fn templates_of_the_user_are_not_skipped() {
        for name in ["logs-shop", "metrics-2", "shop-v2", "my-logs"] {
            assert_eq!(builtin_reason(name, &json!({ "_meta": { "k": "v" } })), None, "{name}");
        }
    }
}
