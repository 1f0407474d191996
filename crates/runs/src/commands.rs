//! Commands of the command line, as messages and the model name them.

/// The name of a workflow when none is given, as in the published guides.
pub const DEFAULT_WORKFLOW: &str = "migration-workflow";

/// Returns the flag that names a workflow; empty for the default one.
pub fn workflow_flag(name: &str) -> String {
    if name == DEFAULT_WORKFLOW { String::new() } else { format!(" --workflow-name {name}") }
}
