//! Which tasks of a DAG can run, and how did it end?

use std::collections::{BTreeSet, VecDeque};

use argo::{NodePhase, NodeType};

use super::{
    items::FilledCall,
    operation::{Fault, Frame, Operation, Site, StartOutcome},
    tree::node_id,
    values::Values,
};
use crate::{
    depends::{Depends, TaskResult},
    expression,
    node::Node,
    program::{Dag, Expansion, FailFast, Task},
};

/// Whether a task may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    /// Others have not ended.
    Waiting,
    Ready,
    /// `depends` does not hold and never will.
    Omitted,
}

impl Operation<'_> {
    pub(super) fn dag(&mut self, frame: &Frame, dag: &Dag) {
        let needed = needed(dag);
        for task in &dag.tasks {
            if needed.contains(task.call.name.as_str()) {
                self.task(frame, dag, task);
            }
        }
        let phase = self.assess(frame, dag);
        if !phase.is_complete() {
            return;
        }
        let targets = dag.targets.iter().map(|name| task_name(frame, name));
        let ids: Vec<String> =
            targets.filter_map(|name| self.node(&name)).map(|node| node.id.clone()).collect();
        let outbound = ids.iter().flat_map(|id| self.outbound(id)).collect();
        let names = dag.tasks.iter().map(|task| task.call.name.as_str());
        if let Some(why) = self.unreadable_result(frame, names) {
            self.set_outbound(&frame.name, outbound);
            self.set_phase(&frame.name, NodePhase::Error, Some(why));
            return;
        }
        if phase == NodePhase::Succeeded {
            match self.derived_outputs(frame) {
                Ok(outputs) => {
                    self.export(&outputs);
                    self.set_outputs(&frame.name, outputs);
                }
                Err(Fault(message)) => {
                    self.set_outbound(&frame.name, outbound);
                    self.set_phase(&frame.name, NodePhase::Error, Some(message));
                    return;
                }
            }
        }
        self.set_outbound(&frame.name, outbound);
        self.set_phase(&frame.name, phase, None);
    }

    fn task(&mut self, frame: &Frame, dag: &Dag, task: &Task) {
        let call = &task.call;
        let name = task_name(frame, &call.name);
        let site = Site { frame: Some(frame), call: &call.name, part: frame.part };
        let known = self.node(&name).map(|node| (node.is_fulfilled(), node.kind));
        if known.is_some() {
            self.connect_again(frame, task, &name);
        }
        match known {
            Some((true, _)) => return,
            Some((false, NodeType::TaskGroup)) => {}
            Some((false, _)) => {
                if let Err(Fault(message)) = self.advance(&name, call.callee, site) {
                    let message = format!("task '{name}' errored: {message}");
                    self.set_fault(&name, call.callee, site, message);
                }
                return;
            }
            None => match self.readiness(frame, dag, task) {
                Readiness::Waiting => return,
                Readiness::Ready => {}
                Readiness::Omitted => {
                    let message = "omitted: depends condition not met".to_owned();
                    self.create_ended(&name, call.callee, site, NodePhase::Omitted, message);
                    self.connect(frame, task, &name);
                    return;
                }
            },
        }
        if let Some(why) = self.unreadable_result(frame, ancestors(dag, task)) {
            self.set_fault(&name, call.callee, site, why);
            self.connect(frame, task, &name);
            return;
        }
        if matches!(call.expansion, Expansion::Once) {
            let filled = self.fill_call(call, frame);
            self.connect(frame, task, &name);
            self.start_call(&name, task, &filled, site);
            return;
        }
        match self.fill_items(call, frame) {
            Ok(filled) => self.task_items(frame, task, &name, &filled, site),
            Err(Fault(message)) => {
                self.set_fault(&name, call.callee, site, message);
                self.connect(frame, task, &name);
            }
        }
    }

    /// Returns why the results of one of these tasks cannot be used.
    fn unreadable_result<'t>(
        &self,
        frame: &Frame,
        tasks: impl IntoIterator<Item = &'t str>,
    ) -> Option<String> {
        let values = Values::of(self, &frame.inputs).with_calls(frame);
        tasks.into_iter().find_map(|task| values.unreadable_result(task))
    }

    /// Creates and advances the items of a task that is a loop.
    fn task_items(
        &mut self,
        frame: &Frame,
        task: &Task,
        name: &str,
        items: &[FilledCall],
        site: Site<'_>,
    ) {
        let callee = task.call.callee;
        if self.node(name).is_none() {
            if items.is_empty() {
                let message = "Skipped, empty params".to_owned();
                self.create_ended(name, callee, site, NodePhase::Skipped, message);
                self.connect(frame, task, name);
                return;
            }
            self.connect(frame, task, name);
            let node = self.new_node(name, NodeType::TaskGroup, callee, site, &[]);
            self.create(Node { phase: NodePhase::Running, ..node });
        }
        for item in items {
            let item_name = task_name(frame, &item.name);
            if self.node(&item_name).is_none() {
                self.add_child(name, &item_name);
                self.start_call(&item_name, task, item, site);
            } else if let Err(Fault(message)) = self.advance(&item_name, callee, site) {
                let message = format!("task '{item_name}' errored: {message}");
                self.set_fault(&item_name, callee, site, message);
            }
        }
        let mut phase = NodePhase::Succeeded;
        for item in items {
            match self.node(&task_name(frame, &item.name)) {
                Some(node) if node.phase.is_failure() => phase = node.phase,
                Some(node) if node.is_fulfilled() => {}
                _ => return,
            }
        }
        self.set_phase(name, phase, None);
    }

    /// Creates the node of a call that may start now, unless `when` skips it.
    fn start_call(&mut self, name: &str, task: &Task, call: &FilledCall, site: Site<'_>) {
        let callee = task.call.callee;
        if let Some(when) = &call.when {
            match expression::when(when) {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("when '{when}' evaluated false");
                    self.create_ended(name, callee, site, NodePhase::Skipped, message);
                    return;
                }
                Err(error) => {
                    self.set_fault(name, callee, site, error.to_string());
                    return;
                }
            }
        }
        match self.start(name, callee, &call.arguments, site) {
            Ok(StartOutcome::Yes | StartOutcome::NoRoom) => {}
            Err(Fault(message)) => {
                let message = format!("task '{name}' errored: {message}");
                self.set_fault(name, callee, site, message);
            }
        }
    }

    /// Connects a task to the last nodes of the tasks that it depends on.
    fn connect(&mut self, frame: &Frame, task: &Task, name: &str) {
        if task.dependencies.is_empty() {
            self.add_child(&frame.name, name);
            return;
        }
        let child = node_id(&self.state.identity.name, name);
        for dependency in &task.dependencies {
            let dependency = task_name(frame, dependency);
            let Some(id) = self.node(&dependency).map(|node| node.id.clone()) else { continue };
            for parent in self.outbound(&id) {
                self.add_child_id(parent, child.clone());
            }
        }
    }

    /// Connects a task again: in a resumed run, the nodes that it follows may be new.
    fn connect_again(&mut self, frame: &Frame, task: &Task, name: &str) {
        if self.have_ended(frame, &task.dependencies) {
            self.connect(frame, task, name);
        }
    }

    fn have_ended(&self, frame: &Frame, tasks: &BTreeSet<String>) -> bool {
        tasks.iter().all(|name| self.node(&task_name(frame, name)).is_some_and(Node::is_fulfilled))
    }

    fn readiness(&self, frame: &Frame, dag: &Dag, task: &Task) -> Readiness {
        let Some(depends) = &task.depends else { return Readiness::Ready };
        if !self.have_ended(frame, &task.dependencies) {
            return Readiness::Waiting;
        }
        if self.holds(frame, dag, depends) { Readiness::Ready } else { Readiness::Omitted }
    }

    fn holds(&self, frame: &Frame, dag: &Dag, depends: &Depends) -> bool {
        depends.holds(&|name, result| {
            let Some(node) = self.node(&task_name(frame, name)) else { return false };
            match result {
                None => {
                    let continue_on = dag.task(name).map(|task| task.call.continue_on);
                    let continue_on = continue_on.unwrap_or_default();
                    match node.phase {
                        NodePhase::Succeeded | NodePhase::Skipped => true,
                        NodePhase::Failed => continue_on.failed,
                        NodePhase::Error => continue_on.error,
                        NodePhase::Pending | NodePhase::Running | NodePhase::Omitted => false,
                    }
                }
                Some(TaskResult::Phase(phase)) => node.phase == phase,
                Some(TaskResult::Daemoned) => false,
                Some(TaskResult::AnySucceeded) => {
                    self.items_of(node).any(|phase| phase == NodePhase::Succeeded)
                }
                Some(TaskResult::AllFailed) => {
                    let mut items = self.items_of(node).peekable();
                    items.peek().is_some() && items.all(|phase| phase == NodePhase::Failed)
                }
            }
        })
    }

    fn items_of<'n>(&'n self, node: &'n Node) -> impl Iterator<Item = NodePhase> + 'n {
        let ids = if node.kind == NodeType::TaskGroup { node.children.as_slice() } else { &[] };
        ids.iter().filter_map(|id| self.state.nodes.get(id)).map(|node| node.phase)
    }

    /// Returns the phase of a DAG, from all nodes that follow its own.
    ///
    /// A target that was omitted has no outcome of its own: it takes that of the nodes before it,
    /// and a failure there counts more than a success.
    fn assess(&self, frame: &Frame, dag: &Dag) -> NodePhase {
        let Some(boundary) = self.state.nodes.get(&frame.id) else { return NodePhase::Running };
        let run = &self.state.identity.name;
        let target_id = |name: &String| node_id(run, &task_name(frame, name));
        let targets: Vec<(&String, String)> =
            dag.targets.iter().map(|name| (name, target_id(name))).collect();
        let mut outcomes: std::collections::BTreeMap<&str, NodePhase> =
            std::collections::BTreeMap::new();
        let is_ending = self.state.is_ending(frame.part);

        let mut seen = BTreeSet::new();
        let mut open: VecDeque<(&str, NodePhase)> =
            boundary.children.iter().map(|id| (id.as_str(), NodePhase::Succeeded)).collect();
        while let Some((id, before)) = open.pop_front() {
            if !seen.insert((id, before as u8)) {
                continue;
            }
            let node = match self.state.nodes.get(id) {
                Some(node) if node.is_fulfilled() => node,
                // It waits for room, which no node gets when the run is being ended.
                None if is_ending => continue,
                _ => return NodePhase::Running,
            };
            let completed =
                matches!(node.phase, NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error);
            let phase = if completed { node.phase } else { before };
            if targets.iter().any(|(_, target)| target == id) {
                let outcome = outcomes.entry(id).or_insert(phase);
                if !outcome.is_failure() {
                    *outcome = phase;
                }
            }
            if node.kind == NodeType::Retry {
                // A retry node has the phase of its last attempt; later nodes follow the attempts.
                let attempts = self.attempts(node);
                open.extend(
                    attempts.iter().flat_map(|node| &node.children).map(|id| (id.as_str(), phase)),
                );
            } else {
                open.extend(node.children.iter().map(|id| (id.as_str(), phase)));
            }
        }
        if is_ending {
            return NodePhase::Failed;
        }

        let mut result = NodePhase::Succeeded;
        for (name, id) in &targets {
            match outcomes.get(id.as_str()) {
                None => {
                    result = NodePhase::Running;
                    if dag.fail_fast == FailFast::No {
                        break;
                    }
                }
                Some(outcome) if outcome.is_failure() => {
                    let continue_on = dag.task(name).map(|task| task.call.continue_on);
                    let continue_on = continue_on.unwrap_or_default();
                    let is_allowed = (*outcome == NodePhase::Failed && continue_on.failed)
                        || (*outcome == NodePhase::Error && continue_on.error);
                    if is_allowed {
                        continue;
                    }
                    result = *outcome;
                    if dag.fail_fast == FailFast::Yes {
                        break;
                    }
                }
                Some(_) => {}
            }
        }
        result
    }
}

fn task_name(frame: &Frame, task: &str) -> String {
    format!("{}.{task}", frame.name)
}

/// The tasks that a task depends on, and those that they depend on.
fn ancestors<'d>(dag: &'d Dag, task: &'d Task) -> BTreeSet<&'d str> {
    let mut found: BTreeSet<&str> = task.dependencies.iter().map(String::as_str).collect();
    for task in dag.tasks.iter().rev() {
        if found.contains(task.call.name.as_str()) {
            found.extend(task.dependencies.iter().map(String::as_str));
        }
    }
    found
}

/// The tasks that the targets need, and the targets.
fn needed(dag: &Dag) -> BTreeSet<&str> {
    let mut needed: BTreeSet<&str> = dag.targets.iter().map(String::as_str).collect();
    for task in dag.tasks.iter().rev() {
        if needed.contains(task.call.name.as_str()) {
            needed.extend(task.dependencies.iter().map(String::as_str));
        }
    }
    needed
}
