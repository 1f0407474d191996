//! Where do people decide? The gates of a program, in the order in which they are reached.

use std::collections::{BTreeMap, BTreeSet};

use argo::convention::gate;

use crate::{
    program::{Body, Call, Callable, GatePlace, Program, TemplateIndex},
    state::ConfigMapKey,
};

/// Returns the gates that can be reached from the entrypoint and the exit handler.
pub(crate) fn places(program: &Program) -> Vec<GatePlace> {
    let mut walk =
        Walk { program, seen: BTreeSet::new(), callers: BTreeMap::new(), found: Vec::new() };
    walk.visit(program.entrypoint);
    if let Some(on_exit) = program.on_exit {
        walk.visit(on_exit);
    }
    let mut places: Vec<GatePlace> = Vec::new();
    for (holder, place) in walk.found {
        let callers = walk.callers.get(&holder).cloned().unwrap_or_default();
        match places.iter_mut().find(|known| known.name == place.name) {
            Some(known) => known.callers.extend(callers),
            None => places.push(GatePlace { callers, ..place }),
        }
    }
    places
}

struct Walk<'a> {
    program: &'a Program,
    seen: BTreeSet<TemplateIndex>,
    callers: BTreeMap<TemplateIndex, BTreeSet<String>>,
    found: Vec<(TemplateIndex, GatePlace)>,
}

impl Walk<'_> {
    fn visit(&mut self, index: TemplateIndex) {
        let Some(holder) = self.program.template(index) else { return };
        if !self.seen.insert(index) {
            return;
        }
        let calls: Vec<&Call> = match &holder.body {
            Body::Dag(dag) => dag.tasks.iter().map(|task| &task.call).collect(),
            Body::Steps(groups) => groups.iter().flatten().collect(),
            Body::Container(_) | Body::Resource(_) | Body::Suspend { .. } => Vec::new(),
        };
        for call in calls {
            self.callers.entry(call.callee).or_default().insert(call.name.clone());
            let callee = self.program.template(call.callee);
            let is_gate = callee
                .is_some_and(|callee| matches!(callee.body, Body::Suspend { duration: None }));
            if is_gate {
                let place = GatePlace {
                    name: call.name.clone(),
                    decision: decision(call, holder),
                    callers: BTreeSet::new(),
                };
                self.found.push((index, place));
            }
            self.visit(call.callee);
        }
    }
}

/// The ConfigMap entry of the decision, if the template that holds the call is a gate. Any other
/// suspended call takes a decision only while it waits.
fn decision(call: &Call, holder: &Callable) -> Option<ConfigMapKey> {
    let shape = gate::GateShape::from(&holder.template);
    let gate = shape.gate().filter(|gate| gate.name == call.name)?;
    Some(ConfigMapKey { name: gate.map.to_owned(), key: gate.key.to_owned() })
}
