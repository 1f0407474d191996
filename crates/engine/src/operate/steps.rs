//! Which group of a `steps` template runs, and how did it end?

use argo::{NodePhase, NodeType};

use super::{
    items::FilledCall,
    operation::{Fault, Frame, Operation, Site},
    tree::node_id,
    values::Values,
};
use crate::{
    expression,
    node::Node,
    program::{Call, Expansion, TemplateIndex},
};

impl Operation<'_> {
    pub(super) fn steps(&mut self, frame: &Frame, groups: &[Vec<Call>]) {
        let mut last = None;
        for (number, group) in groups.iter().enumerate() {
            let name = format!("{}[{number}]", frame.name);
            if self.node(&name).is_none() {
                let callee = frame.template;
                let site = Site { frame: Some(frame), call: "", part: frame.part };
                let mut node = self.new_node(&name, NodeType::StepGroup, callee, site, &[]);
                node.template.clear();
                self.create(Node { phase: NodePhase::Running, ..node });
            }
            self.connect_group(frame, last.as_deref(), &name);
            self.step_group(frame, group, &name);
            let Some(node) = self.node(&name) else { return };
            let (phase, message) = (node.phase, node.message.clone());
            if !phase.is_complete() {
                return;
            }
            if phase.is_failure() {
                self.end_steps(frame, &name, NodePhase::Failed, message);
                return;
            }
            let values = Values::of(self, &frame.inputs).with_calls(frame);
            if let Some(why) = group.iter().find_map(|call| values.unreadable_result(&call.name)) {
                self.end_steps(frame, &name, NodePhase::Error, Some(why));
                return;
            }
            last = Some(name);
        }
        let last = last.unwrap_or_else(|| frame.name.clone());
        match self.derived_outputs(frame) {
            Ok(outputs) => {
                self.export(&outputs);
                self.set_outputs(&frame.name, outputs);
                self.end_steps(frame, &last, NodePhase::Succeeded, None);
            }
            Err(Fault(message)) => {
                self.end_steps(frame, &last, NodePhase::Error, Some(message));
            }
        }
    }

    fn end_steps(
        &mut self,
        frame: &Frame,
        last_group: &str,
        phase: NodePhase,
        message: Option<String>,
    ) {
        let children = self.node(last_group).map(|node| node.children.clone()).unwrap_or_default();
        let outbound = children.iter().flat_map(|id| self.outbound(id)).collect();
        self.set_outbound(&frame.name, outbound);
        self.set_phase(&frame.name, phase, message);
    }

    /// Connects a group to the last nodes of the group before it.
    fn connect_group(&mut self, frame: &Frame, before: Option<&str>, name: &str) {
        let Some(before) = before else {
            self.add_child(&frame.name, name);
            return;
        };
        let Some(node) = self.node(before) else { return };
        let children = node.children.clone();
        if children.is_empty() {
            self.add_child(before, name);
        }
        let child = node_id(&self.state.identity.name, name);
        for id in children {
            for parent in self.outbound(&id) {
                self.add_child_id(parent, child.clone());
            }
        }
    }

    fn step_group(&mut self, frame: &Frame, group: &[Call], name: &str) {
        if self.node(name).is_none_or(Node::is_fulfilled) {
            return;
        }
        let mut names = Vec::new();
        for call in group {
            match self.step(frame, call, name) {
                Ok(made) => {
                    names.extend(made.into_iter().map(|name| (name, call.continue_on)));
                }
                Err(Fault(message)) => {
                    self.set_phase(name, NodePhase::Error, Some(message));
                    return;
                }
            }
        }
        let mut failed = None;
        for (step, continue_on) in names {
            let Some(node) = self.node(&step) else { return };
            let is_allowed = (node.phase == NodePhase::Failed && continue_on.failed)
                || (node.phase == NodePhase::Error && continue_on.error);
            if !node.is_fulfilled() {
                return;
            }
            if node.phase.is_failure() && !is_allowed && failed.is_none() {
                failed = Some(format!("child '{}' failed", node.id));
            }
        }
        match failed {
            Some(message) => self.set_phase(name, NodePhase::Failed, Some(message)),
            None => self.set_phase(name, NodePhase::Succeeded, None),
        }
    }

    /// Creates or advances the nodes of one step; returns their names. A node that waits for room
    /// is named but does not exist yet.
    fn step(&mut self, frame: &Frame, call: &Call, group: &str) -> Result<Vec<String>, Fault> {
        let filled = match call.expansion {
            Expansion::Once => vec![self.fill_call(call, frame)],
            _ => self.fill_items(call, frame)?,
        };
        let site = Site { frame: Some(frame), call: &call.name, part: frame.part };
        if filled.is_empty() {
            let name = format!("{group}.{}", call.name);
            if self.node(&name).is_none() {
                let message = "Skipped, empty params".to_owned();
                self.create_ended(&name, call.callee, site, NodePhase::Skipped, message);
                self.add_child(group, &name);
            }
            return Ok(vec![name]);
        }
        let mut names = Vec::new();
        for step in &filled {
            let name = format!("{group}.{}", step.name);
            let made = self.one_step(&name, call.callee, step, site);
            if self.node(&name).is_some() {
                self.add_child(group, &name);
            }
            made.map_err(|Fault(message)| {
                Fault(format!("step group deemed errored due to child {name} error: {message}"))
            })?;
            names.push(name);
        }
        Ok(names)
    }

    fn one_step(
        &mut self,
        name: &str,
        callee: TemplateIndex,
        step: &FilledCall,
        site: Site<'_>,
    ) -> Result<(), Fault> {
        if self.node(name).is_some() {
            return self.advance(name, callee, site);
        }
        if let Some(when) = &step.when {
            match expression::when(when) {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("when '{when}' evaluated false");
                    self.create_ended(name, callee, site, NodePhase::Skipped, message);
                    return Ok(());
                }
                Err(error) => {
                    let message = error.to_string();
                    self.set_fault(name, callee, site, message.clone());
                    return Err(Fault(message));
                }
            }
        }
        match self.start(name, callee, &step.arguments, site) {
            Ok(_) => Ok(()),
            Err(Fault(message)) => {
                self.set_fault(name, callee, site, message.clone());
                Err(Fault(message))
            }
        }
    }
}
