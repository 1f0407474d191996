//! A namespace of a real cluster for one test, and plain requests to its API server.
//!
//! Nothing of the product is in the way: what a test makes and reads goes through these requests.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::eventually::{Observed, eventually};

/// The variable that names the kubeconfig of the cluster for tests.
pub const KUBECONFIG: &str = "ARGOSY_TEST_KUBECONFIG";

/// A namespace that lives as long as this value.
pub struct Namespace {
    runtime: Runtime,
    client: Client,
    /// Its name.
    pub name: String,
    /// The kubeconfig file of the cluster.
    pub kubeconfig: String,
}

impl Namespace {
    /// Makes a namespace whose name begins with `prefix`.
    pub fn new(prefix: &str) -> Result<Self> {
        let kubeconfig = std::env::vars()
            .find(|(name, _)| name == KUBECONFIG)
            .map(|(_, value)| value)
            .with_context(|| format!("{KUBECONFIG} names no kubeconfig of a cluster for tests"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(async {
            let read = Kubeconfig::read_from(&kubeconfig)?;
            let options = KubeConfigOptions::default();
            anyhow::Ok(Client::try_from(Config::from_custom_kubeconfig(read, &options).await?)?)
        })?;
        let mut namespace = Self { runtime, client, name: String::new(), kubeconfig };
        let made = namespace.create(
            "/api/v1/namespaces",
            &json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": { "generateName": format!("{prefix}-") },
            }),
        )?;
        let name = made["metadata"]["name"].as_str().context("a namespace has a name")?;
        name.clone_into(&mut namespace.name);
        namespace.await_account()?;
        Ok(namespace)
    }

    /// Waits for the account that pods have when they name none: until it is there, they are
    /// refused.
    fn await_account(&self) -> Result<()> {
        let path = self.path("/api/v1", "serviceaccounts/default");
        eventually("the namespace's default account", Duration::from_mins(1), || {
            Ok(match self.get(&path) {
                Ok(_) => Observed::Done(()),
                Err(error) => Observed::NotYet(format!("{error:#}")),
            })
        })
    }

    /// The path of a collection in this namespace: `/apis/batch/v1` and `jobs`.
    pub fn path(&self, api: &str, resource: &str) -> String {
        format!("{api}/namespaces/{}/{resource}", self.name)
    }

    /// Gives the account that pods have when they name none what Argo's executor needs, and what
    /// else the rules allow.
    pub fn allow_pods(&self, more: Vec<Value>) -> Result<()> {
        let group = "rbac.authorization.k8s.io";
        let api = format!("{group}/v1");
        let report = json!({
            "apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        });
        let rules: Vec<Value> = std::iter::once(report).chain(more).collect();
        self.create(
            &self.path(&format!("/apis/{api}"), "roles"),
            &json!({
                "apiVersion": api, "kind": "Role", "metadata": { "name": "executor" },
                "rules": rules,
            }),
        )?;
        self.create(
            &self.path(&format!("/apis/{api}"), "rolebindings"),
            &json!({
                "apiVersion": api, "kind": "RoleBinding", "metadata": { "name": "executor" },
                "roleRef": { "apiGroup": group, "kind": "Role", "name": "executor" },
                "subjects": [{ "kind": "ServiceAccount", "name": "default" }],
            }),
        )?;
        Ok(())
    }

    /// Makes an object.
    pub fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.send("POST", path, Some(("application/json", object)))
    }

    /// Reads an object or a list.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, None)
    }

    /// Changes fields of an object.
    pub fn merge(&self, path: &str, change: &Value) -> Result<Value> {
        self.send("PATCH", path, Some(("application/merge-patch+json", change)))
    }

    /// Changes an object by a JSON patch.
    pub fn patch(&self, path: &str, operations: &Value) -> Result<Value> {
        self.send("PATCH", path, Some(("application/json-patch+json", operations)))
    }

    /// Applies an object on the server's side, where an unknown field is an error. The path ends
    /// with the object's name; `and` is more of the query, such as `&dryRun=All`.
    pub fn apply(&self, path: &str, object: &Value, and: &str) -> Result<Value> {
        let path = format!("{path}?fieldManager=tests&fieldValidation=Strict{and}");
        self.send("PATCH", &path, Some(("application/apply-patch+yaml", object)))
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.send("DELETE", path, None)
    }

    fn send(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> Result<Value> {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let body = body.map(|(_, value)| value.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(body)?;
        let answered = self.runtime.block_on(self.client.request(request));
        answered.with_context(|| format!("{method} {path}"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        // Nothing is left to be done when the cluster is gone already.
        self.delete(&format!("/api/v1/namespaces/{}", self.name)).ok();
    }
}
