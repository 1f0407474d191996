//! Where are the snapshots of a source? In its own repository, or in a folder of its own in the
//! installation's: two clusters that write one repository destroy it.

use std::collections::BTreeMap;

use argo::names;
use contract::{Auth, Repository, RepositoryUri, RepositoryUriError};

use super::file::SnapshotRepo;
use crate::{
    clusters::{
        auth::prove_secret_name,
        endpoint,
        proved::{Cluster, Clusters, Part},
    },
    file::{
        MigrationFile,
        clusters::SourceCluster,
        walk::{self, Side},
    },
    findings::report::Report,
    installation::{DefaultRepository, Installation, Steps},
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[NONE, URI, REGION, ROLE, TWICE, SNAPSHOT_NAME, UNSEEN];

/// Not a repository's URI.
const URI: Rule = Rule {
    id: "repository::uri",
    severity: Severity::Error,
    summary: "the URI of a snapshot repository is not supported",
    docs: "Repositories are `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or \
           `file:///folder`.",
};

/// S3 without a region.
const REGION: Rule = Rule {
    id: "repository::no-region",
    severity: Severity::Error,
    summary: "an S3 repository without a region",
    docs: "Requests to S3 are signed for a region. `awsRegion` must be the region of the bucket. \
           It can be left out only for an S3-compatible service with its own `endpoint`.",
};

/// No repository.
const NONE: Rule = Rule {
    id: "repository::none",
    severity: Severity::Error,
    summary: "a source without a snapshot repository",
    docs: "The migration reads from a snapshot, which needs a repository. Write its URI in \
           `snapshotRepo.repoPathUri`, or give the installation a default repository.",
};

/// One thing in two spellings.
const TWICE: Rule = Rule {
    id: "repository::two-spellings",
    severity: Severity::Error,
    summary: "one setting of a repository is given in two spellings",
    docs: "`s3RepoPathUri` is another spelling of `repoPathUri`, and `aws_region` of `awsRegion`. \
           Keep the second of each pair.",
};

/// AWS-managed and no role.
const ROLE: Rule = Rule {
    id: "repository::no-role",
    severity: Severity::Error,
    summary: "an AWS-managed source cannot write to S3 without a role",
    docs: "A domain of Amazon OpenSearch Service writes its snapshot with a role, which is set when \
           the repository is registered. Write the role in `snapshotRepo.s3RoleArn`, or use an \
           existing snapshot.",
};

/// A snapshot without a name.
const SNAPSHOT_NAME: Rule = Rule {
    id: "repository::snapshot-name",
    severity: Severity::Error,
    summary: "`snapshotName` is not a valid name of a snapshot",
    docs: "The name of a snapshot is lower-case, has no spaces, commas, slashes or wildcards, and \
           does not begin with `_`. When the key is left out, a snapshot is taken.",
};

/// A folder that pods do not see.
const UNSEEN: Rule = Rule {
    id: "repository::unseen-folder",
    severity: Severity::Warning,
    summary: "pods do not see the folder of a `file://` repository",
    docs: "On Kubernetes a step sees only what is mounted into its pod. Make the folder that the \
           source writes to available as a PersistentVolumeClaim of the namespace, and mount it \
           with `--snapshot-volume CLAIM:FOLDER`. FOLDER is the path that `repoPathUri` names, or \
           a folder above it. The mount is read-only. On one machine there is nothing to do.",
};

/// Where the snapshots of a source are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceRepository {
    pub repository: Repository,
    /// The Secret with the keys to it.
    pub secret: Option<String>,
    /// The snapshot that exists; one is taken when absent.
    pub existing_snapshot: Option<String>,
    pub max_rate_mb_per_node: Option<u32>,
}

/// Proves the repository of every source.
pub(super) fn prove<'a>(
    file: &'a MigrationFile,
    clusters: &Clusters,
    installation: &Installation,
    report: &mut Report<'_>,
) -> BTreeMap<&'a str, SourceRepository> {
    let mut repositories = BTreeMap::new();
    for (path, name, source) in walk::sources(file) {
        let path = path.key("snapshotRepo");
        if let Some(repo) = &source.snapshot_repo {
            spellings(repo, &path, report);
            snapshot_name(repo, &path, report);
            if let Some(name) = &repo.secret_name {
                prove_secret_name(name, &path.key("secretName"), report);
            }
            if let Some(endpoint) = &repo.endpoint {
                endpoint::prove(endpoint, &path.key("endpoint"), report);
            }
        }
        let cluster = clusters.get(Side::Source, name).and_then(Part::proved);
        let is_managed = cluster.is_some_and(is_managed);
        let proved = prove_source(name, source, is_managed, installation, &path, report);
        repositories.extend(proved.map(|repository| (name, repository)));
    }
    repositories
}

/// Proves where the snapshots are: in the source's own repository, or in the default one.
fn prove_source(
    name: &str,
    source: &SourceCluster,
    is_managed: bool,
    installation: &Installation,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<SourceRepository> {
    let repo = source.snapshot_repo.as_ref();
    let (place, at) =
        match (repo.and_then(SnapshotRepo::uri), &installation.default_snapshot_repository) {
            (Some((key, text)), _) => {
                let at = path.key(key);
                let uri = prove_uri(text, "this", &at, report)?;
                (Place::Own { uri }, at)
            }
            (None, Some(default)) => {
                let at = path.clone();
                let uri =
                    prove_uri(&default.repo_path_uri, "the installation's default", &at, report)?;
                (Place::Default { uri, default }, at)
            }
            (None, None) => {
                report
                .key(
                    &NONE,
                    &path.key("repoPathUri"),
                    format!("source `{name}` has no snapshot repository"),
                )
                .help(
                    "add `snapshotRepo: { repoPathUri: s3://bucket/prefix, awsRegion: ... }`, or \
                     give the installation a default repository",
                );
                return None;
            }
        };
    let of = place.described();
    let folder = place.uri().as_folder();
    let is_seen = installation.snapshot_volume.as_ref().is_some_and(|it| it.holds(place.uri()));
    if installation.steps == Steps::Pods
        && let Some(folder) = folder
        && !is_seen
    {
        report.value(&UNSEEN, &at, format!("{of} repository is a folder that no pod sees")).help(
            format!(
                "add `--snapshot-volume CLAIM:{}` with a PersistentVolumeClaim that holds it",
                folder.display()
            ),
        );
    }
    let proved = place.repository(name, repo);
    let is_s3 = matches!(proved.repository.uri, RepositoryUri::S3 { .. });
    if is_s3 && proved.repository.region.is_none() && proved.repository.endpoint.is_none() {
        report
            .value(&REGION, &at, format!("{of} S3 repository has no region"))
            .help("add `awsRegion:` with the bucket's region beside it");
    }
    let takes_snapshot = proved.existing_snapshot.is_none();
    if is_s3 && takes_snapshot && proved.repository.role_arn.is_none() && is_managed {
        report
            .value(
                &ROLE,
                &at,
                format!(
                    "source `{name}` is managed by AWS and has no role to write its snapshot with"
                ),
            )
            .help("add `s3RoleArn:`, or `snapshotName:` to read a snapshot that exists");
    }
    Some(proved)
}

/// Which repository a source uses.
enum Place<'a> {
    /// The one that its `snapshotRepo` names.
    Own { uri: RepositoryUri },
    /// A folder in that of the installation, whose own URI this is.
    Default { uri: RepositoryUri, default: &'a DefaultRepository },
}

impl Place<'_> {
    const fn uri(&self) -> &RepositoryUri {
        match self {
            Self::Own { uri } | Self::Default { uri, .. } => uri,
        }
    }

    const fn described(&self) -> &'static str {
        match self {
            Self::Own { .. } => "this",
            Self::Default { .. } => "the installation's default",
        }
    }

    /// Returns the repository of a source. The values of its `snapshotRepo` override those of the
    /// default repository. The keys to the default repository are used for that one only.
    fn repository(&self, source: &str, repo: Option<&SnapshotRepo>) -> SourceRepository {
        let (uri, default) = match self {
            Self::Own { uri } => (uri.clone(), None),
            Self::Default { uri, default } => (uri.join(&names::sanitize(source)), Some(*default)),
        };
        let region = repo.and_then(SnapshotRepo::region).map(|(_, region)| region.to_owned());
        let endpoint = repo.and_then(|repo| repo.endpoint.clone());
        let role_arn = repo.and_then(|repo| repo.s3_role_arn.clone());
        let secret = repo.and_then(|repo| repo.secret_name.clone());
        SourceRepository {
            repository: Repository {
                uri,
                region: region.or_else(|| default?.aws_region.clone()),
                endpoint: endpoint.or_else(|| default?.endpoint.clone()),
                role_arn: role_arn.or_else(|| default?.s3_role_arn.clone()),
            },
            secret: secret.or_else(|| default?.secret_name.clone()),
            existing_snapshot: repo.and_then(|repo| repo.snapshot_name.clone()),
            max_rate_mb_per_node: repo.and_then(|repo| repo.max_snapshot_rate_mb_per_node),
        }
    }
}

fn prove_uri(text: &str, of: &str, at: &Pointer, report: &mut Report<'_>) -> Option<RepositoryUri> {
    let error = match text.parse::<RepositoryUri>() {
        Ok(uri) => return Some(uri),
        Err(error) => error,
    };
    let help = match error {
        RepositoryUriError::NoScheme if text.starts_with('/') => format!("write `file://{text}`"),
        RepositoryUriError::Host(_) => {
            format!("write `{}`", text.replacen("file://", "file:///", 1))
        }
        _ => "write for example `s3://bucket/prefix` or `file:///srv/snapshots`".to_owned(),
    };
    report.value(&URI, at, format!("{of} repository cannot be read: {error}")).help(help);
    None
}

/// Returns whether the source is a domain of Amazon OpenSearch Service.
fn is_managed(source: &Cluster) -> bool {
    let signed = matches!(&source.access.auth, Auth::Sigv4 { service, .. } if service == "es");
    signed || source.host.ends_with(".es.amazonaws.com")
}

fn spellings(repo: &SnapshotRepo, path: &Pointer, report: &mut Report<'_>) {
    let pairs = [
        (
            "s3RepoPathUri",
            repo.s3_repo_path_uri.is_some(),
            "repoPathUri",
            repo.repo_path_uri.is_some(),
        ),
        (
            "aws_region",
            repo.aws_region_underscore.is_some(),
            "awsRegion",
            repo.aws_region.is_some(),
        ),
    ];
    for (other, other_given, usual, usual_given) in pairs {
        if other_given && usual_given {
            report
                .key(
                    &TWICE,
                    &path.key(other),
                    format!("`{other}` and `{usual}` are the same setting"),
                )
                .help(format!("keep `{usual}`"));
        }
    }
}

fn snapshot_name(repo: &SnapshotRepo, path: &Pointer, report: &mut Report<'_>) {
    let Some(name) = repo.snapshot_name.as_deref() else { return };
    let forbidden = |character: char| {
        character.is_uppercase()
            || character.is_whitespace()
            || character.is_control()
            || matches!(character, '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ',' | '#')
    };
    if name.is_empty() || name.starts_with('_') || name.contains(forbidden) {
        report
            .value(
                &SNAPSHOT_NAME,
                &path.key("snapshotName"),
                format!("`{name}` cannot be the name of a snapshot"),
            )
            .help("write the name that `GET _snapshot/<repository>/_all` shows, or leave it out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{pair_in, printed, printed_for};

    #[test]
    fn a_folder_must_be_mounted_to_be_seen_by_pods() {
        let file = pair_in("repoPathUri: \"file:///mnt/snapshots/old\"");
        let pods = Installation { steps: Steps::Pods, ..Installation::default() };
        insta::assert_snapshot!(printed_for(&file, &pods), @r#"
        warning[repository::unseen-folder]: this repository is a folder that no pod sees
         --> migration.yaml:4:34
          |
        4 |     snapshotRepo: { repoPathUri: "file:///mnt/snapshots/old" }
          |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: add `--snapshot-volume CLAIM:/mnt/snapshots/old` with a PersistentVolumeClaim that holds it
        "#);
        assert_eq!(printed(&file), "");
        let volume = Some("nfs:/mnt/snapshots".parse().expect("a volume"));
        assert_eq!(printed_for(&file, &Installation { snapshot_volume: volume, ..pods }), "");
    }

    #[test]
    fn a_secret_has_a_name_that_a_secret_can_have() {
        let repo = "repoPathUri: \"gs://a/b\", secretName: \"My Keys\"";
        insta::assert_snapshot!(printed(&pair_in(repo)), @r#"
        error[auth::secret-name]: `My Keys` cannot be the name of a Secret
         --> migration.yaml:4:58
          |
        4 |     snapshotRepo: { repoPathUri: "gs://a/b", secretName: "My Keys" }
          |                                                          ^^^^^^^^^
          |
          = help: write lower-case letters, digits and `-`
        "#);
        assert_eq!(printed(&pair_in("repoPathUri: \"gs://a/b\", secretName: my-keys")), "");
    }

    const WITHOUT: &str = r#"sourceClusters:
  old: { endpoint: "http://source" }
targetClusters: { new: { endpoint: "http://target" } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;

    #[test]
    fn a_source_without_a_repository_needs_a_default_one() {
        insta::assert_snapshot!(printed(WITHOUT), @r#"
        error[repository::none]: source `old` has no snapshot repository
         --> migration.yaml:2:3
          |
        2 |   old: { endpoint: "http://source" }
          |   ^^^
          |
          = help: add `snapshotRepo: { repoPathUri: s3://bucket/prefix, awsRegion: ... }`, or give the installation a default repository
        "#);
        let with_default = |uri: &str| Installation {
            default_snapshot_repository: Some(DefaultRepository {
                repo_path_uri: uri.to_owned(),
                ..DefaultRepository::default()
            }),
            ..Installation::default()
        };
        assert_eq!(printed_for(WITHOUT, &with_default("file:///srv/snapshots")), "");
        insta::assert_snapshot!(printed_for(WITHOUT, &with_default("/srv/snapshots")), @r#"
        error[repository::uri]: the installation's default repository cannot be read: it does not begin with a scheme
         --> migration.yaml:2:8
          |
        2 |   old: { endpoint: "http://source" }
          |        ^
          |
          = help: write `file:///srv/snapshots`
        "#);
    }

    #[test]
    fn an_unknown_scheme_is_refused() {
        insta::assert_snapshot!(printed(&pair_in("repoPathUri: \"hdfs://a/b\"")), @r#"
        error[repository::uri]: this repository cannot be read: the scheme `hdfs` is not supported
         --> migration.yaml:4:34
          |
        4 |     snapshotRepo: { repoPathUri: "hdfs://a/b" }
          |                                  ^^^^^^^^^^^^
          |
          = help: write for example `s3://bucket/prefix` or `file:///srv/snapshots`
        "#);
    }

    #[test]
    fn s3_needs_a_region_unless_the_service_is_another() {
        insta::assert_snapshot!(printed(&pair_in("s3RepoPathUri: \"s3://bucket\"")), @r#"
        error[repository::no-region]: this S3 repository has no region
         --> migration.yaml:4:36
          |
        4 |     snapshotRepo: { s3RepoPathUri: "s3://bucket" }
          |                                    ^^^^^^^^^^^^^
          |
          = help: add `awsRegion:` with the bucket's region beside it
        "#);
        let compatible = "repoPathUri: \"s3://bucket\", endpoint: \"http://minio:9000\"";
        assert_eq!(printed(&pair_in(compatible)), "");
    }

    #[test]
    fn two_spellings_of_one_setting_are_refused() {
        let repo = "repoPathUri: \"s3://a\", awsRegion: us-east-1, aws_region: us-east-2";
        insta::assert_snapshot!(printed(&pair_in(repo)), @r#"
        error[repository::two-spellings]: `aws_region` and `awsRegion` are the same setting
         --> migration.yaml:4:66
          |
        4 |     snapshotRepo: { repoPathUri: "s3://a", awsRegion: us-east-1, aws_region: us-east-2 }
          |                                                                  ^^^^^^^^^^
          |
          = help: keep `awsRegion`
        "#);
    }

    #[test]
    fn a_managed_source_needs_a_role_to_take_a_snapshot() {
        let managed = |repo: &str| {
            let endpoint = "https://search-a.us-east-1.es.amazonaws.com";
            pair_in(repo).replace("http://source", endpoint)
        };
        let repo = "repoPathUri: \"s3://a\", awsRegion: us-east-1";
        insta::assert_snapshot!(printed(&managed(repo)), @r#"
        error[repository::no-role]: source `old` is managed by AWS and has no role to write its snapshot with
         --> migration.yaml:4:34
          |
        4 |     snapshotRepo: { repoPathUri: "s3://a", awsRegion: us-east-1 }
          |                                  ^^^^^^^^
          |
          = help: add `s3RoleArn:`, or `snapshotName:` to read a snapshot that exists
        "#);
        assert_eq!(printed(&managed(&format!("{repo}, s3RoleArn: \"arn:aws:iam::1:role/r\""))), "");
        assert_eq!(printed(&managed(&format!("{repo}, snapshotName: nightly"))), "");
    }

    #[test]
    fn a_snapshot_name_has_rules() {
        let repo = "repoPathUri: \"gs://a/b\", snapshotName: \"Nightly Run\"";
        insta::assert_snapshot!(printed(&pair_in(repo)), @r#"
        error[repository::snapshot-name]: `Nightly Run` cannot be the name of a snapshot
         --> migration.yaml:4:60
          |
        4 |     snapshotRepo: { repoPathUri: "gs://a/b", snapshotName: "Nightly Run" }
          |                                                            ^^^^^^^^^^^^^
          |
          = help: write the name that `GET _snapshot/<repository>/_all` shows, or leave it out
        "#);
    }

    #[test]
    fn sources_without_a_repository_get_a_folder_each_in_the_default_one() {
        let default = DefaultRepository {
            repo_path_uri: "s3://bucket/all/".to_owned(),
            ..DefaultRepository::default()
        };
        let place = Place::Default {
            uri: default.repo_path_uri.parse().expect("a URI"),
            default: &default,
        };
        let uri = |source| place.repository(source, None).repository.uri.to_string();
        assert_eq!(uri("legacy"), "s3://bucket/all/legacy");
        let folders = [uri("a/b"), uri("A/b"), uri("a-b"), uri("..")];
        for (position, folder) in folders.iter().enumerate() {
            let name = folder.strip_prefix("s3://bucket/all/").expect("inside");
            assert!(names::is_allowed(name), "{name}");
            assert!(!folders.iter().skip(position + 1).any(|other| other == folder), "{folder}");
        }
    }

    #[test]
    fn the_keys_to_the_default_repository_open_no_other_one() {
        let default = DefaultRepository {
            repo_path_uri: "s3://bucket".to_owned(),
            secret_name: Some("default-keys".to_owned()),
            ..DefaultRepository::default()
        };
        let uri = || default.repo_path_uri.parse().expect("a URI");
        let in_default = Place::Default { uri: uri(), default: &default };
        let own = Place::Own { uri: uri() };
        let repo = |secret: Option<&str>| SnapshotRepo {
            secret_name: secret.map(str::to_owned),
            ..SnapshotRepo::default()
        };
        let secret =
            |place: &Place<'_>, repo: &SnapshotRepo| place.repository("old", Some(repo)).secret;
        assert_eq!(in_default.repository("old", None).secret.as_deref(), Some("default-keys"));
        assert_eq!(secret(&in_default, &repo(Some("own"))).as_deref(), Some("own"));
        assert_eq!(secret(&own, &repo(Some("own"))).as_deref(), Some("own"));
        assert_eq!(secret(&own, &repo(None)), None);
    }
}
