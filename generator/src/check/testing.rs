//! What the tests of rules share: a file in, the printed findings out.

use crate::{
    compile,
    findings::{self, Colour},
    installation::Installation,
};

/// Returns what is printed for a file.
pub(crate) fn printed(source: &str) -> String {
    printed_for(source, &Installation::default())
}

/// Returns what is printed for a file in an installation.
pub(crate) fn printed_for(source: &str, installation: &Installation) -> String {
    let compiled = compile(source, installation);
    findings::text(&compiled.findings, source, "migration.yaml", Colour::Never)
}

/// A file with more keys for its source and its target.
pub(crate) fn pair(source: &str, target: &str) -> String {
    format!(
        r#"sourceClusters:
  old:
    endpoint: "http://source"
    snapshotRepo: {{ repoPathUri: "gs://bucket/prefix" }}
    {source}
targetClusters:
  new:
    endpoint: "http://target"
    {target}
migrations:
  - sourceCluster: old
    targetCluster: new
    snapshotMigrations: [ {{ indices: ["*"] }} ]
"#
    )
}

/// A file with another repository.
pub(crate) fn pair_in(repository: &str) -> String {
    pair("allowInsecure: true", "allowInsecure: true")
        .replace(r#"repoPathUri: "gs://bucket/prefix""#, repository)
}

/// A file with other groups.
pub(crate) fn grouped(groups: &str) -> String {
    pair("allowInsecure: true", "allowInsecure: true").replace(r#" [ { indices: ["*"] } ]"#, groups)
}
