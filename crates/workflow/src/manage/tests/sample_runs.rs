//! Runs for the tests, built of branches as the tree has them, and of Argo's nodes.

use argo::{NodePhase, NodeStatus, NodeType, Outputs, Parameter, WorkflowStatus};
use contract::{Measure, Progress};

use jiff::Timestamp;
use runs::{Branch, EngineKind, Gate, GateState, Observation, Run, RunModel, Trouble};

pub(super) fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}Z").parse().expect("a time")
}

pub(super) fn run(uid: &str) -> Run {
    Run {
        name: "migration-workflow".to_owned(),
        uid: uid.to_owned(),
        created_at: at("04:41:40"),
        phase: NodePhase::Running,
        is_complete: false,
    }
}

/// A branch below a name.
pub(super) fn branch(above: &str, title: &str, phase: NodePhase) -> Branch {
    let last = title.to_lowercase().replace(' ', "-");
    Branch {
        name: format!("{above}.{last}"),
        title: title.to_owned(),
        kind: NodeType::Pod,
        phase,
        ..Branch::default()
    }
}

pub(super) fn gate(above: &str, name: &str, phase: NodePhase) -> Branch {
    Branch { kind: NodeType::Suspend, ..branch(above, name, phase) }
}

pub(super) fn group(name: &str, phase: NodePhase, branches: Vec<Branch>) -> Branch {
    Branch {
        kind: NodeType::Dag,
        branches,
        ..branch("migration-workflow.shop-to-new", name, phase)
    }
}

/// What is known of a run, and its tree.
pub(super) struct Known {
    pub(super) observation: Observation,
    branches: Vec<Branch>,
}

/// What is known of a run with these branches; gates are as their branches are.
pub(super) fn known(phase: NodePhase, branches: Vec<Branch>) -> Known {
    let mut gates = Vec::new();
    let mut pending: Vec<&Branch> = branches.iter().collect();
    while let Some(branch) = pending.pop() {
        pending.extend(&branch.branches);
        if branch.kind == NodeType::Suspend {
            let state = match branch.phase {
                NodePhase::Running => GateState::Waiting,
                NodePhase::Succeeded => GateState::Approved,
                NodePhase::Failed => GateState::Rejected,
                _ => GateState::Pending,
            };
            let is_answered = matches!(state, GateState::Approved | GateState::Rejected);
            gates.push(Gate {
                name: branch.title.clone(),
                state,
                by: is_answered.then(|| "alice".to_owned()),
                at: is_answered.then(|| at("04:45:00")),
                reason: is_answered.then(|| "looked at the report".to_owned()),
            });
        }
    }
    let observation = Observation {
        status: WorkflowStatus {
            phase,
            started_at: Some("2026-11-21T04:41:41Z".to_owned()),
            ..WorkflowStatus::default()
        },
        gates,
        ..Observation::default()
    };
    Known { observation, branches }
}

/// Makes the model.
pub(super) fn model(run: &Run, known: &Known) -> RunModel {
    RunModel::from_tree(run, EngineKind::Local, &known.observation, &known.branches)
}

/// Adds what Argo knows of a node.
pub(super) fn add_node(known: &mut Known, branch: &str, change: impl FnOnce(&mut NodeStatus)) {
    let mut node = NodeStatus {
        id: branch.to_owned(),
        name: branch.to_owned(),
        display_name: branch.rsplit('.').next().unwrap_or_default().to_owned(),
        started_at: Some("2026-11-21T04:46:10Z".to_owned()),
        ..NodeStatus::default()
    };
    change(&mut node);
    known.observation.status.nodes.insert(node.id.clone(), node);
}

fn answer(value: &str) -> Outputs {
    Outputs { parameters: vec![Parameter::new("answer", value)], ..Outputs::default() }
}

const ORDERS: &str = "migration-workflow.shop-to-new.orders";
const REST: &str = "migration-workflow.shop-to-new.everything-else";

/// The migration of the README, at work: one group is through, the other waits or restores.
pub(super) fn two_groups(rest: Vec<Branch>) -> Vec<Branch> {
    let done = NodePhase::Succeeded;
    let top = "migration-workflow.shop-to-new";
    let answered = |name: &str| {
        let mut gate = gate(ORDERS, name, done);
        gate.message = Some("approved by alice: looked at the report".to_owned());
        gate
    };
    vec![
        branch(top, "Initialize", done),
        branch(top, "Create Snapshot", done),
        branch(top, "Register Snapshot", done),
        group(
            "orders",
            done,
            vec![
                branch(ORDERS, "Evaluate Metadata", done),
                answered("metadata-evaluated-shop-to-new-orders"),
                branch(ORDERS, "Migrate Metadata", done),
                branch(ORDERS, "Restore Documents", done),
                branch(ORDERS, "Verify Documents", done),
                answered("documents-backfilled-shop-to-new-orders"),
            ],
        ),
        group("everything-else", NodePhase::Running, rest),
        branch(top, "Cleanup", NodePhase::Pending),
    ]
}

/// Documents are being restored.
pub(super) fn in_progress() -> RunModel {
    let mut restore = branch(REST, "Restore Documents", NodePhase::Running);
    restore.progress = Some(Progress {
        measures: vec![
            Measure::count("shards", 3, Some(10)),
            Measure::count("documents", 9_214, Some(16_817)).with_rate(4310.2),
        ],
        eta_seconds: Some(2),
        waiting: None,
    });
    let name = restore.name.clone();
    let mut known = known(
        NodePhase::Running,
        two_groups(vec![
            branch(REST, "Evaluate Metadata", NodePhase::Succeeded),
            gate(REST, "metadata-evaluated-shop-to-new-everything-else", NodePhase::Succeeded),
            branch(REST, "Migrate Metadata", NodePhase::Succeeded),
            restore,
            branch(REST, "Verify Documents", NodePhase::Pending),
            gate(REST, "documents-backfilled-shop-to-new-everything-else", NodePhase::Pending),
        ]),
    );
    add_node(&mut known, &name, |node| {
        let parameter = Parameter::new;
        node.inputs = Some(argo::Inputs {
            parameters: vec![
                parameter("task", "restore-documents"),
                parameter("group", "everything-else"),
            ],
        });
    });
    add_node(&mut known, &format!("{name}.prepare"), |node| {
        node.outputs = Some(answer(r#"{"shards": 10, "documents": 16817, "indices": ["a", "b"]}"#));
    });
    model(&run("u1"), &known)
}

/// A gate waits.
pub(super) fn waiting() -> RunModel {
    waiting_of(&run("u1"), NodePhase::Running)
}

/// The same, with the gate in a phase.
pub(super) fn waiting_of(run: &Run, phase: NodePhase) -> RunModel {
    let known = known(
        NodePhase::Running,
        two_groups(vec![
            branch(REST, "Evaluate Metadata", NodePhase::Succeeded),
            gate(REST, "metadata-evaluated-shop-to-new-everything-else", phase),
            branch(REST, "Migrate Metadata", NodePhase::Pending),
            branch(REST, "Restore Documents", NodePhase::Pending),
            branch(REST, "Verify Documents", NodePhase::Pending),
            gate(REST, "documents-backfilled-shop-to-new-everything-else", NodePhase::Pending),
        ]),
    );
    model(run, &known)
}

/// A step failed, and the engine is gone.
pub(super) fn failed() -> RunModel {
    let mut verify = branch(REST, "Verify Documents", NodePhase::Failed);
    verify.message = Some(
        "index `customers`: 3 of 16,817 documents are missing on `new`; look with `console \
         failed-documents list`, then run `workflow resume`"
            .to_owned(),
    );
    verify.retries = 2;
    let name = verify.name.clone();
    let mut known = known(
        NodePhase::Running,
        two_groups(vec![
            branch(REST, "Evaluate Metadata", NodePhase::Succeeded),
            branch(REST, "Restore Documents", NodePhase::Succeeded),
            verify,
        ]),
    );
    add_node(&mut known, &name, |node| {
        node.finished_at = Some("2026-11-21T04:47:31Z".to_owned());
        node.phase = NodePhase::Failed;
    });
    known.observation.trouble = Some(Trouble {
        message: "its engine is not running; nothing is lost: run `workflow resume \
                  migration-workflow`"
            .to_owned(),
        command: "workflow resume migration-workflow".to_owned(),
    });
    model(&run("u1"), &known)
}

/// It has ended: a gate was rejected, or all went well.
pub(super) fn ended(phase: NodePhase) -> RunModel {
    let gate = gate(REST, "metadata-evaluated-shop-to-new-everything-else", phase);
    model(&run("u1"), &known(phase, two_groups(vec![gate])))
}

/// A migration of this many groups of six steps and a gate each.
pub(super) fn many(groups: usize) -> RunModel {
    let groups = (0..groups)
        .map(|number| {
            let name = format!("group-{number}");
            let above = format!("migration-workflow.shop-to-new.{name}");
            let steps = ["Evaluate Metadata", "Migrate Metadata", "Restore Documents"];
            let mut branches: Vec<Branch> =
                steps.iter().map(|step| branch(&above, step, NodePhase::Succeeded)).collect();
            let phase = if number % 50 == 7 { NodePhase::Running } else { NodePhase::Pending };
            branches.push(gate(&above, &format!("documents-backfilled-{name}"), phase));
            branches.push(branch(&above, "Verify Documents", NodePhase::Pending));
            group(&name, NodePhase::Running, branches)
        })
        .collect();
    model(&run("u1"), &known(NodePhase::Running, groups))
}
