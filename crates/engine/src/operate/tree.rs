//! How are nodes named, and which follows which?

use argo::{NodeType, Outputs, Parameter};

use super::{
    operation::{Fault, Frame, Operation},
    values::Values,
};
use crate::{node::Node, state::Entry};

/// Returns the id of a node: the run's name, and a hash of the node's name.
///
/// Argo hashes to 32 bits. With the thousands of nodes of a big migration, collisions would be too
/// likely, so this hash has 64 bits (FNV-1a).
pub(crate) fn node_id(run: &str, name: &str) -> String {
    if name == run {
        return run.to_owned();
    }
    format!("{run}-{}", hash(name))
}

pub(super) fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Returns the last part of a node's name: what follows the name of its boundary, without the
/// number of the step group.
pub(super) fn display_name(name: &str, boundary: Option<&str>) -> String {
    let Some(rest) = boundary.and_then(|boundary| name.strip_prefix(boundary)) else {
        return name.to_owned();
    };
    let after_group = rest
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(rest, |(_, after)| after);
    match after_group.strip_prefix('.') {
        Some(display_name) => display_name.to_owned(),
        None => rest.to_owned(),
    }
}

impl Operation<'_> {
    /// Connects a node to another one, which must exist; the node itself may be created later.
    pub(super) fn add_child(&mut self, parent: &str, child: &str) {
        let run = &self.state.identity.name;
        let (parent, child) = (node_id(run, parent), node_id(run, child));
        self.add_child_id(parent, child);
    }

    pub(super) fn add_child_id(&mut self, parent: String, child: String) {
        let known = self.state.nodes.get(&parent);
        if known.is_some_and(|node| !node.children.contains(&child)) {
            self.push(Entry::ChildAdded { parent, child });
        }
    }

    /// Returns the last nodes of a node: what comes next follows those.
    pub(super) fn outbound(&self, id: &str) -> Vec<String> {
        let Some(node) = self.state.nodes.get(id) else { return Vec::new() };
        let inner: Vec<&String> = match node.kind {
            NodeType::Pod | NodeType::Suspend | NodeType::Skipped => Vec::new(),
            NodeType::TaskGroup => node.children.iter().collect(),
            NodeType::Retry => {
                return node.children.last().cloned().into_iter().collect();
            }
            NodeType::Dag | NodeType::Steps | NodeType::StepGroup => node.outbound.iter().collect(),
        };
        let outbound: Vec<String> = inner.into_iter().flat_map(|id| self.outbound(id)).collect();
        if outbound.is_empty() { vec![id.to_owned()] } else { outbound }
    }

    pub(super) fn set_outbound(&mut self, name: &str, outbound: Vec<String>) {
        let Some(node) = self.node(name) else { return };
        if node.outbound != outbound {
            let node = node.id.clone();
            self.push(Entry::OutboundSet { node, outbound });
        }
    }

    /// Returns the attempts of a retry node, the first one first.
    pub(super) fn attempts(&self, node: &Node) -> Vec<&Node> {
        node.children.iter().filter_map(|id| self.state.nodes.get(id)).collect()
    }

    /// Returns the outputs that a DAG or steps template takes from its calls.
    pub(super) fn derived_outputs(&self, frame: &Frame) -> Result<Outputs, Fault> {
        let callable = self.callable(frame.template)?;
        let mut outputs = Outputs::default();
        let declared = callable.template.outputs.iter().flat_map(|outputs| &outputs.parameters);
        for output in declared {
            let from = output.value_from.clone().unwrap_or_default();
            let reference = from.parameter.unwrap_or_default();
            let tag = reference.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
            let value = Values::of(self, &frame.inputs).with_calls(frame).get(tag);
            let value = value
                .or(from.default)
                .ok_or_else(|| Fault(format!("Unable to resolve: \"{tag}\"")))?;
            let global_name = output.global_name.clone();
            outputs
                .parameters
                .push(Parameter { global_name, ..Parameter::new(output.name.clone(), value) });
        }
        Ok(outputs)
    }

    /// Makes outputs with a global name known to the whole run.
    pub(super) fn export(&mut self, outputs: &Outputs) {
        for output in &outputs.parameters {
            let (Some(name), Some(value)) = (&output.global_name, &output.value) else { continue };
            if self.state.exported.get(name) != Some(value) {
                let (name, value) = (name.clone(), value.clone());
                self.push(Entry::Exported { name, value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_are_as_argo_has_them() {
        assert_eq!(display_name("run", None), "run");
        assert_eq!(display_name("run.onExit", None), "run.onExit");
        assert_eq!(display_name("run.a", Some("run")), "a");
        assert_eq!(display_name("run[0]", Some("run")), "[0]");
        assert_eq!(display_name("run[12].step", Some("run")), "step");
        assert_eq!(display_name("run.a(0:x.y)(1)", Some("run")), "a(0:x.y)(1)");
    }

    #[test]
    fn the_root_is_named_as_the_run() {
        assert_eq!(node_id("run", "run"), "run");
        assert_ne!(node_id("run", "run.a"), node_id("run", "run.b"));
    }
}
