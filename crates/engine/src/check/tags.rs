//! Can every `{{...}}` have a value at its place?

use std::collections::{BTreeMap, BTreeSet};

use argo::Template;
use serde_json::Value;

use crate::{
    check::scope::Scope,
    program::{Body, Call, Expansion},
    refusal::Refusals,
    substitute::tags,
};

/// What the tags at a place may name.
struct Known<'a> {
    /// Inputs of the template.
    inputs: BTreeSet<&'a str>,
    /// Parameters of the run.
    arguments: BTreeSet<&'a str>,
    /// Files of the outputs.
    outputs: BTreeSet<&'a str>,
    /// Outputs that become parameters of the run.
    exported: &'a BTreeSet<&'a str>,
}

/// What else may be named, beside inputs and the run's own values.
enum Place<'a> {
    /// Nothing.
    Inputs,
    /// The pod.
    Leaf,
    /// Calls that ended before.
    Call { word: &'static str, before: &'a BTreeSet<String>, item: Item },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    None,
    Given,
}

/// Values of the run.
const WORKFLOW: [&str; 9] = [
    "workflow.name",
    "workflow.namespace",
    "workflow.uid",
    "workflow.serviceAccountName",
    "workflow.creationTimestamp",
    "workflow.mainEntrypoint",
    "workflow.status",
    "workflow.failures",
    "workflow.parameters",
];

/// Values of a pod and of its attempts.
const LEAF: [&str; 8] = [
    "pod.name",
    "node.name",
    "tasks.name",
    "steps.name",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.message",
];

/// Checks all tags of a template.
pub(crate) fn check(template: &Template, body: &Body, scope: &Scope<'_>, refusals: &mut Refusals) {
    let known = Known {
        inputs: template
            .inputs
            .iter()
            .flat_map(|inputs| inputs.parameters.iter().map(|input| input.name.as_str()))
            .collect(),
        arguments: scope.spec.arguments.iter().map(|argument| argument.name.as_str()).collect(),
        outputs: template
            .outputs
            .iter()
            .flat_map(|outputs| outputs.parameters.iter().map(|output| output.name.as_str()))
            .collect(),
        exported: scope.exported,
    };
    let Ok(Value::Object(fields)) = serde_json::to_value(template) else { return };
    let (word, all) = match body {
        Body::Dag(dag) => ("tasks", dag.tasks.iter().map(|task| task.call.name.clone()).collect()),
        Body::Steps(groups) => {
            ("steps", groups.iter().flatten().map(|call| call.name.clone()).collect())
        }
        Body::Container(_) | Body::Resource(_) | Body::Suspend { .. } => ("", BTreeSet::new()),
    };
    let mut walk = Walk { known: &known, refusals };
    for (field, value) in &fields {
        let path = scope.at(field);
        match (field.as_str(), body) {
            ("inputs", _) => walk.visit(value, &path, &Place::Inputs),
            ("outputs", Body::Dag(_) | Body::Steps(_)) => {
                let place = Place::Call { word, before: &all, item: Item::None };
                walk.visit(value, &path, &place);
            }
            ("dag", Body::Dag(dag)) => {
                let before = ancestors(dag);
                let tasks = value.get("tasks").and_then(Value::as_array);
                for (position, value) in tasks.into_iter().flatten().enumerate() {
                    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
                    let Some(task) = dag.task(name) else { continue };
                    let Some(before) = before.get(name) else { continue };
                    let place = Place::Call { word, before, item: item(&task.call) };
                    walk.visit(value, &format!("{path}.tasks[{position}]"), &place);
                }
            }
            ("steps", Body::Steps(groups)) => {
                let mut before = BTreeSet::new();
                let rows = value.as_array().into_iter().flatten();
                for (row, (value, calls)) in rows.zip(groups).enumerate() {
                    let steps = value.as_array().into_iter().flatten();
                    for (column, (value, call)) in steps.zip(calls).enumerate() {
                        let place = Place::Call { word, before: &before, item: item(call) };
                        walk.visit(value, &format!("{path}[{row}][{column}]"), &place);
                    }
                    before.extend(calls.iter().map(|call| call.name.clone()));
                }
            }
            _ => walk.visit(value, &path, &Place::Leaf),
        }
    }
}

fn item(call: &Call) -> Item {
    if matches!(call.expansion, Expansion::Once) { Item::None } else { Item::Given }
}

/// Returns the calls whose `outputs.result` a template uses.
pub(crate) fn results(template: &Template) -> BTreeSet<String> {
    let Ok(text) = serde_json::to_string(template) else { return BTreeSet::new() };
    let call = |tag: &str| {
        let (_, rest) = tag.split_once('.')?;
        rest.strip_suffix(".outputs.result").map(str::to_owned)
    };
    tags(&text).filter_map(call).collect()
}

/// Returns the names that outputs have for the whole run. As in Argo, those of a template that no
/// task or step calls are not among them.
pub(crate) fn exported<'a>(written: &[&'a Template]) -> BTreeSet<&'a str> {
    let called: BTreeSet<&str> = written
        .iter()
        .flat_map(|template| {
            let tasks = template.dag.iter().flat_map(|dag| &dag.tasks);
            let tasks = tasks.map(|task| (&task.template, &task.template_ref));
            let steps = template.steps.iter().flatten().flatten();
            tasks.chain(steps.map(|step| (&step.template, &step.template_ref)))
        })
        .filter_map(|(template, reference)| {
            let elsewhere = reference.as_ref().map(|reference| &reference.template);
            template.as_ref().or(elsewhere)
        })
        .map(String::as_str)
        .collect();
    written
        .iter()
        .filter(|template| called.contains(template.name.as_str()))
        .flat_map(|template| &template.outputs)
        .flat_map(|outputs| &outputs.parameters)
        .filter_map(|output| output.global_name.as_deref())
        .collect()
}

/// The tasks that have ended when a task starts, by task.
fn ancestors(dag: &crate::program::Dag) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for task in &dag.tasks {
        let mut before = BTreeSet::new();
        for dependency in &task.dependencies {
            before.extend(known.get(dependency).into_iter().flatten().cloned());
            before.insert(dependency.clone());
        }
        known.insert(task.call.name.clone(), before);
    }
    known
}

struct Walk<'a> {
    known: &'a Known<'a>,
    refusals: &'a mut Refusals,
}

impl Walk<'_> {
    fn visit(&mut self, value: &Value, path: &str, place: &Place<'_>) {
        match value {
            Value::String(text) => {
                for tag in tags(text) {
                    if let Err(problem) = self.known.check(tag, place) {
                        self.refusals.add(path, problem);
                    }
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.visit(item, &format!("{path}[{position}]"), place);
                }
            }
            Value::Object(fields) => {
                for (field, value) in fields {
                    self.visit(value, &format!("{path}.{field}"), place);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Known<'_> {
    fn check(&self, tag: &str, place: &Place<'_>) -> Result<(), String> {
        if tag.starts_with('=') {
            return Err(format!("the expression `{{{{{tag}}}}}` is not supported here"));
        }
        let is_known = self.is_of_run(tag)
            || match place {
                Place::Inputs => LEAF.contains(&tag),
                Place::Leaf => self.is_input(tag) || LEAF.contains(&tag) || self.is_file(tag),
                Place::Call { word, before, item } => {
                    self.is_input(tag)
                        || LEAF.contains(&tag)
                        || is_of_call(tag, word, before)
                        || (*item == Item::Given && (tag == "item" || tag.starts_with("item.")))
                }
            };
        if is_known { Ok(()) } else { Err(format!("`{{{{{tag}}}}}` has no value here")) }
    }

    fn is_of_run(&self, tag: &str) -> bool {
        let is_prefixed = ["workflow.labels.", "workflow.annotations."]
            .iter()
            .any(|prefix| tag.starts_with(prefix));
        let is_exported = tag
            .strip_prefix("workflow.outputs.parameters.")
            .is_some_and(|name| self.exported.contains(name));
        let argument = tag.strip_prefix("workflow.parameters.");
        WORKFLOW.contains(&tag)
            || is_prefixed
            || is_exported
            || argument.is_some_and(|name| name == "json" || self.arguments.contains(name))
    }

    fn is_input(&self, tag: &str) -> bool {
        let name = tag.strip_prefix("inputs.parameters.");
        tag == "inputs.parameters" || name.is_some_and(|name| self.inputs.contains(name))
    }

    fn is_file(&self, tag: &str) -> bool {
        let name =
            tag.strip_prefix("outputs.parameters.").and_then(|tag| tag.strip_suffix(".path"));
        name.is_some_and(|name| self.outputs.contains(name))
    }
}

fn is_of_call(tag: &str, word: &str, before: &BTreeSet<String>) -> bool {
    let Some(rest) = tag.strip_prefix(word).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let Some((name, what)) = rest.split_once('.') else { return false };
    before.contains(name)
        && ([
            "status",
            "exitCode",
            "id",
            "startedAt",
            "finishedAt",
            "outputs.result",
            "outputs.parameters",
        ]
        .contains(&what)
            || what.starts_with("outputs.parameters."))
}
