//! Is there a snapshot repository for every source, and can it be reached?

use contract::{RepositoryUri, RepositoryUriError};
use url::Url;

use super::{Rule, auth, walk};
use crate::{
    config::file::{MigrationFile, SnapshotRepo, SourceCluster},
    findings::{Report, Severity},
    installation::{Installation, Steps},
    pointer::Pointer,
};

/// Not a repository's URI.
pub(crate) const URI: Rule = Rule {
    id: "repository::uri",
    severity: Severity::Error,
    summary: "a snapshot repository that no reader knows",
    docs: "Repositories are `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or \
           `file:///folder`.",
};

/// S3 without a region.
pub(crate) const REGION: Rule = Rule {
    id: "repository::no-region",
    severity: Severity::Error,
    summary: "an S3 repository without its region",
    docs: "Requests to S3 are signed for a region. `awsRegion` must name the bucket's. It can be \
           left out only for an S3-compatible service with its own `endpoint`.",
};

/// No repository.
pub(crate) const NONE: Rule = Rule {
    id: "repository::none",
    severity: Severity::Error,
    summary: "a source without a snapshot repository",
    docs: "The migration reads from a snapshot, which must be somewhere. Name the place in \
           `snapshotRepo.repoPathUri`, or give the installation a default repository.",
};

/// One thing in two spellings.
pub(crate) const TWICE: Rule = Rule {
    id: "repository::two-spellings",
    severity: Severity::Error,
    summary: "one setting of a repository is given in two spellings",
    docs: "`s3RepoPathUri` is another spelling of `repoPathUri`, and `aws_region` of `awsRegion`. \
           Keep the second of each pair.",
};

/// AWS-managed and no role.
pub(crate) const ROLE: Rule = Rule {
    id: "repository::no-role",
    severity: Severity::Error,
    summary: "an AWS-managed source cannot write to S3 without a role",
    docs: "A domain of Amazon OpenSearch Service writes its snapshot with a role that it is given \
           when the repository is registered. Name it in `snapshotRepo.s3RoleArn`, or read a \
           snapshot that exists.",
};

/// A snapshot without a name.
pub(crate) const SNAPSHOT_NAME: Rule = Rule {
    id: "repository::snapshot-name",
    severity: Severity::Error,
    summary: "`snapshotName` cannot be a snapshot's name",
    docs: "Names of snapshots are lower-case, without spaces, commas, slashes and the like, and do \
           not begin with `_`. Leave the key out to have a snapshot taken.",
};

/// A folder that pods do not see.
pub(crate) const UNSEEN: Rule = Rule {
    id: "repository::unseen-folder",
    severity: Severity::Warning,
    summary: "pods do not see the folder of a `file://` repository",
    docs: "On Kubernetes a step sees only what is mounted into its pod. Put the folder that the \
           source writes to behind a PersistentVolumeClaim of the namespace, and say with \
           `--snapshot-volume CLAIM:FOLDER` where the pods are to see it: at the path that \
           `repoPathUri` names, or above it. It is mounted to be read only. On one machine there \
           is nothing to do.",
};

pub(crate) fn check(file: &MigrationFile, installation: &Installation, report: &mut Report<'_>) {
    for (path, name, source) in walk::sources(file) {
        let repo = source.snapshot_repo.as_ref();
        let path = path.key("snapshotRepo");
        if let Some(repo) = repo {
            spellings(repo, &path, report);
            snapshot_name(repo, &path, report);
            if let Some(name) = &repo.secret_name {
                auth::secret_name(name, &path.key("secretName"), report);
            }
        }
        place(name, source, installation, &path, report);
    }
}

/// Checks where the snapshots are: in the source's own repository, or in the default one.
fn place(
    name: &str,
    source: &SourceCluster,
    installation: &Installation,
    path: &Pointer,
    report: &mut Report<'_>,
) {
    let repo = source.snapshot_repo.as_ref();
    let own = repo.and_then(SnapshotRepo::uri);
    let default = installation.default_snapshot_repository.as_ref();
    let (text, at) = match (own, default) {
        (Some((key, text)), _) => (text, path.key(key)),
        (None, Some(default)) => (default.repo_path_uri.as_str(), path.clone()),
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
            return;
        }
    };
    let of = if own.is_some() { "this" } else { "the installation's default" };
    if let Err(error) = text.parse::<RepositoryUri>() {
        let help = match error {
            RepositoryUriError::NoScheme if text.starts_with('/') => {
                format!("write `file://{text}`")
            }
            RepositoryUriError::Host(_) => {
                format!("write `{}`", text.replacen("file://", "file:///", 1))
            }
            _ => "write for example `s3://bucket/prefix` or `file:///srv/snapshots`".to_owned(),
        };
        report.value(&URI, &at, format!("{of} repository cannot be read: {error}")).help(help);
        return;
    }
    let is_seen = installation.snapshot_volume.as_ref().is_some_and(|volume| volume.holds(text));
    if installation.steps == Steps::Pods && text.starts_with("file://") && !is_seen {
        let folder = text.trim_start_matches("file://").trim_end_matches('/');
        report.value(&UNSEEN, &at, format!("no pod sees {of} repository, a folder")).help(format!(
            "add `--snapshot-volume CLAIM:{folder}` with a PersistentVolumeClaim that holds it"
        ));
    }
    let is_s3 = text.starts_with("s3://");
    let default = default.filter(|_| own.is_none());
    let region = repo.and_then(SnapshotRepo::region).is_some()
        || default.is_some_and(|default| default.aws_region.is_some());
    let own_service = repo.is_some_and(|repo| repo.endpoint.is_some())
        || default.is_some_and(|default| default.endpoint.is_some());
    if is_s3 && !region && !own_service {
        report
            .value(&REGION, &at, format!("{of} S3 repository has no region"))
            .help("add `awsRegion:` with the bucket's region beside it");
    }
    let role = repo.is_some_and(|repo| repo.s3_role_arn.is_some())
        || default.is_some_and(|default| default.s3_role_arn.is_some());
    let takes_snapshot = repo.is_none_or(|repo| repo.snapshot_name.is_none());
    if is_s3 && takes_snapshot && !role && is_managed(source) {
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
}

/// Returns whether the source is a domain of Amazon OpenSearch Service.
fn is_managed(source: &SourceCluster) -> bool {
    let sigv4 = source.auth_config.as_ref().and_then(|auth| auth.sigv4.as_ref());
    let signed = sigv4.is_some_and(|sigv4| sigv4.service.as_deref().is_none_or(|it| it == "es"));
    let url = source.endpoint.as_deref().and_then(|endpoint| Url::parse(endpoint).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    signed || host.ends_with(".es.amazonaws.com")
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
    let forbidden = |letter: char| {
        letter.is_uppercase()
            || letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ',' | '#')
    };
    if name.is_empty() || name.starts_with('_') || name.contains(forbidden) {
        report
            .value(
                &SNAPSHOT_NAME,
                &path.key("snapshotName"),
                format!("no snapshot can be called `{name}`"),
            )
            .help("write the name that `GET _snapshot/<repository>/_all` shows, or leave it out");
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check::testing::{pair_in, printed, printed_for},
        installation::{DefaultRepository, Installation, Steps},
    };

    #[test]
    fn a_folder_must_be_mounted_to_be_seen_by_pods() {
        let file = pair_in("repoPathUri: \"file:///mnt/snapshots/old\"");
        let pods = Installation { steps: Steps::Pods, ..Installation::default() };
        insta::assert_snapshot!(printed_for(&file, &pods), @r#"
        warning[repository::unseen-folder]: no pod sees this repository, a folder
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
        error[auth::secret-name]: no Secret can be called `My Keys`
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
        error[repository::snapshot-name]: no snapshot can be called `Nightly Run`
         --> migration.yaml:4:60
          |
        4 |     snapshotRepo: { repoPathUri: "gs://a/b", snapshotName: "Nightly Run" }
          |                                                            ^^^^^^^^^^^^^
          |
          = help: write the name that `GET _snapshot/<repository>/_all` shows, or leave it out
        "#);
    }
}
