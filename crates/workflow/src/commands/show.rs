//! `workflow show`: the request and the answer of a step, and the manifests of a run.
//!
//! ```text
//! workflow show                       every step and gate, by the name to type
//! workflow show evaluate-metadata     that step, of every group
//! workflow show 'shop.*'              all of a group
//! workflow show --manifest            the manifests, as they are stored where it runs
//! ```

use std::collections::BTreeSet;

use cli_support::output::{self, failure};
use contract::Exit;
use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;
use runs::{Backend, RunModel, RunNode, plain, workflow_flag};
use serde_json::{Value, json};

use crate::{
    args::{Format, Show},
    view::{answer, gate, text},
};

/// Runs `workflow show`.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Show,
    format: Format,
) -> anyhow::Result<Exit> {
    let run = backend.get(&flags.workflow_name).await?;
    if flags.manifest {
        manifests(&backend.manifests(&run).await?, format)?;
        return Ok(Exit::Done);
    }
    let model = backend.model(&run).await?;
    let nodes: Vec<&RunNode> = model.nodes.iter().skip(1).collect();
    if flags.names.is_empty() {
        list(&model.name, &nodes, format)?;
        return Ok(Exit::Done);
    }
    let chosen = chosen(&model.name, &nodes, &flags.names)?;
    let details: Vec<Detail<'_>> =
        chosen.iter().map(|node| Detail { node, requests: requests(&model, node) }).collect();
    match format {
        Format::Json => {
            let objects: Vec<Value> = details.iter().map(|detail| detail.json(&model)).collect();
            output::json(&objects)?;
        }
        Format::Text => {
            let texts: Vec<String> =
                details.iter().map(|detail| detail.text(&model, backend.now())).collect();
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
fn short<'a>(workflow: &str, node: &'a RunNode) -> &'a str {
    let below = node.name.strip_prefix(workflow).and_then(|rest| rest.strip_prefix('.'));
    below.unwrap_or(&node.name)
}

fn list(workflow: &str, nodes: &[&RunNode], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        let objects: Vec<Value> = nodes.iter().map(|node| summary(workflow, node)).collect();
        return output::json(&objects);
    }
    let width = nodes.iter().map(|node| short(workflow, node).chars().count()).max().unwrap_or(0);
    for node in nodes {
        output::result(&format!("{:width$}  {}", short(workflow, node), text::line(node)))?;
    }
    let with_outputs = nodes.iter().rev().find(|node| !node.outputs.is_empty());
    if let Some(node) = with_outputs.or_else(|| nodes.first()) {
        let name = short(workflow, node);
        output::hint(&format!("workflow show {name}{}", workflow_flag(workflow)));
    }
    Ok(())
}

/// Returns the nodes that the names and globs select, in the order of the tree.
fn chosen<'a>(
    workflow: &str,
    nodes: &[&'a RunNode],
    names: &[String],
) -> anyhow::Result<Vec<&'a RunNode>> {
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

/// Returns whether a name or glob selects a node: by its path, the end of it, or its title.
fn means(glob: &GlobMatcher, name: &str, workflow: &str, node: &RunNode) -> bool {
    let path = short(workflow, node);
    let last = last(path);
    let ends = path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    ends || node.display_name == *name
        || node.name == *name
        || [path, last, &node.display_name].iter().any(|text| glob.is_match(text))
}

/// Returns the requests of a node with a heading each: of a step its own, of a group those of all its
/// steps. Equal requests are listed once.
fn requests(model: &RunModel, node: &RunNode) -> Vec<(String, String)> {
    let below = model.position(&node.name).map_or(0..0, |start| start..node.subtree_end);
    let is_step = below.len() == 1;
    let mut found: Vec<(String, String)> = Vec::new();
    for step in model.nodes.get(below).into_iter().flatten() {
        for request in &step.requests {
            if found.iter().any(|(_, known)| *known == request.value) {
                continue;
            }
            let heading = match &request.process {
                None if !is_step => format!("{} of {}", request.name, last(&step.name)),
                _ => request.heading(),
            };
            found.push((heading, request.value.clone()));
        }
    }
    found
}

/// Returns the last part of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn summary(workflow: &str, node: &RunNode) -> Value {
    json!({
        "name": short(workflow, node),
        "displayName": node.display_name,
        "phase": node.phase.as_str(),
        "message": node.message,
        "startedAt": node.started_at.map(|at| at.to_string()),
        "finishedAt": node.finished_at.map(|at| at.to_string()),
        "retries": node.retries,
    })
}

/// Everything that is known of a node.
struct Detail<'a> {
    node: &'a RunNode,
    requests: Vec<(String, String)>,
}

impl Detail<'_> {
    fn json(&self, model: &RunModel) -> Value {
        let Self { node, requests } = self;
        let values = |entries: &[(String, String)]| {
            let parsed = entries.iter().map(|(heading, value)| {
                let parsed: Option<Value> = serde_json::from_str(value).ok();
                let value = parsed.unwrap_or_else(|| value.as_str().into());
                json!({ "name": heading, "value": value })
            });
            Value::Array(parsed.collect())
        };
        let mut object = summary(&model.name, node);
        object["requests"] = values(requests);
        object["outputs"] = values(&outputs(node));
        object["gate"] = json!(model.gate_of(node));
        object["waiting"] = json!(node.waiting);
        object["commands"] = json!(node.commands);
        object
    }

    fn text(&self, model: &RunModel, now: Timestamp) -> String {
        let Self { node, requests } = self;
        let mut lines = vec![text::line(node), format!("  Node: {}", short(&model.name, node))];
        for (word, at) in [("Started", node.started_at), ("Finished", node.finished_at)] {
            lines.extend(at.map(|at| format!("  {word}: {at}")));
        }
        lines.extend(node.message.as_ref().map(|message| format!("  Message: {message}")));
        let waiting = node.waiting.as_ref().map(|waiting| waiting.phrase(now));
        lines.extend(waiting.map(|waiting| format!("  Waiting: {waiting}")));
        let gate = model.gate_of(node);
        lines.extend(gate.map(|gate| format!("  Gate: {}", plain(&gate::story(gate)))));
        for (heading, value) in requests.iter().chain(&outputs(node)) {
            lines.push(format!("  {}:", plain(heading)));
            lines.extend(answer::readable(value).into_iter().map(|line| format!("    {line}")));
        }
        if !node.commands.is_empty() {
            lines.push("  Commands:".to_owned());
            lines.extend(node.commands.iter().map(|command| format!("    {command}")));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Returns what a node returned, with a heading each.
fn outputs(node: &RunNode) -> Vec<(String, String)> {
    node.outputs.iter().map(|output| (output.heading(), output.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use runs::{NodeValue, StepCounts};

    use super::*;

    fn node(
        name: &str,
        title: &str,
        depth: usize,
        end: usize,
        requests: &[(&str, &str)],
    ) -> RunNode {
        let request = |(process, value): &(&str, &str)| NodeValue {
            name: "request".to_owned(),
            process: (!process.is_empty()).then(|| (*process).to_owned()),
            value: (*value).to_owned(),
        };
        RunNode {
            name: name.to_owned(),
            display_name: title.to_owned(),
            depth,
            subtree_end: end,
            counts: StepCounts::default(),
            requests: requests.iter().map(request).collect(),
            ..RunNode::default()
        }
    }

    fn model() -> RunModel {
        let run = runs::Run {
            name: "w".to_owned(),
            uid: "u".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            phase: argo::NodePhase::Running,
            is_complete: false,
        };
        let mut model =
            RunModel::from_tree(&run, runs::EngineKind::Local, &runs::Observation::default(), &[]);
        model.nodes = vec![
            node("w", "w", 0, 6, &[]),
            node("w.a-to-b.initialize", "Initialize", 1, 2, &[]),
            node("w.a-to-b.shop", "shop", 1, 5, &[]),
            node("w.a-to-b.shop.evaluate-metadata", "Evaluate Metadata", 2, 4, &[("", "{1}")]),
            node("w.a-to-b.shop.restore-documents", "Restore", 2, 5, &[("prepare", "{2}")]),
            node("w.a-to-b.rest.evaluate-metadata", "Evaluate Metadata", 1, 6, &[]),
        ];
        model
    }

    fn names(wanted: &[&str]) -> Result<Vec<String>, String> {
        let model = model();
        let nodes: Vec<&RunNode> = model.nodes.iter().skip(1).collect();
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
    fn a_group_lists_the_requests_of_its_steps() {
        let model = model();
        let of = |position: usize| requests(&model, &model.nodes[position]);
        let pair = |heading: &str, value: &str| (heading.to_owned(), value.to_owned());
        assert_eq!(of(3), [pair("request", "{1}")]);
        assert_eq!(of(4), [pair("request of prepare", "{2}")]);
        assert_eq!(
            of(2),
            [pair("request of evaluate-metadata", "{1}"), pair("request of prepare", "{2}")]
        );
    }
}
