//! Are the versions readable, and can data go from one to the other?

use contract::{
    ServerVersion,
    version::{Support, support},
};

use super::proved::{Clusters, Part};
use crate::{
    file::{
        MigrationFile,
        walk::{self, RawCluster, Side},
    },
    findings::report::Report,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[UNREADABLE, UNSUPPORTED];

/// Not a version.
const UNREADABLE: Rule = Rule {
    id: "cluster::version",
    severity: Severity::Error,
    summary: "a version that cannot be parsed",
    docs: "Versions are written as `\"7.10.2\"`, `ES 7.10`, `OS 1.3` or `OpenSearch 2.19.0`. A \
           number without a name is a version of OpenSearch from 1 to 3, and of Elasticsearch \
           from 5. When the key is left out, the version is detected.",
};

/// A pair that cannot be migrated.
const UNSUPPORTED: Rule = Rule {
    id: "version::unsupported",
    severity: Severity::Error,
    summary: "data cannot be migrated between these versions",
    docs: "Sources are Elasticsearch 5 to 9 and OpenSearch 1 to 3; targets are OpenSearch 1 to 3 \
           and Elasticsearch 7 to 9. A downgrade is refused: an older target does not \
           support everything that the source can store. The same is checked again with the \
           detected versions before anything is written.",
};

/// Proves the version of a cluster.
pub(super) fn prove(cluster: &RawCluster<'_>, report: &mut Report<'_>) -> Part<ServerVersion> {
    match cluster.version.map(str::parse::<ServerVersion>) {
        None => Part::Absent,
        Some(Ok(version)) => Part::Proved(version),
        Some(Err(error)) => {
            report
                .value(&UNREADABLE, &cluster.path.key("version"), error.to_string())
                .help("leave `version` out to have it detected, if you are not sure");
            Part::Refused
        }
    }
}

/// Checks that each migration is between versions that are supported.
pub(super) fn check_pairs(file: &MigrationFile, clusters: &Clusters, report: &mut Report<'_>) {
    for (path, migration) in walk::migrations(file) {
        let version = |side, name: &Option<String>| clusters.version(side, name.as_ref()?);
        let source = version(Side::Source, &migration.source_cluster);
        let target = version(Side::Target, &migration.target_cluster);
        if let (Some(source), Some(target)) = (source, target)
            && let Support::Unsupported(reason) = support(&source, &target)
        {
            report.value(&UNSUPPORTED, &path.key("targetCluster"), reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{pair, printed};

    #[test]
    fn a_version_that_is_none_is_refused() {
        insta::assert_snapshot!(printed(&pair("version: latest", "version: \"2.x\"")), @r#"
        error[cluster::version]: `latest` is not a version; write for example `7.10.2`, `ES 7.10` or `OS 2.19`
         --> migration.yaml:5:14
          |
        5 |     version: latest
          |              ^^^^^^
          |
          = help: leave `version` out to have it detected, if you are not sure

        error[cluster::version]: `2.x` is not a version; write for example `7.10.2`, `ES 7.10` or `OS 2.19`
         --> migration.yaml:9:14
          |
        9 |     version: "2.x"
          |              ^^^^^
          |
          = help: leave `version` out to have it detected, if you are not sure
        "#);
    }

    #[test]
    fn a_downgrade_is_refused_where_the_migration_asks_for_it() {
        insta::assert_snapshot!(printed(&pair("version: OS 2.19", "version: OS 1.3")), @"
        error[version::unsupported]: from OpenSearch 2.19 to OpenSearch 1.3 is a downgrade: the target does not support everything that the source can store; choose a newer target
          --> migration.yaml:12:20
           |
        12 |     targetCluster: new
           |                    ^^^
        ");
    }

    #[test]
    fn a_version_that_no_reader_knows_is_refused() {
        insta::assert_snapshot!(printed(&pair("version: ES 10", "version: OS 3")), @"
        error[version::unsupported]: Elasticsearch 10 is not supported as a source; sources are Elasticsearch 5 to 9 and OpenSearch 1 to 3
          --> migration.yaml:12:20
           |
        12 |     targetCluster: new
           |                    ^^^
        ");
    }

    #[test]
    fn supported_pairs_and_unknown_versions_pass() {
        assert_eq!(printed(&pair("version: ES 8.19", "version: OS 2.19")), "");
        assert_eq!(printed(&pair("version: ES 8.19", "allowInsecure: true")), "");
    }
}
