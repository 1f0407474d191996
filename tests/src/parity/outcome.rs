//! How did a run end, and in what do two ends differ?
//!
//! Ids, times and names of pods are each side's own. Everything else of a node is compared: its
//! path in the tree, type, phase, message, what it was called with, what it gave, and what follows
//! it. A try of a retry and an item of a loop are nodes, so their number is compared too.
//!
//! Two messages are not compared word by word: that of an error, which is in the words of
//! whatever could not be done, and what Argo's executor says of a Job that failed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

/// How a run ended: for each node, named by its path, its facts. The run itself has no path.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    facts: BTreeMap<Key, String>,
    /// Why the run and its nodes ended as they did, word by word.
    reasons: BTreeMap<String, String>,
}

/// The path of a node, and which of its facts.
type Key = (String, String);

/// One thing that two runs do not share.
#[derive(Clone, Debug)]
pub struct Difference {
    path: String,
    fact: String,
    engine: Option<String>,
    argo: Option<String>,
}

impl Outcome {
    /// Reads the status of a run.
    pub fn of(status: &Value) -> Self {
        let nodes: Vec<&Value> =
            status["nodes"].as_object().into_iter().flat_map(|nodes| nodes.values()).collect();
        let names: BTreeMap<&str, &str> = nodes
            .iter()
            .filter_map(|node| Some((node["id"].as_str()?, node["name"].as_str()?)))
            .collect();
        let mut outcome = Self::default();
        outcome.add("", "phase", text(&status["phase"]));
        outcome.message("", status, &names);
        for node in nodes {
            outcome.node(node, &names);
        }
        outcome
    }

    /// The run's own phase.
    pub fn phase(&self) -> &str {
        self.facts.get(&(String::new(), "phase".to_owned())).map_or("", String::as_str)
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.facts.keys().filter(|(_, fact)| fact == "type").count()
    }

    /// Everything in which a run of the engine differs from one of Argo.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let keys: BTreeSet<&Key> = self.facts.keys().chain(other.facts.keys()).collect();
        let difference = |key: &Key| {
            let (engine, argo) = (self.facts.get(key), other.facts.get(key));
            let (path, fact) = key.clone();
            if engine == argo {
                return None;
            }
            let shown = |outcome: &Self, value: &String| match outcome.reasons.get(&path) {
                Some(reason) if fact == "phase" => format!("{value}: {reason}"),
                _ => value.clone(),
            };
            let engine = engine.map(|value| shown(self, value));
            let argo = argo.map(|value| shown(other, value));
            Some(Difference { path, fact, engine, argo })
        };
        keys.into_iter().filter_map(difference).collect()
    }

    fn node(&mut self, node: &Value, names: &BTreeMap<&str, &str>) {
        let path = text(&node["name"]);
        let name = |id: &Value| named(&text(id), names);
        self.add(&path, "display name", text(&node["displayName"]));
        self.add(&path, "type", text(&node["type"]));
        self.add(&path, "phase", text(&node["phase"]));
        self.message(&path, node, names);
        self.add(&path, "boundary", name(&node["boundaryID"]));
        let mut children: Vec<String> =
            node["children"].as_array().into_iter().flatten().map(name).collect();
        children.sort();
        self.add(&path, "followed by", children.join(", "));
        self.add(&path, "result", text(&node["outputs"]["result"]));
        self.add(&path, "exit code", text(&node["outputs"]["exitCode"]));
        for (word, field) in [("input", "inputs"), ("output", "outputs")] {
            for parameter in node[field]["parameters"].as_array().into_iter().flatten() {
                let fact = format!("{word} `{}`", text(&parameter["name"]));
                // One that was never given has no value on one side.
                if !parameter["value"].is_null() {
                    self.facts.insert((path.clone(), fact), text(&parameter["value"]));
                }
            }
        }
    }

    fn message(&mut self, path: &str, of: &Value, names: &BTreeMap<&str, &str>) {
        let reason = text(&of["message"]);
        if !reason.is_empty() {
            self.add(path, "message", compared(&reason, &of["phase"], names));
            self.reasons.insert(path.to_owned(), reason);
        }
    }

    fn add(&mut self, path: &str, fact: &str, value: String) {
        if !value.is_empty() {
            self.facts.insert((path.to_owned(), fact.to_owned()), value);
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| match value {
            Some(value) => format!("{value:?}"),
            None => "(none)".to_owned(),
        };
        let Self { path, fact, engine, argo } = self;
        let path = if path.is_empty() { "(the run)" } else { path };
        write!(formatter, "{path}: {fact}: engine {}, argo {}", shown(engine), shown(argo))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A message as far as it is compared.
fn compared(message: &str, phase: &Value, names: &BTreeMap<&str, &str>) -> String {
    if phase == "Error" {
        return "(why it could not be run)".to_owned();
    }
    let executor = "main: Error (exit code 64)";
    if message.starts_with(executor) {
        return executor.to_owned();
    }
    // Argo writes one of them with two spaces in one place, and with one in another.
    let words: Vec<&str> = message.split_whitespace().collect();
    named(&words.join(" "), names)
}

/// Puts the paths of nodes in place of their ids; the longest id first, for the root's begins all.
fn named(text: &str, names: &BTreeMap<&str, &str>) -> String {
    let mut by_length: Vec<(&&str, &&str)> = names.iter().filter(|(id, name)| id != name).collect();
    by_length.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    by_length.into_iter().fold(text.to_owned(), |text, (id, name)| text.replace(*id, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(run: &str, phase: &str, output: &str) -> Value {
        json!({
            "phase": "Succeeded",
            "nodes": {
                "w": {
                    "id": "w", "name": "w", "displayName": "w", "type": "DAG", "phase": phase,
                    "message": format!("child 'w-{run}' failed"), "children": [format!("w-{run}")],
                },
                format!("w-{run}"): {
                    "id": format!("w-{run}"), "name": "w.a", "displayName": "a", "type": "Pod",
                    "phase": "Failed", "boundaryID": "w",
                    "outputs": { "parameters": [{ "name": "x", "value": output }] },
                },
            },
        })
    }

    #[test]
    fn ids_are_not_looked_at_and_everything_else_is() {
        let engine = Outcome::of(&status("123", "Failed", "1"));
        assert!(engine.differences(&Outcome::of(&status("456", "Failed", "1"))).is_empty());
        assert_eq!((engine.phase(), engine.nodes()), ("Succeeded", 2));
        let found = engine.differences(&Outcome::of(&status("456", "Error", "2")));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "w: message: engine \"child 'w.a' failed\", argo \"(why it could not be run)\"",
                "w: phase: engine \"Failed: child 'w-123' failed\", argo \"Error: child 'w-456' failed\"",
                "w.a: output `x`: engine \"1\", argo \"2\"",
            ]
        );
    }

    #[test]
    fn a_node_that_only_one_has_is_a_difference() {
        let mut less = status("1", "Failed", "1");
        less["nodes"].as_object_mut().expect("nodes").remove("w-1");
        let found = Outcome::of(&status("1", "Failed", "1")).differences(&Outcome::of(&less));
        assert!(found.iter().any(|found| found.path == "w.a" && found.argo.is_none()), "{found:?}");
    }
}
