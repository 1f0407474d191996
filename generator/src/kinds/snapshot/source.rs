//! Can a snapshot come from this source?

use crate::{
    file::{MigrationFile, walk},
    findings::report::Report,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[NO_ENDPOINT, SERVERLESS_SOURCE];

/// None where one is needed.
const NO_ENDPOINT: Rule = Rule {
    id: "cluster::no-endpoint",
    severity: Severity::Error,
    summary: "a source has neither an endpoint nor an existing snapshot",
    docs: "The source takes the snapshot, so its endpoint must be known. The endpoint can be left \
           out only when `snapshotRepo.snapshotName` names an existing snapshot.",
};

/// A source that has no snapshots.
const SERVERLESS_SOURCE: Rule = Rule {
    id: "auth::serverless-source",
    severity: Severity::Error,
    summary: "a serverless collection is used as a source",
    docs: "Collections of OpenSearch Serverless have no snapshot repositories, so nothing can be \
           read from them. They can be targets.",
};

/// Checks every source.
pub(super) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    for (path, name, source) in walk::sources(file) {
        let exists = source.snapshot_repo.as_ref().is_some_and(|repo| repo.snapshot_name.is_some());
        if source.endpoint.is_none() && !exists {
            // The place is the missing key's: no finding is added when it is there but broken.
            report
                .key(
                    &NO_ENDPOINT,
                    &path.key("endpoint"),
                    format!("source `{name}` has no `endpoint`"),
                )
                .help(
                    "add `endpoint:`, or name an existing snapshot in `snapshotRepo.snapshotName`",
                );
        }
        let sigv4 = source.auth_config.as_ref().and_then(|auth| auth.sigv4.as_ref());
        if sigv4.and_then(|sigv4| sigv4.service.as_deref()) == Some("aoss") {
            report
                .value(
                    &SERVERLESS_SOURCE,
                    &path.key("authConfig").key("sigv4").key("service"),
                    format!("source `{name}` is a serverless collection, which has no snapshots"),
                )
                .help(
                    "write `service: es` if it is a managed domain; a collection can only be a \
                     target",
                );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::printed;

    #[test]
    fn a_source_that_takes_a_snapshot_needs_an_endpoint() {
        let source = r#"
sourceClusters:
  old: { snapshotRepo: { repoPathUri: "gs://b/p" } }
targetClusters: { new: { endpoint: "http://target" } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::no-endpoint]: source `old` has no `endpoint`
         --> migration.yaml:3:3
          |
        3 |   old: { snapshotRepo: { repoPathUri: "gs://b/p" } }
          |   ^^^
          |
          = help: add `endpoint:`, or name an existing snapshot in `snapshotRepo.snapshotName`
        "#);
    }
}
