//! Is every endpoint a plain URL, and is there one where it is needed?

use super::{Rule, walk};
use crate::{
    config::{
        endpoint::{EndpointError, plain},
        file::MigrationFile,
    },
    findings::{Report, Severity},
    pointer::Pointer,
};

/// Not a plain URL.
pub(crate) const RULE: Rule = Rule {
    id: "cluster::endpoint",
    severity: Severity::Error,
    summary: "an endpoint is not a plain `http` or `https` URL",
    docs: "An endpoint is scheme, host, port and perhaps a path. Credentials in it would be seen \
           in logs and manifests: they belong into `authConfig`. A query or fragment cannot be \
           kept when paths are added.",
};

/// None where one is needed.
pub(crate) const MISSING: Rule = Rule {
    id: "cluster::no-endpoint",
    severity: Severity::Error,
    summary: "a source has neither an endpoint nor an existing snapshot",
    docs: "A snapshot is taken by the source, so its endpoint must be known. Only when \
           `snapshotRepo.snapshotName` names a snapshot that exists can the endpoint be left out.",
};

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    for cluster in walk::clusters(file) {
        if let Some(endpoint) = cluster.endpoint {
            one(endpoint, &cluster.path.key("endpoint"), report);
        }
    }
    for (path, name, source) in walk::sources(file) {
        let repo = source.snapshot_repo.as_ref();
        if let Some(endpoint) = repo.and_then(|repo| repo.endpoint.as_deref()) {
            one(endpoint, &path.key("snapshotRepo").key("endpoint"), report);
        }
        let exists = repo.is_some_and(|repo| repo.snapshot_name.is_some());
        if source.endpoint.is_none() && !exists {
            // The place is the missing key's: nothing more is said when it is there but broken.
            report
                .key(&MISSING, &path.key("endpoint"), format!("source `{name}` has no `endpoint`"))
                .help(
                    "add `endpoint:`, or name an existing snapshot in `snapshotRepo.snapshotName`",
                );
        }
    }
}

fn one(endpoint: &str, path: &Pointer, report: &mut Report<'_>) {
    let Err(error) = plain(endpoint) else { return };
    let help = match &error {
        EndpointError::Credentials => "take them out, and name a Secret in `authConfig.basic`",
        EndpointError::Rest(_) => "end the URL before it",
        EndpointError::Space
        | EndpointError::Syntax(_)
        | EndpointError::Scheme(_)
        | EndpointError::Host => "write it as in `https://search.example.com:9200`",
    };
    // The value itself is not repeated in the message: it may hold a password.
    report.value(&RULE, path, format!("this endpoint cannot be used: {error}")).help(help);
}

#[cfg(test)]
mod tests {
    use crate::check::testing::printed;

    #[test]
    fn credentials_and_queries_do_not_belong_into_an_endpoint() {
        let source = r#"
sourceClusters:
  old: { endpoint: "https://me:secret@source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } }
targetClusters: { new: { endpoint: "https://target:9200/?pretty" } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::endpoint]: this endpoint cannot be used: it holds credentials, which would be seen in logs and manifests
         --> migration.yaml:3:20
          |
        3 |   old: { endpoint: "https://*********@source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } }
          |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: take them out, and name a Secret in `authConfig.basic`

        error[cluster::endpoint]: this endpoint cannot be used: it has a `?` part, which requests cannot keep
         --> migration.yaml:4:36
          |
        4 | targetClusters: { new: { endpoint: "https://target:9200/?pretty" } }
          |                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: end the URL before it
        "#);
    }

    #[test]
    fn a_host_without_a_scheme_is_no_url() {
        let source = r#"
sourceClusters: { old: { endpoint: "source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } } }
targetClusters: { new: { endpoint: target } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::endpoint]: this endpoint cannot be used: its scheme is `source`, not `http` or `https`
         --> migration.yaml:2:36
          |
        2 | sourceClusters: { old: { endpoint: "source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } } }
          |                                    ^^^^^^^^^^^^^
          |
          = help: write it as in `https://search.example.com:9200`

        error[cluster::endpoint]: this endpoint cannot be used: it is not a URL: relative URL without a base
         --> migration.yaml:3:36
          |
        3 | targetClusters: { new: { endpoint: target } }
          |                                    ^^^^^^
          |
          = help: write it as in `https://search.example.com:9200`
        "#);
    }

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
