//! Converts SMILE (binary JSON) to JSON values. Values that JSON cannot express are rejected.

use serde_json::{Map, Number};
use serde_smile::value::Value;

use crate::error::Damage;

/// Reads one SMILE value, all of it.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Damage> {
    serde_smile::from_slice(bytes)
        .map_err(|error| format!("its SMILE content is broken: {error}").into())
}

/// Returns the only field of an object: its name and value.
pub(crate) fn only_field(value: Value) -> Result<(String, Value), Damage> {
    match value {
        Value::Object(fields) if fields.len() == 1 => {
            fields.into_iter().next().ok_or_else(|| "it is an empty object".into())
        }
        _ => Err("it is not an object with exactly one field".into()),
    }
}

/// Converts a SMILE value without binary data.
pub(crate) fn to_json(value: Value) -> Result<serde_json::Value, Damage> {
    use serde_json::Value as Json;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Boolean(flag) => Json::Bool(flag),
        Value::Integer(number) => Json::from(number),
        Value::Long(number) => Json::from(number),
        Value::Float(number) => {
            // The shortest text of this float, not the digits of the double that it widens to.
            let text = number.to_string();
            let wide = text.parse::<f64>().map_err(|_| "a float cannot be written")?;
            Json::Number(Number::from_f64(wide).ok_or("a number is not finite")?)
        }
        Value::Double(number) => {
            Json::Number(Number::from_f64(number).ok_or("a number is not finite")?)
        }
        Value::String(text) => Json::String(text),
        Value::Array(items) => {
            Json::Array(items.into_iter().map(to_json).collect::<Result<Vec<_>, _>>()?)
        }
        Value::Object(fields) => Json::Object(to_object(fields)?),
        Value::BigInteger(_) | Value::BigDecimal(_) => {
            return Err("a number is larger than any in metadata".into());
        }
        Value::Binary(_) => return Err("there is a binary value where text is expected".into()),
    })
}

fn to_object(
    fields: impl IntoIterator<Item = (String, Value)>,
) -> Result<Map<String, serde_json::Value>, Damage> {
    fields.into_iter().map(|(name, value)| Ok((name, to_json(value)?))).collect()
}
