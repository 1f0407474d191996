//! Which calls does a loop make? `withItems`, `withParam` and `withSequence`.

use argo::{Parameter, io::ValueFrom, task::Sequence};
use serde_json::Value;

use super::{
    operation::{Fault, Frame, Operation},
    values::{Values, item_text},
};
use crate::{
    expression,
    program::{Call, Expansion},
};

/// A call with all its values filled in.
#[derive(Clone, Debug)]
pub(super) struct FilledCall {
    /// The name: for an item, as in `task(0:first)`.
    pub(super) name: String,
    pub(super) arguments: Vec<Parameter>,
    pub(super) when: Option<String>,
}

/// The limit of items of one loop.
const MAX_ITEMS: i64 = 100_000;

impl Operation<'_> {
    /// Fills a call that is made once.
    pub(super) fn fill_call(&self, call: &Call, frame: &Frame) -> FilledCall {
        let values = Values::of(self, &frame.inputs).with_calls(frame);
        filled(call, call.name.clone(), &values)
    }

    /// Fills the calls of a loop, one an item.
    pub(super) fn fill_items(&self, call: &Call, frame: &Frame) -> Result<Vec<FilledCall>, Fault> {
        let values = Values::of(self, &frame.inputs).with_calls(frame);
        let items = match items(&call.expansion, &values) {
            Ok(items) => items,
            // A call that `when` skips needs no items.
            Err(fault) => {
                let when = call.when.as_deref().map(|when| values.fill(when));
                return match when.map(|when| expression::when(&when)) {
                    Some(Ok(false)) => Ok(Vec::new()),
                    _ => Err(fault),
                };
            }
        };
        let mut calls = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let values = values.with_item(Some(item));
            let filled = filled(call, format!("{}({number}:{})", call.name, label(item)), &values);
            let is_made = filled
                .when
                .as_deref()
                .is_none_or(|when| !matches!(expression::when(when), Ok(false)));
            if is_made {
                all_resolved(call, &values).map_err(Fault)?;
            }
            calls.push(filled);
        }
        Ok(calls)
    }
}

fn filled(call: &Call, name: String, values: &Values<'_>) -> FilledCall {
    let source = |from: &ValueFrom| {
        let mut from = from.clone();
        if let Some(key) = &mut from.config_map_key_ref {
            key.name = values.fill(&key.name);
            key.key = values.fill(&key.key);
        }
        from.default = from.default.as_deref().map(|default| values.fill(default));
        from
    };
    let arguments = call
        .arguments
        .iter()
        .map(|argument| Parameter {
            value: argument.value.as_deref().map(|value| values.fill(value)),
            value_from: argument.value_from.as_deref().map(|from| Box::new(source(from))),
            ..Parameter::required(argument.name.clone())
        })
        .collect();
    FilledCall { name, arguments, when: call.when.as_deref().map(|when| values.fill(when)) }
}

/// In a loop, a tag without a value is an error.
fn all_resolved(call: &Call, values: &Values<'_>) -> Result<(), String> {
    let texts = call.arguments.iter().filter_map(|argument| argument.value.as_ref());
    for text in texts.chain(&call.when) {
        values.fill_whole(text)?;
    }
    Ok(())
}

fn items(expansion: &Expansion, values: &Values<'_>) -> Result<Vec<Value>, Fault> {
    match expansion {
        Expansion::Once => Ok(Vec::new()),
        Expansion::Items(items) => Ok(items.iter().map(|item| fill_value(item, values)).collect()),
        Expansion::Parameter(text) => {
            let text = values.fill(text);
            serde_json::from_str(&text).map_err(|error| {
                let text = text.trim();
                Fault(format!(
                    "withParam value could not be parsed as a JSON list: {text}: {error}"
                ))
            })
        }
        Expansion::Sequence(sequence) => sequence_items(sequence, values),
    }
}

fn fill_value(value: &Value, values: &Values<'_>) -> Value {
    match value {
        Value::String(text) => Value::String(values.fill(text)),
        Value::Array(items) => items.iter().map(|item| fill_value(item, values)).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, value)| (key.clone(), fill_value(value, values))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn sequence_items(sequence: &Sequence, values: &Values<'_>) -> Result<Vec<Value>, Fault> {
    let Sequence { count, start, end, format } = sequence;
    let number = |text: &Option<String>| {
        let text = text.as_deref().map(|text| values.fill(text));
        text.map(|text| {
            text.trim()
                .parse::<i64>()
                .map_err(|_| Fault(format!("withSequence: `{text}` is not a number")))
        })
        .transpose()
    };
    let start = number(start)?.unwrap_or(0);
    let end = match (number(end)?, number(count)?) {
        (Some(end), _) => end,
        (None, Some(0)) => return Ok(Vec::new()),
        (None, Some(count)) => start.saturating_add(count).saturating_sub(1),
        (None, None) => {
            return Err(Fault("neither end nor count was specified in withSequence".to_owned()));
        }
    };
    if start.abs_diff(end) >= MAX_ITEMS.unsigned_abs() {
        return Err(Fault(format!("withSequence: more than {MAX_ITEMS} items")));
    }
    let numbers: Vec<i64> =
        if start <= end { (start..=end).collect() } else { (end..=start).rev().collect() };
    numbers.into_iter().map(|number| formatted(format.as_deref(), number)).collect()
}

/// Formats a number with the `%d`, `%5d`, `%02d`, `%x` or `%X` of the format.
fn formatted(format: Option<&str>, number: i64) -> Result<Value, Fault> {
    let Some(format) = format else { return Ok(Value::String(number.to_string())) };
    let wrong = || Fault(format!("withSequence: the format `{format}` is not supported here"));
    let (before, rest) = format.split_once('%').ok_or_else(wrong)?;
    let character = rest.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let (width, rest) = rest.split_at(character);
    let is_padded = width.starts_with('0');
    let width: usize = if width.is_empty() { 0 } else { width.parse().map_err(|_| wrong())? };
    if width > 64 {
        return Err(wrong());
    }
    let text = match (rest.chars().next(), is_padded) {
        (Some('d'), true) => format!("{number:0width$}"),
        (Some('d'), false) => format!("{number:width$}"),
        (Some('x'), true) => format!("{number:0width$x}"),
        (Some('x'), false) => format!("{number:width$x}"),
        (Some('X'), true) => format!("{number:0width$X}"),
        (Some('X'), false) => format!("{number:width$X}"),
        _ => return Err(wrong()),
    };
    let after = rest.get(1..).unwrap_or_default();
    if after.contains('%') {
        return Err(wrong());
    }
    Ok(Value::String(format!("{before}{text}{after}")))
}

/// The part of a node's name that shows its item.
fn label(item: &Value) -> String {
    let text = match item {
        Value::Object(fields) => {
            let mut parts: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}:{}", item_text(value))).collect();
            parts.sort();
            parts.join(",")
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(item_text).collect();
            format!("[{}]", parts.join(" "))
        }
        other => item_text(other),
    };
    text.replace(['(', ')'], "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_as_argo_has_them() {
        assert_eq!(label(&json!("a(b)")), "ab");
        assert_eq!(label(&json!(3)), "3");
        assert_eq!(label(&json!({"name": "jesse", "group": "dev"})), "group:dev,name:jesse");
        assert_eq!(label(&json!(["a", 1])), "[a 1]");
    }

    #[test]
    fn numbers_are_written_as_the_format_says() {
        let text = |format: &str| formatted(Some(format), 11).map(|value| item_text(&value));
        assert_eq!(text("n-%03d-x"), Ok("n-011-x".to_owned()));
        assert_eq!(text("%x"), Ok("b".to_owned()));
        for format in ["plain", "%", "%s", "%d%d", "%9999999d"] {
            assert!(text(format).is_err(), "{format}");
        }
    }
}
