//! What is the value of `{{tasks.a.outputs.parameters.x}}` at a place in a template?

use std::collections::BTreeMap;

use argo::{NodePhase, NodeType};
use serde_json::{Value, json};

use super::operation::{Frame, Operation, Site};
use crate::{
    node::{Attempt, Node},
    program::{Body, Callable},
    state::ConfigMapKey,
    status::time_text,
    substitute::{substitute, tags},
};

/// The characters that Go's JSON encoder escapes although JSON does not require it.
const GO_ESCAPES: [(char, &str); 5] = [
    ('<', "\\u003c"),
    ('>', "\\u003e"),
    ('&', "\\u0026"),
    ('\u{2028}', "\\u2028"),
    ('\u{2029}', "\\u2029"),
];

/// The values at one place.
#[derive(Clone, Copy)]
pub(super) struct Values<'v> {
    operation: &'v Operation<'v>,
    inputs: &'v [(String, String)],
    locals: &'v [(String, String)],
    calls: Option<&'v Frame>,
    item: Option<&'v Value>,
}

impl<'v> Values<'v> {
    /// Starts with the run's values and the inputs of the template.
    pub(super) fn of(operation: &'v Operation<'_>, inputs: &'v [(String, String)]) -> Self {
        Self { operation, inputs, locals: &[], calls: None, item: None }
    }

    /// Adds the values of the node itself.
    pub(super) fn with_locals(self, locals: &'v [(String, String)]) -> Self {
        Self { locals, ..self }
    }

    /// Adds the values of the calls of a DAG or steps node.
    pub(super) fn with_calls(self, frame: &'v Frame) -> Self {
        Self { calls: Some(frame), ..self }
    }

    /// Adds the item of a loop.
    pub(super) fn with_item(self, item: Option<&'v Value>) -> Self {
        Self { item, ..self }
    }

    /// Replaces the tags in a text by their values; a tag without a value is kept.
    pub(super) fn fill(&self, text: &str) -> String {
        substitute(text, &|tag| self.get(tag))
    }

    /// Replaces the tags in a text by their values; fails at the first tag without a value.
    pub(super) fn fill_whole(&self, text: &str) -> Result<String, String> {
        match tags(text).find(|tag| self.get(tag).is_none()) {
            Some(tag) => Err(format!("failed to resolve {{{{{tag}}}}}")),
            None => Ok(self.fill(text)),
        }
    }

    /// Returns one value.
    pub(super) fn get(&self, tag: &str) -> Option<String> {
        if let Some((_, value)) = self.locals.iter().find(|(name, _)| name == tag) {
            return Some(value.clone());
        }
        let (start, rest) = tag.split_once('.').unwrap_or((tag, ""));
        match start {
            "workflow" => self.of_run(rest),
            "inputs" if rest == "parameters" => {
                let list: Vec<Value> = self
                    .inputs
                    .iter()
                    .map(|(name, value)| json!({"name": name, "value": value}))
                    .collect();
                Some(Value::Array(list).to_string())
            }
            "inputs" => {
                let name = rest.strip_prefix("parameters.")?;
                let (_, value) = self.inputs.iter().find(|(known, _)| known == name)?;
                Some(value.clone())
            }
            "tasks" | "steps" => {
                let (call, what) = rest.split_once('.')?;
                self.of_call(call, what)
            }
            "item" if rest.is_empty() => Some(whole_item(self.item?)),
            "item" => Some(item_text(self.item?.as_object()?.get(rest)?)),
            _ => None,
        }
    }

    fn of_run(&self, what: &str) -> Option<String> {
        let Operation { program, state, status, .. } = self.operation;
        let identity = &state.identity;
        let (start, rest) = what.split_once('.').unwrap_or((what, ""));
        match (start, rest) {
            ("name", "") => Some(identity.name.clone()),
            ("namespace", "") => Some(program.namespace.clone()),
            ("uid", "") => Some(identity.uid.clone()),
            ("serviceAccountName", "") => Some(program.service_account.clone()),
            ("creationTimestamp", "") => Some(time_text(identity.created_at)),
            ("mainEntrypoint", "") => {
                Some(program.template(program.entrypoint)?.template.name.clone())
            }
            ("status", "") => Some(status.clone()),
            ("failures", "") => Some(self.failures()),
            ("parameters", "") => serde_json::to_string(&program.arguments).ok(),
            ("parameters", name) => {
                let argument = program.arguments.iter().find(|argument| argument.name == name);
                if argument.is_none() && name == "json" {
                    return serde_json::to_string(&program.arguments).ok();
                }
                let argument = argument?;
                if argument.value.is_some() {
                    return argument.value.clone();
                }
                let from = argument.value_from.as_ref()?;
                let key = from.config_map_key_ref.as_ref()?;
                let key = ConfigMapKey { name: key.name.clone(), key: key.key.clone() };
                program.config_map_entry(&key, state).or(from.default.as_ref()).cloned()
            }
            ("labels", name) => program.labels.get(name).cloned(),
            ("annotations", name) => program.annotations.get(name).cloned(),
            ("outputs", name) => state.exported.get(name.strip_prefix("parameters.")?).cloned(),
            _ => None,
        }
    }

    /// The failed nodes as JSON in a JSON text, as Argo has it.
    fn failures(&self) -> String {
        let failed: Vec<Value> = self
            .operation
            .state
            .nodes
            .values()
            .filter(|node| node.phase.is_failure())
            .map(|node| {
                json!({
                    "displayName": node.display_name,
                    "message": node.message.clone().unwrap_or_default(),
                    "templateName": node.template,
                    "phase": node.phase,
                    "podName": node.pod.as_ref().map(|pod| pod.name.clone()).unwrap_or_default(),
                    "finishedAt": node.finished_at.map(time_text),
                })
            })
            .collect();
        Value::String(Value::Array(failed).to_string()).to_string()
    }

    fn of_call(&self, call: &str, what: &str) -> Option<String> {
        let node_name = self.call_node_name(call)?;
        let Some(node) = self.operation.node(&node_name) else {
            return self.of_items(&node_name, what);
        };
        // As in Argo, a loop has the outputs of its items, and nothing else by its name.
        if node.kind == NodeType::TaskGroup {
            return self.of_items(&node_name, what);
        }
        // The outputs of a retry node are those of its last attempt.
        let attempts =
            if node.kind == NodeType::Retry { self.operation.attempts(node) } else { vec![] };
        let node = attempts.last().copied().unwrap_or(node);
        match what {
            "id" => Some(node.id.clone()),
            "startedAt" => Some(time_text(node.started_at)),
            "finishedAt" => node.finished_at.map(time_text),
            "status" => Some(node.phase.to_string()),
            "exitCode" => node.outputs.exit_code.clone(),
            "outputs.result" => node.outputs.result.clone(),
            _ => {
                let name = what.strip_prefix("outputs.parameters.")?;
                let output = node.outputs.parameters.iter().find(|output| output.name == name)?;
                output.value.clone()
            }
        }
    }

    fn call_node_name(&self, call: &str) -> Option<String> {
        let frame = self.calls?;
        match &self.operation.program.template(frame.template)?.body {
            Body::Dag(_) => Some(format!("{}.{call}", frame.name)),
            Body::Steps(groups) => {
                let group =
                    groups.iter().position(|group| group.iter().any(|step| step.name == call))?;
                Some(format!("{}[{group}].{call}", frame.name))
            }
            Body::Container(_) | Body::Resource(_) | Body::Suspend { .. } => None,
        }
    }

    /// Returns why the results of a loop cannot form a list: in Argo each must be JSON.
    pub(super) fn unreadable_result(&self, call: &str) -> Option<String> {
        let holder = self.operation.program.template(self.calls?.template)?;
        if !holder.results.contains(call) {
            return None;
        }
        let items = self.items_of_loop(&self.call_node_name(call)?)?;
        let results = items.iter().filter_map(|node| node.outputs.result.as_deref());
        let broken = results.map(serde_json::from_str::<Value>).find_map(Result::err)?;
        Some(format!("a result of the loop `{call}` is not JSON: {broken}"))
    }

    /// The nodes of a loop's items that succeeded, in order; `None` when there is no item.
    fn items_of_loop(&self, group: &str) -> Option<Vec<&'v Node>> {
        let frame = self.calls?;
        let prefix = format!("{group}(");
        let mut items: Vec<(usize, &Node)> = self
            .operation
            .state
            .nodes
            .values()
            .filter(|node| {
                node.boundary.as_ref() == Some(&frame.id)
                    && node.attempt == Attempt::Only
                    && node.kind != NodeType::Skipped
            })
            .filter_map(|node| {
                let (number, _) = node.name.strip_prefix(&prefix)?.split_once(':')?;
                Some((number.parse().ok()?, node))
            })
            .collect();
        if items.is_empty() {
            return None;
        }
        items.sort_by_key(|(number, _)| *number);
        let nodes = items.into_iter().map(|(_, node)| node);
        Some(nodes.filter(|node| node.phase == NodePhase::Succeeded).collect())
    }

    /// Returns the outputs of all items of a loop, as JSON lists.
    fn of_items(&self, group: &str, what: &str) -> Option<String> {
        let items = self.items_of_loop(group)?;
        let succeeded = items.into_iter();
        let list: Vec<Value> = match what {
            // A result that is not JSON has ended the node before.
            "outputs.result" => succeeded
                .filter_map(|node| serde_json::from_str(node.outputs.result.as_deref()?).ok())
                .collect(),
            "outputs.parameters" => succeeded
                .filter(|node| !node.outputs.parameters.is_empty())
                .map(|node| {
                    let outputs = node.outputs.parameters.iter();
                    outputs.map(|output| (output.name.clone(), json!(output.value))).collect()
                })
                .map(Value::Object)
                .collect(),
            _ => {
                let name = what.strip_prefix("outputs.parameters.")?;
                let texts: Vec<&String> = succeeded
                    .filter_map(|node| {
                        let outputs = &node.outputs.parameters;
                        outputs.iter().find(|output| output.name == name)?.value.as_ref()
                    })
                    .collect();
                objects_or_texts(&texts)
            }
        };
        Some(Value::Array(list).to_string())
    }
}

/// Returns the texts as JSON values if all are objects or lists, else as texts.
fn objects_or_texts(texts: &[&String]) -> Vec<Value> {
    let read = |text: &&String| {
        let value: Value = serde_json::from_str(text).ok()?;
        (value.is_object() || value.is_array()).then_some(value)
    };
    texts
        .iter()
        .map(read)
        .collect::<Option<Vec<Value>>>()
        .unwrap_or_else(|| texts.iter().map(|text| json!(text)).collect())
}

/// Returns a scalar item, or a part of an item, as text. As in Argo, that is its JSON without the
/// quotes around it: a quote or line break in it stays escaped.
pub(super) fn item_text(item: &Value) -> String {
    let json = item.to_string();
    let body = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    body.map(str::to_owned).unwrap_or(json)
}

/// Returns an item as text. The fields of an object are sorted by name, and Go
/// escapes the characters that HTML would misread.
fn whole_item(item: &Value) -> String {
    let json = match item {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            json!(sorted).to_string()
        }
        Value::Array(_) => item.to_string(),
        _ => return item_text(item),
    };
    let escape =
        |text: String, (character, escaped): &(char, &str)| text.replace(*character, escaped);
    GO_ESCAPES.iter().fold(json, escape)
}

impl Operation<'_> {
    /// Returns the values of a node itself; `attempts` are those of its retry node.
    pub(super) fn locals(
        &self,
        name: &str,
        callable: &Callable,
        site: Site<'_>,
        attempts: &[(&str, String)],
    ) -> Vec<(String, String)> {
        let mut locals = vec![
            ("node.name".to_owned(), name.to_owned()),
            ("tasks.name".to_owned(), site.call.to_owned()),
            ("steps.name".to_owned(), site.call.to_owned()),
        ];
        if callable.body.is_pod() {
            locals.push(("pod.name".to_owned(), self.pod_name(name, callable)));
        }
        locals.extend(attempts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        locals
    }
}
