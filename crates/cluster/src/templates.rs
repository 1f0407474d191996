//! How are legacy, component and composable templates read and written?

use std::collections::BTreeMap;

use contract::ServerVersion;
use serde_json::Value;

use crate::{
    client::Client,
    error::ClusterError,
    request::{Request, path},
};

/// A kind of template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// `_template`.
    Legacy,
    /// `_component_template`.
    Component,
    /// `_index_template`.
    Index,
}

impl TemplateKind {
    /// Returns whether a server of this version supports templates of this kind.
    pub fn is_known_to(self, version: ServerVersion) -> bool {
        self == Self::Legacy || version.is_opensearch() || version.at_least(7, 9)
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::Legacy => "_template",
            Self::Component => "_component_template",
            Self::Index => "_index_template",
        }
    }

    /// Returns the key of the list and the key of a body in it; legacy templates are an object.
    fn keys(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Legacy => None,
            Self::Component => Some(("component_templates", "component_template")),
            Self::Index => Some(("index_templates", "index_template")),
        }
    }
}

/// Returns the request that writes a template.
pub fn put_request(kind: TemplateKind, name: &str, body: Value) -> Request {
    Request::put(path(&[kind.endpoint(), name])).json(body)
}

/// Returns a template's body in the form of a PUT request, or `None` if there is none.
pub async fn get(
    client: &Client,
    kind: TemplateKind,
    name: &str,
) -> Result<Option<Value>, ClusterError> {
    let response = client.send(&Request::get(path(&[kind.endpoint(), name]))).await?;
    if response.status == 404 {
        return Ok(None);
    }
    let answer = client.check_status(response)?.json()?;
    Ok(bodies(kind, answer).remove(name))
}

/// Returns the bodies of all templates of a kind, by name.
pub async fn list(
    client: &Client,
    kind: TemplateKind,
) -> Result<BTreeMap<String, Value>, ClusterError> {
    let answer = client.call(&Request::get(path(&[kind.endpoint()]))).await?.json()?;
    Ok(bodies(kind, answer))
}

fn bodies(kind: TemplateKind, mut answer: Value) -> BTreeMap<String, Value> {
    let mut bodies = BTreeMap::new();
    match kind.keys() {
        None => {
            if let Value::Object(templates) = answer {
                bodies.extend(templates);
            }
        }
        Some((list, key)) => {
            let entries = answer.get_mut(list).and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                let name = entry.get("name").and_then(Value::as_str).map(str::to_owned);
                if let (Some(name), Some(body)) = (name, entry.get_mut(key)) {
                    bodies.insert(name, body.take());
                }
            }
        }
    }
    bodies
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_has_its_own_form_of_list() {
        let legacy = bodies(TemplateKind::Legacy, json!({ "t": { "order": 0 } }));
        assert_eq!(legacy["t"], json!({ "order": 0 }));
        let answer = json!({ "index_templates": [{ "name": "t", "index_template": { "a": 1 } }] });
        assert_eq!(bodies(TemplateKind::Index, answer)["t"], json!({ "a": 1 }));
        let answer =
            json!({ "component_templates": [{ "name": "t", "component_template": { "a": 1 } }] });
        assert_eq!(bodies(TemplateKind::Component, answer)["t"], json!({ "a": 1 }));
    }

    #[test]
    fn a_name_is_one_segment_of_the_path() {
        let request = put_request(TemplateKind::Index, "a/b", json!({}));
        assert_eq!(request.target(), "/_index_template/a%2Fb");
    }
}
