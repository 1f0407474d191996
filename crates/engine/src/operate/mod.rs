//! What happens next in a run? The core of the engine, without files, processes or a clock.
//!
//! As Argo's controller does, it walks the tree of nodes from the entrypoint each time, compares
//! it with the templates, and creates, changes and ends nodes until nothing more can be decided
//! now. It is level-triggered: the same state gives the same decisions, however it came about.
//!
//! ```text
//!  exit: start, shutdown, exit handler, end of the run
//!    +--> mod: start a node of any template, or advance one
//!           +--> dag, steps: which calls can be made
//!           |      +--> items: withItems, withParam, withSequence
//!           +--> retry: one attempt after the other
//!           +--> leaf: the pod of a container or resource
//!  values: the value of {{...}}         tree: edges between nodes
//!  operation: what all of them share
//! ```

mod dag;
mod exit;
mod items;
mod leaf;
mod operation;
mod retry;
mod steps;
mod tree;
mod values;

use argo::{NodePhase, NodeType, Outputs, Parameter, RetryStrategy, io::ValueFrom};
use jiff::Timestamp;

use crate::{
    duration,
    node::{Attempt, JobState, Node, Pod},
    program::{Body, Callable, Program, TemplateIndex},
    state::{ConfigMapKey, Entry, RunState},
};
pub(crate) use exit::ended_message;
pub(crate) use operation::OperateOutcome;
use operation::{Fault, Frame, Operation, Site, StartOutcome};
pub(crate) use tree::node_id;
use values::Values;

/// The limit of calls within calls; a template that calls itself ends with an error there.
const MAX_DEPTH: u32 = 100;

/// Decides everything that can be decided now. The state is changed by exactly the entries that
/// are returned.
pub(crate) fn operate(program: &Program, state: &mut RunState, now: Timestamp) -> OperateOutcome {
    let active = |node: &&Node| node.kind == NodeType::Pod && !node.is_fulfilled();
    let active_pods = state.nodes.values().filter(active).count();
    let mut operation = Operation {
        program,
        now,
        done: OperateOutcome::default(),
        active_pods,
        depth: 0,
        status: "Running".to_owned(),
        state,
    };
    operation.run();
    operation.done
}

impl<'a> Operation<'a> {
    fn push(&mut self, entry: Entry) {
        self.state.apply(&entry);
        self.done.entries.push(entry);
    }

    fn wake(&mut self, at: Timestamp) {
        self.done.wake_at = Some(self.done.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    fn node(&self, name: &str) -> Option<&Node> {
        self.state.nodes.get(&node_id(&self.state.identity.name, name))
    }

    fn callable(&self, index: TemplateIndex) -> Result<&'a Callable, Fault> {
        // The check resolved it; only an index of another program can miss.
        self.program.template(index).ok_or_else(|| Fault("the template is missing".to_owned()))
    }

    /// Creates the node of a call, and all nodes below it that can be created now.
    fn start(
        &mut self,
        name: &str,
        callee: TemplateIndex,
        arguments: &[Parameter],
        site: Site<'_>,
    ) -> Result<StartOutcome, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault("Maximum recursion depth exceeded".to_owned()));
        }
        let callable = self.callable(callee)?;
        let inputs = self.inputs(callable, arguments, name, site)?;
        if !self.has_room(callable, site) {
            return Ok(StartOutcome::NoRoom);
        }
        if self.retry_strategy(callable).is_some() {
            let node = self.new_node(name, NodeType::Retry, callee, site, &inputs);
            self.create(Node { phase: NodePhase::Running, ..node });
            return self.retry(name, callee, site).map(|()| StartOutcome::Yes);
        }
        self.start_once(name, callee, &inputs, site, &[])
    }

    /// Advances an existing node.
    fn advance(&mut self, name: &str, callee: TemplateIndex, site: Site<'_>) -> Result<(), Fault> {
        let Some(node) = self.node(name) else { return Ok(()) };
        if node.is_fulfilled() {
            return Ok(());
        }
        let (kind, started_at, inputs) = (node.kind, node.started_at, node.inputs.clone());
        match (&self.callable(callee)?.body, kind) {
            (_, NodeType::Retry) => self.retry(name, callee, site)?,
            (Body::Dag(dag), _) => {
                let frame = self.frame(name, callee, inputs, site);
                self.nested(|operation| operation.dag(&frame, dag));
            }
            (Body::Steps(groups), _) => {
                let frame = self.frame(name, callee, inputs, site);
                self.nested(|operation| operation.steps(&frame, groups));
            }
            (Body::Suspend { duration: Some(text) }, _) => {
                let values = Values::of(self, &inputs);
                let wait = duration::parse(&values.fill(text));
                match wait.map(|wait| started_at.checked_add(wait)) {
                    Ok(Ok(end)) if end <= self.now => {
                        self.set_phase(name, NodePhase::Succeeded, None);
                    }
                    Ok(Ok(end)) => self.wake(end),
                    Ok(Err(error)) => return Err(Fault(error.to_string())),
                    Err(error) => return Err(Fault(error.to_string())),
                }
            }
            (Body::Suspend { duration: None } | Body::Container(_) | Body::Resource(_), _) => {}
        }
        Ok(())
    }

    /// Creates the node itself: what [`Self::start`] does without a retry strategy.
    fn start_once(
        &mut self,
        name: &str,
        callee: TemplateIndex,
        inputs: &[(String, String)],
        site: Site<'_>,
        attempts: &[(&str, String)],
    ) -> Result<StartOutcome, Fault> {
        let callable = self.callable(callee)?;
        let attempt = if attempts.is_empty() { Attempt::Only } else { Attempt::Retried };
        let kind = match &callable.body {
            Body::Container(_) | Body::Resource(_) => NodeType::Pod,
            Body::Suspend { .. } => NodeType::Suspend,
            Body::Dag(_) => NodeType::Dag,
            Body::Steps(_) => NodeType::Steps,
        };
        let mut node = self.new_node(name, kind, callee, site, inputs);
        node.attempt = attempt;
        match &callable.body {
            Body::Container(_) | Body::Resource(_) => {
                let pod: Pod = self.pod(name, callable, inputs, site, attempts)?;
                if self.state.is_ending(site.part) {
                    node.phase = NodePhase::Failed;
                    node.finished_at = Some(self.now);
                    node.message = self.ended_message();
                } else {
                    node.pod = Some(pod);
                    self.active_pods += 1;
                }
                self.create(node);
            }
            Body::Suspend { .. } => {
                self.create(Node { phase: NodePhase::Running, ..node });
                // A pause of no length ends by itself, even when the run is being ended.
                self.advance(name, callee, site)?;
                if self.state.is_ending(site.part) {
                    self.end_waiting_nodes();
                }
            }
            Body::Dag(_) | Body::Steps(_) => {
                self.create(Node { phase: NodePhase::Running, ..node });
                self.advance(name, callee, site)?;
            }
        }
        Ok(StartOutcome::Yes)
    }

    fn nested(&mut self, walk: impl FnOnce(&mut Self)) {
        self.depth += 1;
        walk(self);
        self.depth -= 1;
    }

    fn frame(
        &self,
        name: &str,
        template: TemplateIndex,
        inputs: Vec<(String, String)>,
        site: Site<'_>,
    ) -> Frame {
        let id = node_id(&self.state.identity.name, name);
        Frame { name: name.to_owned(), id, template, inputs, part: site.part }
    }

    fn retry_strategy(&self, callable: &'a Callable) -> Option<&'a RetryStrategy> {
        callable.template.retry_strategy.as_ref().or(self.program.retry_strategy.as_ref())
    }

    /// Returns whether one more may run: pods of the run, and children of the caller.
    fn has_room(&self, callable: &Callable, site: Site<'_>) -> bool {
        if self.state.is_ending(site.part) {
            return true;
        }
        let limit = self.program.parallelism.and_then(|limit| usize::try_from(limit).ok());
        if callable.body.is_pod() && limit.is_some_and(|limit| self.active_pods >= limit) {
            return false;
        }
        let Some(frame) = site.frame else { return true };
        let boundary = self.program.template(frame.template);
        let Some(limit) = boundary.and_then(|boundary| boundary.template.parallelism) else {
            return true;
        };
        let is_active = |node: &&Node| {
            node.boundary.as_ref() == Some(&frame.id)
                && matches!(node.kind, NodeType::Pod | NodeType::Steps | NodeType::Dag)
                && !node.is_fulfilled()
        };
        let active = self.state.nodes.values().filter(is_active).count();
        limit == 0 || u32::try_from(active).is_ok_and(|active| active < limit)
    }

    /// Returns the inputs of a call: the caller's arguments, else the template's defaults.
    fn inputs(
        &self,
        callable: &Callable,
        arguments: &[Parameter],
        name: &str,
        site: Site<'_>,
    ) -> Result<Vec<(String, String)>, Fault> {
        let mut inputs = Vec::new();
        let locals = self.locals(name, callable, site, &[]);
        let values = Values::of(self, &[]).with_locals(&locals);
        let declared = callable.template.inputs.iter().flat_map(|inputs| &inputs.parameters);
        for input in declared {
            let argument = arguments.iter().find(|argument| argument.name == input.name);
            let (given, source) = match argument {
                Some(Parameter { value: Some(value), .. }) => (Some(value), None),
                Some(Parameter { value_from, .. }) => (None, value_from.as_ref()),
                None => {
                    (input.value.as_ref().or(input.default.as_ref()), input.value_from.as_ref())
                }
            };
            let value = match (given, source) {
                (_, Some(source)) => self.config_map_value(&input.name, source)?,
                (Some(given), None) => values.fill(given),
                (None, None) => {
                    let message = format!("inputs.parameters.{} was not supplied", input.name);
                    return Err(Fault(message));
                }
            };
            inputs.push((input.name.clone(), value));
        }
        Ok(inputs)
    }

    fn config_map_value(&self, name: &str, source: &ValueFrom) -> Result<String, Fault> {
        let Some(reference) = &source.config_map_key_ref else {
            return Err(Fault(format!("inputs.parameters.{name} was not supplied")));
        };
        let values = Values::of(self, &[]);
        let key =
            ConfigMapKey { name: values.fill(&reference.name), key: values.fill(&reference.key) };
        let found = self.program.config_map_entry(&key, self.state).or(source.default.as_ref());
        found.cloned().ok_or_else(|| {
            let ConfigMapKey { name: map, key } = key;
            Fault(format!(
                "unable to retrieve inputs.parameters.{name} from ConfigMap: there is no entry \
                 `{key}` in `{map}`"
            ))
        })
    }

    fn new_node(
        &self,
        name: &str,
        kind: NodeType,
        template: TemplateIndex,
        site: Site<'_>,
        inputs: &[(String, String)],
    ) -> Node {
        let template = self.program.template(template);
        Node {
            id: node_id(&self.state.identity.name, name),
            name: name.to_owned(),
            display_name: tree::display_name(name, site.frame.map(|frame| frame.name.as_str())),
            kind,
            phase: NodePhase::Pending,
            template: template.map(|found| found.template.name.clone()).unwrap_or_default(),
            boundary: site.frame.map(|frame| frame.id.clone()),
            children: Vec::new(),
            outbound: Vec::new(),
            started_at: self.now,
            finished_at: None,
            message: None,
            inputs: inputs.to_vec(),
            outputs: Outputs::default(),
            part: site.part,
            attempt: Attempt::Only,
            pod: None,
            processes: std::collections::BTreeMap::new(),
            job: JobState::default(),
        }
    }

    fn create(&mut self, node: Node) {
        self.push(Entry::NodeCreated { node: Box::new(node) });
    }

    /// Creates a node that does not run: skipped, omitted, or in error.
    fn create_ended(
        &mut self,
        name: &str,
        callee: TemplateIndex,
        site: Site<'_>,
        phase: NodePhase,
        message: String,
    ) {
        let node = self.new_node(name, NodeType::Skipped, callee, site, &[]);
        let (finished_at, message) = (Some(self.now), Some(message));
        self.create(Node { phase, finished_at, message, ..node });
    }

    /// Marks a node as in error, and creates it if it is missing.
    fn set_fault(&mut self, name: &str, callee: TemplateIndex, site: Site<'_>, message: String) {
        if self.node(name).is_some() {
            self.set_phase(name, NodePhase::Error, Some(message));
        } else {
            self.create_ended(name, callee, site, NodePhase::Error, message);
        }
    }

    fn set_phase(&mut self, name: &str, phase: NodePhase, message: Option<String>) {
        let Some(node) = self.node(name) else { return };
        let is_same = node.phase == phase
            && message.as_ref().is_none_or(|message| {
                node.message.as_ref() == Some(message)
                    || (message.is_empty() && node.message.is_none())
            });
        if is_same || node.is_fulfilled() {
            return;
        }
        let node = node.id.clone();
        self.push(Entry::PhaseChanged { node, phase, message, at: self.now });
    }

    fn set_outputs(&mut self, name: &str, outputs: Outputs) {
        let Some(node) = self.node(name) else { return };
        if node.outputs != outputs {
            let node = node.id.clone();
            self.push(Entry::OutputsSet { node, outputs });
        }
    }
}
