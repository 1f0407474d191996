//! What is left of a file without what the schema refuses?
//!
//! Broken values are removed, or replaced by something empty, so that the other checks still read
//! everything else. Their places are remembered, so that the checks do not report them again.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Map, Value};

use crate::pointer::Pointer;

/// Removes from `kept` what the error refuses, and remembers the place.
pub(super) fn repair(
    error: &ValidationError<'_>,
    place: &Pointer,
    kept: &mut Value,
    broken: &mut Vec<Pointer>,
) {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            if let Some(Value::Object(map)) = kept.pointer_mut(place.as_str()) {
                for key in unexpected {
                    map.shift_remove(key);
                }
            }
        }
        ValidationErrorKind::Required { property } => {
            broken.push(place.key(property.as_str().unwrap_or_default()));
        }
        ValidationErrorKind::Type { kind } => {
            broken.push(place.clone());
            match kind {
                TypeKind::Single(kind) if kind.as_str() == "object" => {
                    replace(kept, place, Value::Object(Map::new()));
                }
                TypeKind::Single(kind) if kind.as_str() == "array" => {
                    replace(kept, place, Value::Array(Vec::new()));
                }
                _ => remove(kept, place),
            }
        }
        _ => {
            broken.push(place.clone());
            remove(kept, place);
        }
    }
}

fn replace(kept: &mut Value, place: &Pointer, value: Value) {
    if let Some(here) = kept.pointer_mut(place.as_str()) {
        *here = value;
    }
}

/// Removes a key, or empties an element of a list of texts so that the others keep their places.
fn remove(kept: &mut Value, place: &Pointer) {
    let Some((parent, _)) = place.as_str().rsplit_once('/') else { return };
    let last = place.last().unwrap_or_default();
    match kept.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(&last);
        }
        Some(Value::Array(_)) => replace(kept, place, Value::String(String::new())),
        _ => {}
    }
}
