//! Which templates does the server or a product bring along itself?
//!
//! A stack puts templates of its own into every cluster. They say how its own data is kept, and
//! the target has its own; migrated ones would only get in its way.

use serde_json::Value;

/// Templates whose names neither begin with a dot nor hold an `@`.
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

/// Beginnings of such names, where a version follows.
const PREFIXES: [&str; 5] =
    ["elastic-connectors-", "ilm-history-", "slm-history", "triggered_watches", "watch-history"];

/// Returns why a template is not the user's, or `None` if it is.
pub fn builtin_template(name: &str, body: &Value) -> Option<&'static str> {
    if name.starts_with('.') {
        return Some("its name begins with a dot: it belongs to the server itself");
    }
    let managed = body.get("_meta").and_then(|meta| meta.get("managed"));
    if managed == Some(&Value::Bool(true)) {
        return Some("it says of itself that a product manages it (`_meta.managed`)");
    }
    let known = NAMES.contains(&name)
        || name.contains('@')
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    known.then_some("it comes with the product, and the target has its own")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_with_the_stack_is_known() {
        for name in [".monitoring-es", "logs", "ecs@mappings", "slm-history-5", "watch-history-12"]
        {
            assert!(builtin_template(name, &json!({})).is_some(), "{name}");
        }
        let managed = json!({ "_meta": { "managed": true } });
        assert!(builtin_template("logs-nginx.access", &managed).is_some());
    }

    #[test]
    fn templates_of_a_person_are_not_left_out() {
        for name in ["logs-shop", "metrics-2", "shop-v2", "my-logs"] {
            assert_eq!(builtin_template(name, &json!({ "_meta": { "k": "v" } })), None, "{name}");
        }
    }
}
