//! A workflow of two gates with a step between them, on a real Argo, and the product's programs
//! to steer it.
//!
//! It is of the shape that the compiler emits, with steps of a shell in place of ours, so that each
//! test takes seconds:
//!
//! ```text
//! first -> one-a-b (gate) -> second -> two-a-b (gate)        on exit: leave
//! ```

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    argosy::{Argosy, Done, run},
    eventually::{Observed, eventually},
    namespace::Namespace,
};

/// Where the API has Argo's objects.
pub const ARGO: &str = "/apis/argoproj.io/v1alpha1";

const WITHIN: Duration = Duration::from_mins(2);

/// What the steps do, as commands of a shell.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// The one before the first gate.
    pub first: &'a str,
    /// The one between the gates.
    pub second: &'a str,
    /// What runs at the end, however it came.
    pub leave: &'a str,
}

impl Default for Steps<'_> {
    fn default() -> Self {
        Self {
            first: "echo the first says hello",
            second: "echo the second says hello",
            leave: "echo leaving",
        }
    }
}

/// The product's programs with a namespace to work in.
pub struct Gated {
    /// The programs.
    pub argosy: Argosy,
    /// The namespace.
    pub namespace: Namespace,
}

impl Gated {
    /// Makes a namespace in which steps may run.
    pub fn new() -> Result<Self> {
        let gated = Self { argosy: Argosy::new()?, namespace: Namespace::new("argosy-cli")? };
        gated.namespace.allow_pods(Vec::new())?;
        Ok(gated)
    }

    /// Runs `workflow` to its end.
    pub fn workflow(&self, arguments: &[&str]) -> Result<Done> {
        run(&mut self.command(&self.namespace.kubeconfig, arguments))
    }

    /// Runs `workflow` with another kubeconfig.
    pub fn workflow_with(&self, kubeconfig: &str, arguments: &[&str]) -> Result<Done> {
        run(&mut self.command(kubeconfig, arguments))
    }

    /// A command of `workflow` for the namespace.
    pub fn command(&self, kubeconfig: &str, arguments: &[&str]) -> Command {
        let namespace = self.namespace.name.as_str();
        let engine = ["--engine", "argo", "--namespace", namespace, "--kubeconfig", kubeconfig];
        self.argosy.workflow(arguments.iter().chain(&engine))
    }

    /// Starts the workflow.
    pub fn start(&self, name: &str) -> Result<()> {
        self.start_with(name, Steps::default())
    }

    /// Starts the workflow with steps of one's own.
    pub fn start_with(&self, name: &str, steps: Steps<'_>) -> Result<()> {
        let gate = |gate: &str| {
            json!({
                "name": gate,
                "inputs": { "parameters": [{
                    "name": "decision",
                    "valueFrom": {
                        "default": "pending",
                        "configMapKeyRef": {
                            "name": "{{workflow.name}}-decisions", "key": gate, "optional": true,
                        },
                    },
                }]},
                "steps": [[{
                    "name": gate, "template": "wait",
                    "when": "\"{{inputs.parameters.decision}}\" != \"approved\"",
                }]],
            })
        };
        self.run(
            name,
            &json!({
                "entrypoint": "main", "onExit": "leave",
                "templates": [
                    { "name": "main", "dag": { "tasks": [
                        { "name": "first", "template": "first" },
                        { "name": "gate-one", "template": "one-a-b", "depends": "first" },
                        { "name": "second", "template": "second", "depends": "gate-one" },
                        { "name": "gate-two", "template": "two-a-b", "depends": "second" },
                    ]}},
                    gate("one-a-b"), gate("two-a-b"),
                    { "name": "wait", "suspend": {} },
                    step("first", steps.first),
                    step("second", steps.second),
                    step("leave", steps.leave),
                ],
            }),
        )
    }

    /// Starts a workflow of any shape, as ours are started: from a template, and labelled.
    pub fn run(&self, name: &str, spec: &Value) -> Result<()> {
        self.namespace.create(
            &self.namespace.path(ARGO, "workflowtemplates"),
            &json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
                "metadata": { "name": name, "labels": { "argosy.dev/workflow": name } },
                "spec": spec,
            }),
        )?;
        self.namespace.create(
            &self.namespace.path(ARGO, "workflows"),
            &json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
                "metadata": {
                    "name": name,
                    "labels": { "app.kubernetes.io/part-of": "argosy", "argosy.dev/workflow": name },
                },
                "spec": { "workflowTemplateRef": { "name": name } },
            }),
        )?;
        Ok(())
    }

    /// What `workflow status` says.
    pub fn status(&self, name: &str) -> Result<Value> {
        let done = self.workflow(&["status", name, "--output", "json"])?;
        ensure!(done.code == Some(0), "{done:?}");
        done.json()
    }

    /// Waits until a status is as wanted.
    pub fn until(&self, name: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(&format!("the status of `{name}` that is wanted"), WITHIN, || {
            let status = self.status(name)?;
            Ok(Observed::when(is_so(&status), status, |status| format!("{status:#}")))
        })
    }

    /// Waits until a gate waits.
    pub fn until_at(&self, name: &str, gate: &str) -> Result<Value> {
        self.until(name, |status| gate_of(status, gate)["state"] == "waiting")
    }

    /// Waits for the end.
    pub fn until_ended(&self, name: &str) -> Result<Value> {
        self.until(name, |status| status["finishedAt"].is_string())
    }
}

/// A template that runs a command of a shell.
pub fn step(name: &str, command: &str) -> Value {
    json!({
        "name": name,
        "container": {
            "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/busybox", "sh", "-c"], "args": [command],
        },
    })
}

/// A gate in a status; null when there is none.
pub fn gate_of(status: &Value, gate: &str) -> Value {
    let gates = status["gates"].as_array().cloned().unwrap_or_default();
    gates.into_iter().find(|known| known["name"] == gate).unwrap_or_default()
}

/// A node in a status, by the name that is shown; null when there is none.
pub fn node_of(status: &Value, node: &str) -> Value {
    let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
    nodes.into_iter().find(|known| known["displayName"] == node).unwrap_or_default()
}

/// The phase of a node in a status.
pub fn phase_of(status: &Value, node: &str) -> String {
    node_of(status, node)["phase"].as_str().unwrap_or_default().to_owned()
}
