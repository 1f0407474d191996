//! A folder of this machine as a claim of a namespace: what NFS is on a cluster of many nodes.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::namespace::Namespace;

/// A claim that lives as long as this value.
pub struct Claim<'a> {
    namespace: &'a Namespace,
    volume: String,
}

impl<'a> Claim<'a> {
    /// Its name.
    pub const NAME: &'static str = "snapshots";

    /// Claims a folder.
    pub fn on(namespace: &'a Namespace, folder: &Path) -> Result<Self> {
        let claim = Self { namespace, volume: namespace.name.clone() };
        let common = json!({
            "accessModes": ["ReadWriteMany"], "storageClassName": "",
        });
        let mut volume = common.clone();
        volume["capacity"] = json!({ "storage": "1Gi" });
        volume["hostPath"] = json!({ "path": folder, "type": "Directory" });
        namespace.create(
            "/api/v1/persistentvolumes",
            &json!({
                "apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": { "name": claim.volume }, "spec": volume,
            }),
        )?;
        let mut wish = common;
        wish["volumeName"] = json!(claim.volume);
        wish["resources"] = json!({ "requests": { "storage": "1Gi" } });
        namespace.create(
            &namespace.path("/api/v1", "persistentvolumeclaims"),
            &json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": { "name": Self::NAME }, "spec": wish,
            }),
        )?;
        Ok(claim)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // The namespace goes with its claims; a volume belongs to none.
        self.namespace.delete(&format!("/api/v1/persistentvolumes/{}", self.volume)).ok();
    }
}
