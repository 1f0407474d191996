//! JSON as different programs write it: without a space, or with spaces and tabs wherever the
//! grammar allows one. A server keeps the bytes as they came, so a migration meets all of them.

use serde_json::Value;

use crate::random::Random;

/// Writes a value on one line with odd spaces between its tokens.
pub(super) fn spaced(value: &Value, random: &mut Random) -> String {
    let mut out = String::new();
    write(value, random, &mut out);
    out
}

fn write(value: &Value, random: &mut Random, out: &mut String) {
    match value {
        Value::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                separate(index, random, out);
                out.push_str(&Value::String(key.clone()).to_string());
                space(random, out);
                out.push(':');
                space(random, out);
                write(member, random, out);
            }
            space(random, out);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, random, out);
                write(item, random, out);
            }
            space(random, out);
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

fn separate(index: usize, random: &mut Random, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    space(random, out);
}

fn space(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&["", "", " ", "  ", "\t", " \t "]));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::spaced;
    use crate::random::Random;

    #[test]
    fn odd_spaces_do_not_change_the_value() {
        let value = json!({"a": [1, {"b c": null}], "d": " x\ty\n", "e": {}, "f": []});
        for seed in 0..50 {
            let text = spaced(&value, &mut Random::new(seed));
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
