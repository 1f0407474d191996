//! How does a run begin and end? The entrypoint, a stop, the exit handler.

use argo::{NodePhase, NodeType};

use super::operation::{Fault, Operation, Site};
use crate::{
    node::{Node, Part},
    program::TemplateIndex,
    state::Entry,
};

impl Operation<'_> {
    pub(super) fn run(&mut self) {
        if self.state.is_complete() {
            return;
        }
        if self.state.started_at.is_none() {
            self.push(Entry::RunStarted { at: self.now });
        }
        self.end_waiting_nodes();

        let name = self.state.identity.name.clone();
        if let Err(Fault(message)) = self.root(&name, self.program.entrypoint, Part::Main) {
            self.end(
                NodePhase::Error,
                Some(format!("error in entry template execution: {message}")),
            );
            return;
        }
        let Some(root) = self.node(&name).filter(|node| node.is_fulfilled()) else { return };
        let (phase, mut message) = (run_phase(root.phase), root.message.clone());
        phase.as_str().clone_into(&mut self.status);
        if phase.is_failure()
            && let Some(stopped) = self.stopped_message()
        {
            message = Some(stopped);
        }

        let mut handler = None;
        if let Some(on_exit) = self.program.on_exit {
            let name = format!("{name}.onExit");
            if self.node(&name).is_some() || !self.state.is_ending(Part::Exit) {
                if let Err(Fault(message)) = self.root(&name, on_exit, Part::Exit) {
                    let message = format!("error in exit template execution : {message}");
                    self.end(NodePhase::Error, Some(message));
                    return;
                }
                match self.node(&name) {
                    Some(node) if node.is_fulfilled() => {
                        handler = Some((run_phase(node.phase), node.message.clone()));
                    }
                    _ => return,
                }
            }
        }
        match handler {
            Some((failure, why)) if phase == NodePhase::Succeeded && failure.is_failure() => {
                self.end(failure, why);
            }
            _ if phase == NodePhase::Succeeded => self.end(phase, None),
            _ => self.end(phase, message),
        }
    }

    fn root(&mut self, name: &str, callee: TemplateIndex, part: Part) -> Result<(), Fault> {
        let site = Site { frame: None, call: "", part };
        if self.node(name).is_some() {
            return self.advance(name, callee, site);
        }
        let arguments = self.program.arguments.clone();
        self.start(name, callee, &arguments, site).map(|_| ())
    }

    fn end(&mut self, phase: NodePhase, message: Option<String>) {
        self.push(Entry::RunEnded { phase, message, at: self.now });
    }

    /// Ends gates, and pods that were never started, when the run is being ended. Running pods are
    /// ended by the caller, which has their processes.
    pub(super) fn end_waiting_nodes(&mut self) {
        let waits = |node: &Node| match node.kind {
            NodeType::Suspend => true,
            NodeType::Pod => node.processes.is_empty() && node.job.started == 0,
            _ => false,
        };
        let waiting: Vec<(String, NodeType)> = self
            .state
            .nodes
            .values()
            .filter(|node| !node.is_fulfilled() && self.state.is_ending(node.part) && waits(node))
            .map(|node| (node.name.clone(), node.kind))
            .collect();
        for (name, kind) in waiting {
            let message = match kind {
                NodeType::Suspend => self.stopped_message(),
                _ => self.ended_message(),
            };
            self.set_phase(&name, NodePhase::Failed, message);
        }
    }

    /// The message of a gate or run that was stopped.
    pub(super) fn stopped_message(&self) -> Option<String> {
        let shutdown = self.state.shutdown?;
        Some(format!("Stopped with strategy '{}'", shutdown.word()))
    }

    /// The message of a pod that was stopped.
    pub(super) fn ended_message(&self) -> Option<String> {
        ended_message(self.state.shutdown)
    }
}

/// The message of a pod that was stopped.
pub(crate) fn ended_message(shutdown: Option<crate::state::Shutdown>) -> Option<String> {
    Some(format!("workflow shutdown with strategy:  {}", shutdown?.word()))
}

/// The phase of a run whose root node ended so.
fn run_phase(phase: NodePhase) -> NodePhase {
    match phase {
        NodePhase::Skipped | NodePhase::Omitted => NodePhase::Succeeded,
        other => other,
    }
}
