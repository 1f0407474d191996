//! A request or an answer of a step as text: one line for each value.

use contract::numbers;
use runs::plain;
use serde_json::Value;

/// The most lines of an answer that are shown.
pub(crate) const MAX_LINES: usize = 400;

/// Writes JSON as lines, one for each value, with nested values indented.
pub(crate) fn readable(value: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(value) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => {
            let mut lines = Vec::new();
            push_value(&value, "", &mut lines);
            lines
        }
        Ok(Value::String(text)) => plain(&text).lines().map(str::to_owned).collect(),
        _ => plain(value).lines().map(str::to_owned).collect(),
    }
}

fn push_value(value: &Value, indent: &str, lines: &mut Vec<String>) {
    if lines.len() > MAX_LINES {
        return;
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                push_entry(&format!("{}:", plain(key)), value, indent, lines);
            }
        }
        Value::Array(items) => {
            for item in items {
                push_entry("-", item, indent, lines);
            }
        }
        scalar => lines.push(format!("{indent}{}", scalar_text(scalar))),
    }
}

fn push_entry(key: &str, value: &Value, indent: &str, lines: &mut Vec<String>) {
    let is_empty = match value {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        _ if is_empty => lines.push(format!("{indent}{key} none")),
        Value::Object(_) | Value::Array(_) => {
            lines.push(format!("{indent}{key}"));
            push_value(value, &format!("{indent}  "), lines);
        }
        scalar => lines.push(format!("{indent}{key} {}", scalar_text(scalar))),
    }
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => {
            number.as_u64().map_or_else(|| number.to_string(), numbers::grouped)
        }
        Value::String(text) => plain(text).replace('\n', " "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_as_a_note() {
        let answer = r#"{"documents": 12000, "isNew": true, "indices": [{"name": "a", "aliases": []}, "b"], "why": null}"#;
        let expected = [
            "documents: 12,000",
            "isNew: yes",
            "indices:",
            "  -",
            "    name: a",
            "    aliases: none",
            "  - b",
            "why: none",
        ];
        assert_eq!(readable(answer), expected);
        assert_eq!(readable("two\nlines"), ["two", "lines"]);
        assert_eq!(readable("\"\""), Vec::<String>::new());
    }
}
