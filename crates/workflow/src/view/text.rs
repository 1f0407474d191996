//! A run as text: the header and the tree of the published guide, with its five symbols.

use argo::{NodePhase, NodeType};
use jiff::Timestamp;
use runs::{NodeWaiting, RunModel, RunNode};

/// Prints header and tree, as of `now`.
pub(crate) fn render(model: &RunModel, now: Timestamp) -> String {
    let RunModel { name, phase, started_at, finished_at, message, trouble, notes, nodes, .. } =
        model;
    let mut lines = vec![format!("{} Workflow: {name}", header_symbol(model))];
    lines.push(format!("  Phase: {phase}"));
    lines.extend(started_at.iter().map(|at| format!("  Started: {at}")));
    lines.extend(finished_at.iter().map(|at| format!("  Finished: {at}")));
    lines.extend(message.iter().map(|message| format!("  Message: {message}")));
    lines.extend(trouble.iter().map(|trouble| format!("  Warning: {}", trouble.message)));
    lines.extend(notes.iter().map(|note| format!("  Note: {note}")));
    lines.push(String::new());
    lines.push("📋 Workflow Steps".to_owned());
    for (position, node) in nodes.iter().enumerate().skip(1) {
        push_node(nodes, position, node, now, &mut lines);
    }
    lines.join("\n")
}

fn push_node(
    nodes: &[RunNode],
    position: usize,
    node: &RunNode,
    now: Timestamp,
    lines: &mut Vec<String>,
) {
    let is_last = |node: &RunNode| {
        let parent = node.parent.and_then(|parent| nodes.get(parent));
        parent.is_some_and(|parent| parent.subtree_end == node.subtree_end)
    };
    let mut indent = String::new();
    let mut above = node.parent.filter(|parent| *parent > 0);
    while let Some(parent) = above.and_then(|above| nodes.get(above)) {
        indent.insert_str(0, if is_last(parent) { "    " } else { "│   " });
        above = parent.parent.filter(|parent| *parent > 0);
    }
    let (fork, below) =
        if is_last(node) { ("└── ", "    ") } else { ("├── ", "│   ") };
    lines.push(format!("{indent}{fork}{}", line(node)));
    if node.is_leaf(position) {
        for text in explanation(node, now) {
            lines.push(format!("{indent}{below}  {text}"));
        }
    }
}

/// Returns the lines below a step: why it failed, or what it waits for.
fn explanation(node: &RunNode, now: Timestamp) -> Vec<String> {
    let is_explained = node.phase.is_failure() || !node.phase.is_complete();
    let is_in_waiting = |message: &&String| matches!(&node.waiting, Some(NodeWaiting::Pod { reason }) if reason == *message);
    let message = node.message.as_ref().filter(|_| is_explained);
    let mut lines: Vec<String> = message
        .filter(|message| !is_in_waiting(message))
        .into_iter()
        .flat_map(|text| text.lines())
        .map(str::to_owned)
        .collect();
    if let Some(waiting) = &node.waiting {
        lines.extend(waiting.phrase(now).lines().map(str::to_owned));
    }
    lines
}

/// Prints a node without what is below it.
pub(crate) fn line(node: &RunNode) -> String {
    let mut text = format!("{} {}", symbol(node), node.display_name);
    if node.is_waiting_gate() {
        text.push_str(" (Waiting for approval)");
    } else {
        text.push_str(&format!(" ({})", node.phase));
    }
    if node.retries > 0 {
        text.push_str(&format!(", tried {} times", node.retries + 1));
    }
    if node.phase == NodePhase::Running
        && let Some(progress) = node.progress.as_ref().map(ToString::to_string)
        && !progress.is_empty()
    {
        text.push_str(&format!(" {progress}"));
    }
    if node.phase == NodePhase::Succeeded
        && let Some(message) = &node.message
        && node.kind == NodeType::Suspend
    {
        text.push_str(&format!(": {message}"));
    }
    text
}

fn symbol(node: &RunNode) -> &'static str {
    match node.phase {
        NodePhase::Succeeded => "✓",
        NodePhase::Running if node.is_waiting_gate() => "⟳",
        NodePhase::Running => "▶",
        NodePhase::Pending => "○",
        NodePhase::Failed | NodePhase::Error => "✗",
        NodePhase::Skipped | NodePhase::Omitted => "~",
    }
}

fn header_symbol(model: &RunModel) -> &'static str {
    if model.trouble.is_some() {
        return "[X]";
    }
    match model.phase {
        NodePhase::Running => "[*]",
        NodePhase::Succeeded => "[+]",
        NodePhase::Failed | NodePhase::Error => "[-]",
        NodePhase::Pending => "[>]",
        NodePhase::Skipped | NodePhase::Omitted => "[?]",
    }
}

#[cfg(test)]
mod tests {
    use argo::WorkflowStatus;
    use contract::{Measure, Progress, Waiting};
    use runs::{Branch, EngineKind, Observation, Run};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn branch(title: &str, phase: NodePhase) -> Branch {
        Branch { name: title.to_owned(), title: title.to_owned(), phase, ..Branch::default() }
    }

    fn rendered(branches: &[Branch]) -> String {
        let status = WorkflowStatus {
            phase: NodePhase::Running,
            started_at: Some("2026-11-20T10:30:00Z".to_owned()),
            ..WorkflowStatus::default()
        };
        let run = Run {
            name: "migration-workflow".to_owned(),
            uid: "u".to_owned(),
            created_at: at("2026-11-20T10:29:00Z"),
            phase: NodePhase::Running,
            is_complete: false,
        };
        let observation = Observation { status, ..Observation::default() };
        let model = RunModel::from_tree(&run, EngineKind::Local, &observation, branches);
        render(&model, at("2026-11-20T10:30:12Z"))
    }

    #[test]
    fn the_tree_is_that_of_the_guide() {
        let mut gate = branch("metadata-evaluated-a-to-b-group-1", NodePhase::Running);
        gate.kind = NodeType::Suspend;
        let mut failed = branch("Verify Documents", NodePhase::Failed);
        failed.message = Some("index `a`: 3 documents are missing".to_owned());
        let branches = [
            branch("Initialize", NodePhase::Succeeded),
            gate,
            failed,
            branch("Cleanup", NodePhase::Pending),
        ];
        let expected = "\
[*] Workflow: migration-workflow
  Phase: Running
  Started: 2026-11-20T10:30:00Z

📋 Workflow Steps
├── ✓ Initialize (Succeeded)
├── ⟳ metadata-evaluated-a-to-b-group-1 (Waiting for approval)
├── ✗ Verify Documents (Failed)
│     index `a`: 3 documents are missing
└── ○ Cleanup (Pending)";
        assert_eq!(rendered(&branches), expected);
    }

    #[test]
    fn what_a_node_waits_for_is_below_it() {
        let mut restore = branch("Restore Documents", NodePhase::Running);
        restore.progress = Some(Progress {
            measures: vec![Measure::count("shards", 1, Some(2))],
            ..Progress::default()
        });
        restore.waiting = Some(NodeWaiting::Request(Waiting {
            request: "POST /_bulk of cluster `new`".to_owned(),
            last_answer: Some("503 Service Unavailable".to_owned()),
            since: at("2026-11-20T10:30:00Z"),
            next_attempt: None,
        }));
        let mut blocked = branch("Verify Documents", NodePhase::Pending);
        blocked.message = Some("image `x` cannot be pulled".to_owned());
        blocked.waiting =
            Some(NodeWaiting::Pod { reason: "image `x` cannot be pulled".to_owned() });
        let mut group = branch("orders", NodePhase::Running);
        group.branches = vec![restore, blocked];
        let text = rendered(&[branch("Initialize", NodePhase::Succeeded), group]);
        let expected = "\
├── ✓ Initialize (Succeeded)
└── ▶ orders (Running)
    ├── ▶ Restore Documents (Running) 1/2 shards
    │     waiting 12 s for POST /_bulk of cluster `new`; last answer: 503 Service Unavailable
    └── ○ Verify Documents (Pending)
          image `x` cannot be pulled";
        assert!(text.ends_with(expected), "{text}");
    }
}
