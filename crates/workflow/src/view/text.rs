//! A run as text: the header and the tree of the published guide, with its five symbols.

use argo::{NodePhase, WorkflowStatus};
use runs::Branch;

/// The header of a run.
pub(crate) struct Header<'a> {
    /// The workflow's name.
    pub(crate) name: &'a str,
    /// What runs it.
    pub(crate) engine: &'a str,
    /// Its status.
    pub(crate) status: &'a WorkflowStatus,
    /// What is wrong beside what the status says, as for a dead engine.
    pub(crate) warning: Option<&'a str>,
    /// What else is to be known.
    pub(crate) notes: &'a [String],
}

/// Prints header and tree.
pub(crate) fn render(header: &Header<'_>, branches: &[Branch]) -> String {
    let Header { name, engine: _, status, warning, notes } = header;
    let mut lines = vec![format!("{} Workflow: {name}", header_symbol(status, *warning))];
    lines.push(format!("  Phase: {}", super::phase(status, *warning).as_str()));
    lines.extend(status.started_at.iter().map(|at| format!("  Started: {at}")));
    lines.extend(status.finished_at.iter().map(|at| format!("  Finished: {at}")));
    lines.extend(status.message.iter().map(|message| format!("  Message: {message}")));
    lines.extend(warning.iter().map(|warning| format!("  Warning: {warning}")));
    lines.extend(notes.iter().map(|note| format!("  Note: {note}")));
    lines.push(String::new());
    lines.push("📋 Workflow Steps".to_owned());
    push_branches(branches, "", &mut lines);
    lines.join("\n")
}

fn push_branches(branches: &[Branch], indent: &str, lines: &mut Vec<String>) {
    for (position, branch) in branches.iter().enumerate() {
        let is_last = position + 1 == branches.len();
        let (fork, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        lines.push(format!("{indent}{fork}{}", line(branch)));
        let inner = format!("{indent}{below}");
        // What a step that has not ended says is why it does not get on.
        let is_told = branch.phase.is_failure() || !branch.phase.is_complete();
        if is_told && branch.branches.is_empty() {
            lines.extend(
                branch
                    .message
                    .iter()
                    .flat_map(|text| text.lines())
                    .map(|text| format!("{inner}  {text}")),
            );
        }
        push_branches(&branch.branches, &inner, lines);
    }
}

/// Prints one branch without what is below it.
pub(crate) fn line(branch: &Branch) -> String {
    let mut text = format!("{} {}", symbol(branch), branch.title);
    if branch.is_waiting_gate() {
        text.push_str(" (Waiting for approval)");
    } else {
        text.push_str(&format!(" ({})", branch.phase.as_str()));
    }
    if branch.retries > 0 {
        text.push_str(&format!(", tried {} times", branch.retries + 1));
    }
    if branch.phase == NodePhase::Running
        && let Some(phrase) = branch.progress.as_ref().map(ToString::to_string)
        && !phrase.is_empty()
    {
        text.push_str(&format!(" {phrase}"));
    }
    if branch.phase == NodePhase::Succeeded
        && let Some(message) = &branch.message
        && branch.branches.is_empty()
        && branch.kind == argo::NodeType::Suspend
    {
        text.push_str(&format!(": {message}"));
    }
    text
}

fn symbol(branch: &Branch) -> &'static str {
    match branch.phase {
        NodePhase::Succeeded => "✓",
        NodePhase::Running if branch.is_waiting_gate() => "⟳",
        NodePhase::Running => "▶",
        NodePhase::Pending => "○",
        NodePhase::Failed | NodePhase::Error => "✗",
        NodePhase::Skipped | NodePhase::Omitted => "~",
    }
}

fn header_symbol(status: &WorkflowStatus, warning: Option<&str>) -> &'static str {
    if warning.is_some() {
        return "[X]";
    }
    match status.phase {
        NodePhase::Running => "[*]",
        NodePhase::Succeeded => "[+]",
        NodePhase::Failed | NodePhase::Error => "[-]",
        NodePhase::Pending => "[>]",
        NodePhase::Skipped | NodePhase::Omitted => "[?]",
    }
}

#[cfg(test)]
mod tests {
    use argo::NodeType;

    use super::*;

    fn branch(title: &str, phase: NodePhase) -> Branch {
        Branch {
            name: title.to_owned(),
            title: title.to_owned(),
            kind: NodeType::Pod,
            phase,
            message: None,
            progress: None,
            retries: 0,
            branches: Vec::new(),
        }
    }

    #[test]
    fn the_tree_is_that_of_the_guide() {
        let status = WorkflowStatus {
            phase: NodePhase::Running,
            started_at: Some("2026-11-20T10:30:00Z".to_owned()),
            ..WorkflowStatus::default()
        };
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
        let header = Header {
            name: "migration-workflow",
            engine: "local",
            status: &status,
            warning: None,
            notes: &[],
        };
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
        assert_eq!(render(&header, &branches), expected);
    }
}
