//! `workflow show`: what a step was asked and what it gave; and the manifests of a run.
//!
//! ```text
//! workflow show                       every step and gate, by the name to type
//! workflow show evaluate-metadata     that step, of every group
//! workflow show 'shop.*'              all of a group
//! workflow show --manifest            what was submitted, as it is kept where it runs
//! ```

use std::collections::{BTreeMap, BTreeSet};

use contract::Exit;
use globset::{GlobBuilder, GlobMatcher};
use runs::{Backend, is_at_or_below, workflow_flag};
use serde_json::{Value, json};

use super::status;
use crate::{
    args::{Format, Show},
    output::{self, failure},
    view::{
        answer, gate,
        look::Look,
        plain::plain,
        snapshot::{Node, Snapshot},
    },
};

/// Runs `workflow show`.
pub(crate) fn run(backend: &dyn Backend, flags: &Show, format: Format) -> anyhow::Result<Exit> {
    let run = backend.run(&flags.workflow_name)?;
    if flags.manifest {
        manifests(&backend.manifests(&run)?, format)?;
        return Ok(Exit::Done);
    }
    let look = status::look(backend, &run)?;
    let snapshot = Snapshot::of(run, &look);
    let nodes: Vec<&Node> = snapshot.nodes.iter().skip(1).collect();
    if flags.names.is_empty() {
        list(&look.name, &nodes, format)?;
        return Ok(Exit::Done);
    }
    let chosen = chosen(&look.name, &nodes, &flags.names)?;
    let details: Vec<Detail<'_>> =
        chosen.iter().map(|node| Detail { node, requests: requests(&look, &node.name) }).collect();
    match format {
        Format::Json => {
            let objects: Vec<Value> =
                details.iter().map(|detail| detail.json(&look.name)).collect();
            output::json(&objects)?;
        }
        Format::Text => {
            let texts: Vec<String> = details.iter().map(|detail| detail.text(&look.name)).collect();
            output::result(&texts.join("\n"))?;
        }
    }
    Ok(Exit::Done)
}

fn manifests(objects: &[Value], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(&json!({ "apiVersion": "v1", "kind": "List", "items": objects }));
    }
    let documents = objects.iter().map(argo::yaml::write).collect::<Result<Vec<_>, _>>()?;
    output::plain(&documents.join("---\n"))
}

/// Returns the name that a person types: the path below the workflow.
fn short<'a>(workflow: &str, node: &'a Node) -> &'a str {
    let below = node.name.strip_prefix(workflow).and_then(|rest| rest.strip_prefix('.'));
    below.unwrap_or(&node.name)
}

fn list(workflow: &str, nodes: &[&Node], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        let objects: Vec<Value> = nodes.iter().map(|node| summary(workflow, node)).collect();
        return output::json(&objects);
    }
    let width = nodes.iter().map(|node| short(workflow, node).chars().count()).max().unwrap_or(0);
    for node in nodes {
        output::result(&format!("{:width$}  {}", short(workflow, node), node.line))?;
    }
    let last = nodes.iter().rev().find(|node| !node.outputs.is_empty());
    if let Some(node) = last.or_else(|| nodes.first()) {
        let name = short(workflow, node);
        output::hint(&format!("workflow show {name}{}", workflow_flag(workflow)));
    }
    Ok(())
}

/// Returns the nodes that the names and globs mean, in the order of the tree.
fn chosen<'a>(
    workflow: &str,
    nodes: &[&'a Node],
    names: &[String],
) -> anyhow::Result<Vec<&'a Node>> {
    let mut wanted = BTreeSet::new();
    for name in names {
        let glob = GlobBuilder::new(name)
            .build()
            .map_err(|error| failure(Exit::Invalid, format!("`{name}` is not a glob: {error}")))?
            .compile_matcher();
        let before = wanted.len();
        let meant = nodes.iter().enumerate().filter(|(_, node)| means(&glob, name, workflow, node));
        let positions: Vec<usize> = meant.map(|(position, _)| position).collect();
        if positions.is_empty() && wanted.len() == before {
            let message = format!(
                "there is no step or gate `{name}`; `workflow show{}` lists them",
                workflow_flag(workflow)
            );
            return Err(failure(Exit::NotFound, message));
        }
        wanted.extend(positions);
    }
    Ok(wanted.into_iter().filter_map(|position| nodes.get(position).copied()).collect())
}

/// Returns whether a name or glob means a node: by its path, the end of it, or its title.
fn means(glob: &GlobMatcher, name: &str, workflow: &str, node: &Node) -> bool {
    let path = short(workflow, node);
    let last = path.rsplit('.').next().unwrap_or(path);
    let ends = path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    ends || node.title == *name
        || node.name == *name
        || [path, last, &node.title].iter().any(|text| glob.is_match(text))
}

/// Returns what a step was asked, and the processes that it is made of: a heading and JSON. Tries
/// of one process were asked the same, which is said once.
fn requests(look: &Look, name: &str) -> Vec<(String, String)> {
    let by_name: BTreeMap<&str, _> =
        look.status.nodes.values().map(|node| (node.name.as_str(), node)).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for (other, node) in by_name.range(name..).take_while(|(other, _)| other.starts_with(name)) {
        if !is_at_or_below(name, other) {
            continue;
        }
        for parameter in node.inputs.iter().flat_map(|inputs| &inputs.parameters) {
            let Some(value) = parameter.value.as_ref().filter(|_| parameter.name == "request")
            else {
                continue;
            };
            if !found.iter().any(|(_, known)| known == value) {
                let is_it = *other == name;
                let of = if is_it { String::new() } else { format!(" of {}", node.display_name) };
                found.push((format!("request{of}"), value.clone()));
            }
        }
    }
    found
}

fn summary(workflow: &str, node: &Node) -> Value {
    json!({
        "name": short(workflow, node),
        "displayName": node.title,
        "phase": node.phase.as_str(),
        "message": node.message,
        "startedAt": node.started_at.map(|at| at.to_string()),
        "finishedAt": node.finished_at.map(|at| at.to_string()),
        "retries": node.retries,
    })
}

/// All that is known of a node.
struct Detail<'a> {
    node: &'a Node,
    requests: Vec<(String, String)>,
}

impl Detail<'_> {
    fn json(&self, workflow: &str) -> Value {
        let Self { node, requests } = self;
        let values = |entries: &[(String, String)]| {
            let parsed = entries.iter().map(|(heading, value)| {
                let parsed: Option<Value> = serde_json::from_str(value).ok();
                let value = parsed.unwrap_or_else(|| value.as_str().into());
                json!({ "name": heading, "value": value })
            });
            Value::Array(parsed.collect())
        };
        let mut object = summary(workflow, node);
        object["requests"] = values(requests);
        object["outputs"] = values(&node.outputs);
        object["gate"] = json!(node.gate);
        object["commands"] = json!(node.commands);
        object
    }

    fn text(&self, workflow: &str) -> String {
        let Self { node, requests } = self;
        let mut lines = vec![node.line.clone(), format!("  Node: {}", short(workflow, node))];
        for (word, at) in [("Started", node.started_at), ("Ended", node.finished_at)] {
            lines.extend(at.map(|at| format!("  {word}: {at}")));
        }
        lines.extend(node.message.as_ref().map(|message| format!("  Message: {message}")));
        lines.extend(node.gate.as_ref().map(|it| format!("  Gate: {}", plain(&gate::story(it)))));
        for (heading, value) in requests.iter().chain(&node.outputs) {
            lines.push(format!("  {}:", plain(heading)));
            lines.extend(answer::readable(value).into_iter().map(|line| format!("    {line}")));
        }
        if !node.commands.is_empty() {
            lines.push("  To type:".to_owned());
            lines.extend(node.commands.iter().map(|command| format!("    {command}")));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use argo::{Inputs, NodePhase, NodeStatus, NodeType, Parameter, WorkflowStatus};

    use super::*;
    use runs::Branch;

    fn look() -> Look {
        let branch = |name: &str, title: &str| Branch {
            name: format!("w.a-to-b.{name}"),
            title: title.to_owned(),
            kind: NodeType::Retry,
            phase: NodePhase::Succeeded,
            message: None,
            progress: None,
            retries: 0,
            branches: Vec::new(),
        };
        let node = |name: &str, request: &str| {
            let parameters = vec![Parameter::new("request", request), Parameter::new("task", "x")];
            let node = NodeStatus {
                id: name.to_owned(),
                name: format!("w.a-to-b.{name}"),
                display_name: name.rsplit('.').next().unwrap_or(name).to_owned(),
                inputs: Some(Inputs { parameters }),
                ..NodeStatus::default()
            };
            (name.to_owned(), node)
        };
        let nodes = BTreeMap::from([
            node("shop.evaluate-metadata", r#"{"group":"shop"}"#),
            node("shop.evaluate-metadata(0)", r#"{"group":"shop"}"#),
            node("shop.restore-documents[0].prepare", r#"{"role":"prepare"}"#),
        ]);
        Look {
            name: "w".to_owned(),
            engine: "local",
            status: WorkflowStatus { nodes, ..WorkflowStatus::default() },
            branches: vec![
                branch("initialize", "Initialize"),
                branch("shop.evaluate-metadata", "Evaluate Metadata"),
                branch("shop.restore-documents", "Restore Documents"),
                branch("rest.evaluate-metadata", "Evaluate Metadata"),
            ],
            gates: Vec::new(),
            trouble: None,
            notes: Vec::new(),
        }
    }

    fn names(wanted: &[&str]) -> Result<Vec<String>, String> {
        let look = look();
        let run = runs::Run {
            name: "w".to_owned(),
            uid: "u".to_owned(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            phase: NodePhase::Running,
            is_complete: false,
        };
        let snapshot = Snapshot::of(run, &look);
        let nodes: Vec<&Node> = snapshot.nodes.iter().skip(1).collect();
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let chosen = chosen("w", &nodes, &wanted).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|node| short("w", node).to_owned()).collect())
    }

    #[test]
    fn a_step_is_meant_by_path_end_title_or_glob() {
        let both = ["a-to-b.shop.evaluate-metadata", "a-to-b.rest.evaluate-metadata"];
        assert_eq!(names(&["evaluate-metadata"]).expect("nodes"), both);
        assert_eq!(names(&["Evaluate Metadata"]).expect("nodes"), both);
        assert_eq!(names(&["shop.evaluate-metadata"]).expect("nodes"), both[..1]);
        assert_eq!(names(&["*rest.*"]).expect("nodes"), both[1..]);
        assert!(
            names(&["metadata"]).expect_err("none").contains("workflow show --workflow-name w")
        );
    }

    #[test]
    fn a_request_is_told_once_and_by_the_process_that_got_it() {
        let of = |name: &str| requests(&look(), &format!("w.a-to-b.shop.{name}"));
        let request = (String::from("request"), String::from(r#"{"group":"shop"}"#));
        assert_eq!(of("evaluate-metadata"), [request]);
        assert_eq!(of("restore-documents")[0].0, "request of prepare");
    }
}
