//! Which clusters does the file describe, and how are they talked to?
//!
//! ```text
//!  sourceClusters, targetClusters --endpoint, version, auth--> Clusters
//!  migrations                     --reference---------------> Ends of each migration
//! ```

pub(crate) mod auth;
pub(crate) mod endpoint;
pub(crate) mod proved;
pub(crate) mod reference;
pub(crate) mod version;

use contract::ClusterAccess;

use self::proved::{Cluster, Clusters, Entry, Part};
use crate::{
    file::{
        MigrationFile,
        walk::{self, RawCluster, Side},
    },
    findings::report::Report,
};

/// Proves the clusters of the file. `workflow` names the Secrets of credentials in clear text.
pub(crate) fn prove(file: &MigrationFile, workflow: &str, report: &mut Report<'_>) -> Clusters {
    let mut clusters = Clusters::default();
    for raw in walk::clusters(file) {
        let version = version::prove(&raw, report);
        let cluster = prove_cluster(&raw, &version, workflow, report);
        let side = match raw.side {
            Side::Source => &mut clusters.sources,
            Side::Target => &mut clusters.targets,
        };
        side.insert(raw.name.to_owned(), Entry { version, cluster });
    }
    version::check_pairs(file, &clusters, report);
    clusters
}

fn prove_cluster(
    raw: &RawCluster<'_>,
    version: &Part<contract::ServerVersion>,
    workflow: &str,
    report: &mut Report<'_>,
) -> Part<Cluster> {
    let path = &raw.path;
    let auth = auth::prove(raw.auth, raw.name, workflow, &path.key("authConfig"), report);
    let Some(endpoint) = raw.endpoint else { return Part::Absent };
    let endpoint = endpoint::prove(endpoint, &path.key("endpoint"), report);
    let version = match version {
        Part::Absent => None,
        Part::Proved(version) => Some(*version),
        Part::Refused => return Part::Refused,
    };
    let (Some(endpoint), Some(auth)) = (endpoint, auth) else { return Part::Refused };
    Part::Proved(Cluster {
        access: ClusterAccess {
            name: raw.name.to_owned(),
            endpoint: endpoint.url,
            version,
            allow_insecure: raw.allow_insecure.unwrap_or(false),
            auth: auth.auth,
        },
        secret: auth.secret,
        host: endpoint.host,
        clear_text: auth.clear_text,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Installation, clusters};

    const FILE: &str = r#"
sourceClusters: { old: { endpoint: "http://a", version: ES 7.10 } }
targetClusters: { new: { endpoint: "http://b/" } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["A"] } ] }
"#;

    #[test]
    fn clusters_are_read_whatever_the_repository_and_the_groups_are() {
        let read = clusters(FILE, &Installation::default());
        assert!(read.findings.is_empty(), "{:?}", read.findings);
        let found = read.clusters.expect("clusters");
        let endpoints: Vec<&str> =
            found.sources().chain(found.targets()).map(|it| it.access.endpoint.as_str()).collect();
        assert_eq!(endpoints, ["http://a", "http://b"]);
    }

    #[test]
    fn a_cluster_that_cannot_be_used_is_an_error() {
        let read = clusters(&FILE.replace("http://b/", "b:9200"), &Installation::default());
        let ids: Vec<&str> = read.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, ["cluster::endpoint"]);
        assert!(read.clusters.is_none());
    }
}
