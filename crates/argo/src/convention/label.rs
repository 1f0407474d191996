//! The labels and annotations of our objects, and those of Argo that we set or read.

/// The prefix of our own labels and annotations.
const PREFIX: &str = "argosy.dev/";

/// The workflow that an object belongs to.
pub const WORKFLOW: &str = "argosy.dev/workflow";
/// The migration that a pod works for.
pub const MIGRATION: &str = "argosy.dev/migration";
/// The group that a pod works for; empty when it works for a whole migration.
pub const GROUP: &str = "argosy.dev/group";
/// The source cluster of a pod's migration.
pub const SOURCE: &str = "argosy.dev/source";
/// The target cluster of a pod's migration.
pub const TARGET: &str = "argosy.dev/target";
/// The snapshot of a pod's migration.
pub const SNAPSHOT: &str = "argosy.dev/snapshot";
/// The configuration session that an object keeps.
pub const SESSION: &str = "argosy.dev/session";
/// Marks a Secret of credentials that the command line created.
pub const CREDENTIALS: (&str, &str) = ("argosy.dev/credentials", "true");
/// The annotation of a Workflow with the id of its submission.
pub const SUBMISSION: &str = "argosy.dev/submission";

/// Marks every object of ours.
pub const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "argosy");

/// The workflow that a pod belongs to. Argo sets it on the pods that it creates; our Jobs set it
/// on theirs.
pub const ARGO_WORKFLOW: &str = "workflows.argoproj.io/workflow";
/// Marks a ConfigMap that Argo may read parameters from.
pub const ARGO_PARAMETERS: (&str, &str) = ("workflows.argoproj.io/configmap-type", "Parameter");

/// Returns our label of a name without prefix: `group` gives `argosy.dev/group`.
pub fn ours(name: &str) -> String {
    format!("{PREFIX}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_of_ours_has_the_prefix() {
        let labels = [WORKFLOW, MIGRATION, GROUP, SOURCE, TARGET, SNAPSHOT, SESSION];
        let annotations = [CREDENTIALS.0, SUBMISSION, crate::convention::resume::WHOLE.0];
        for label in labels.into_iter().chain(annotations) {
            let name = label.strip_prefix(PREFIX).expect("the prefix");
            assert_eq!(ours(name), label);
        }
    }
}
