//! Migration files in ConfigMaps, credentials in Secrets.
//!
//! ```text
//! ConfigMap argosy-session-<session>   migration.yaml: the file
//! Secret    argosy-session-<session>   the same, for a file that holds passwords
//! Secret    <name>                     username, password, tls.crt, tls.key, ca.crt
//! ```

use std::collections::BTreeMap;

use argo::convention::label::{CREDENTIALS, PART_OF, SESSION};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cli_support::session_file::{self, ENTRY};
use serde_json::{Value, json};

use super::{
    error::ArgoError,
    objects::secret,
    server::{Server, text},
};
use crate::{error::BackendError, object_kind::ObjectKind};

/// Reads a session's file.
pub(super) async fn session(
    server: &Server,
    session: &str,
) -> Result<Option<String>, BackendError> {
    let name = session_file::object_name(session)?;
    if let Some(map) = server.get(ObjectKind::ConfigMap, &name).await? {
        return Ok(map.get("data").and_then(|data| Some(data.get(ENTRY)?.as_str()?.to_owned())));
    }
    match server.get(ObjectKind::Secret, &name).await? {
        Some(secret) => entry(&secret, ENTRY),
        None => Ok(None),
    }
}

/// Stores a session's file: in a ConfigMap, or in a Secret if it contains passwords.
pub(super) async fn save_session(
    server: &Server,
    session: &str,
    file: &str,
    has_passwords: bool,
) -> Result<(), BackendError> {
    let name = session_file::object_name(session)?;
    let labels = BTreeMap::from([PART_OF, (SESSION, session)]);
    if has_passwords {
        let entries = BTreeMap::from([(ENTRY.to_owned(), file.to_owned())]);
        server.apply(ObjectKind::Secret, &secret(&name, &labels, &entries)).await?;
        server.delete(ObjectKind::ConfigMap, &name, None).await?;
        return Ok(());
    }
    let map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "labels": labels },
        "data": { ENTRY: file },
    });
    server.apply(ObjectKind::ConfigMap, &map).await?;
    if server.get(ObjectKind::Secret, &name).await?.is_some() {
        server.delete(ObjectKind::Secret, &name, None).await?;
    }
    Ok(())
}

/// Deletes a session's file.
pub(super) async fn delete_session(server: &Server, session: &str) -> Result<bool, BackendError> {
    let name = session_file::object_name(session)?;
    let map = server.delete(ObjectKind::ConfigMap, &name, None).await?;
    let secret = match server.get(ObjectKind::Secret, &name).await? {
        Some(_) => server.delete(ObjectKind::Secret, &name, None).await?,
        None => false,
    };
    Ok(map || secret)
}

/// Returns the names of the credentials that were created here.
pub(super) async fn credentials(server: &Server) -> Result<Vec<String>, BackendError> {
    let (label, value) = CREDENTIALS;
    let secrets = server.list(ObjectKind::Secret, &format!("{label}={value}")).await?;
    let mut names: Vec<String> =
        secrets.iter().map(|secret| text(secret, "/metadata/name").to_owned()).collect();
    names.sort();
    Ok(names)
}

/// Reads an entry of credentials.
pub(super) async fn credential(
    server: &Server,
    name: &str,
    key: &str,
) -> Result<Option<String>, BackendError> {
    match server.get(ObjectKind::Secret, name).await? {
        Some(secret) => entry(&secret, key),
        None => Ok(None),
    }
}

/// Stores credentials. A Secret that was created elsewhere keeps its labels; all its entries are
/// replaced.
pub(super) async fn save_credentials(
    server: &Server,
    name: &str,
    entries: &BTreeMap<String, String>,
) -> Result<(), BackendError> {
    let found = server.get(ObjectKind::Secret, name).await?;
    let Some(old) = found else {
        let labels = BTreeMap::from([PART_OF, CREDENTIALS]);
        server.create(ObjectKind::Secret, &secret(name, &labels, entries)).await?;
        return Ok(());
    };
    let data = old.get("data").and_then(Value::as_object);
    let mut changed: serde_json::Map<String, Value> =
        data.into_iter().flatten().map(|(key, _)| (key.clone(), Value::Null)).collect();
    for (key, value) in entries {
        changed.insert(key.clone(), STANDARD.encode(value).into());
    }
    server.merge(ObjectKind::Secret, name, &json!({ "data": changed })).await?;
    Ok(())
}

/// Deletes credentials that were created here.
pub(super) async fn delete_credentials(server: &Server, name: &str) -> Result<bool, BackendError> {
    let Some(secret) = server.get(ObjectKind::Secret, name).await? else { return Ok(false) };
    let (label, value) = CREDENTIALS;
    let labels = secret.pointer("/metadata/labels");
    let ours = labels.and_then(|labels| labels.get(label)).and_then(Value::as_str) == Some(value);
    if !ours {
        let (name, namespace) = (name.to_owned(), server.namespace.clone());
        return Err(ArgoError::ForeignSecret { name, namespace }.into());
    }
    Ok(server.delete(ObjectKind::Secret, name, None).await?)
}

/// Reads an entry of a Secret.
fn entry(secret: &Value, key: &str) -> Result<Option<String>, BackendError> {
    let data = secret.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
    let Some(encoded) = data else { return Ok(None) };
    let name = text(secret, "/metadata/name");
    let wrong = || ArgoError::NotText { name: name.to_owned(), key: key.to_owned() };
    let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
    Ok(Some(String::from_utf8(bytes).map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_text_or_an_error_that_shows_nothing() {
        let secret = json!({
            "metadata": { "name": "source" },
            "data": { "password": STANDARD.encode("zażółć"), "bytes": STANDARD.encode([0xff]) },
        });
        assert_eq!(entry(&secret, "password").expect("read").as_deref(), Some("zażółć"));
        assert_eq!(entry(&secret, "username").expect("read"), None);
        let error = entry(&secret, "bytes").expect_err("no text").to_string();
        assert!(error.contains("entry `bytes` of Secret `source`"), "{error}");
    }
}
