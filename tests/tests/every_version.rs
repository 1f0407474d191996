//! A snapshot of each server version that is known moves into a real OpenSearch, through the
//! product's own programs: every index and every document of it, with its routing.
//!
//! The snapshots are those of `tests/corpus/snapshots`: a test that had to start each of those
//! servers first would take an hour and prove nothing more.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use tests::{
    argosy::{Argosy, Done, run},
    bucket::Bucket,
    compare::{different, documents, in_one_spelling, refresh},
    corpus::{Fixture, FixtureSnapshot, fixtures},
    servers::TestServer,
};

/// The servers of which a snapshot has to be in the corpus, and has to arrive.
const VERSIONS: &[&str] = &[
    "elasticsearch 5.6",
    "elasticsearch 6.8",
    "elasticsearch 7.3",
    "elasticsearch 7.10",
    "elasticsearch 7.17",
    "elasticsearch 8.19",
    "elasticsearch 9.2",
    "opensearch 1.3",
    "opensearch 2.19",
    "opensearch 3.4",
];

/// The targets, older first.
const TARGETS: [&str; 2] = ["os219", "os34"];

/// Returns the target of a fixture: by turns, but never an older one than its source.
fn target_of(fixture: &Fixture, number: usize) -> &'static str {
    let [_, newest] = TARGETS;
    if fixture.server.starts_with("opensearch 3") {
        return newest;
    }
    TARGETS[number % TARGETS.len()]
}

/// What a migration file says of a repository: its address, and what reading it needs.
fn migration(repository: &str, snapshot: &str, target: &TestServer) -> String {
    format!(
        "sourceClusters:\n  source:\n    snapshotRepo: {{ {repository}, snapshotName: {snapshot} \
         }}\ntargetClusters:\n  target: {{ endpoint: {} }}\nmigrations:\n  - sourceCluster: \
         source\n    targetCluster: target\n    snapshotMigrations:\n      - indices: [\"*\"]\n        \
         documentBackfill: {{ allowPartialSource: true }}\n",
        target.address.url
    )
}

/// The last snapshot of a fixture, unless it holds what cannot be migrated.
fn last(fixture: &Fixture) -> Option<&FixtureSnapshot> {
    let whole =
        ["synthetic", "logs-and-series", "lacking"].iter().all(|case| fixture.case != *case);
    fixture.snapshots.last().filter(|last| whole && last.state == "SUCCESS")
}

/// Says how the target differs from what a fixture's server returned.
fn arrived(fixture: &Fixture, last: &FixtureSnapshot, target: &TestServer) -> Result<Vec<String>> {
    let expected: BTreeMap<String, u64> =
        last.indices.iter().filter_map(|(name, count)| Some((name.clone(), (*count)?))).collect();
    let found = test_datasets::counts(&target.http)?;
    ensure!(found == expected, "{}: {found:?} arrived, not {expected:?}", fixture.name);
    let mut problems = Vec::new();
    for index in expected.keys() {
        refresh(&target.http, index)?;
        let mut arrived = documents(&target.http, index)?;
        for source in arrived.values_mut() {
            *source = in_one_spelling(source);
        }
        problems.extend(different(index, fixture.documents(&last.snapshot, index)?, arrived));
    }
    Ok(problems)
}

fn told(argosy: &Argosy, done: &Done) -> String {
    format!("{}{}{}", done.stdout, done.stderr, argosy.report())
}

#[test]
fn a_snapshot_of_each_version_arrives_whole() -> Result<()> {
    let fixtures = fixtures()?;
    let mut arrived_from = BTreeSet::new();
    let mut problems = Vec::new();
    for (number, fixture) in fixtures.iter().enumerate() {
        let Some(last) = last(fixture) else { continue };
        let target = TestServer::emptied(target_of(fixture, number))?;
        let argosy = Argosy::new()?;
        let address = format!("repoPathUri: \"file://{}\"", fixture.repository().display());
        let text = migration(&address, &last.snapshot, &target);
        let done = argosy.migrate(&argosy.write("migration.yaml", &text)?)?;
        if done.code == Some(0) {
            let different = arrived(fixture, last, &target);
            match different {
                Ok(different) if different.is_empty() => {
                    arrived_from.insert(fixture.server.clone());
                }
                Ok(different) => problems.push(format!("{}:\n{different:#?}", fixture.name)),
                Err(error) => problems.push(format!("{}: {error:#}", fixture.name)),
            }
        } else {
            problems.push(format!("{}: {}", fixture.name, told(&argosy, &done)));
        }
        println!(
            "{} into {}: {} problems so far",
            fixture.name,
            target.address.name,
            problems.len()
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    for version in VERSIONS {
        let is_there = arrived_from.iter().any(|server| server.starts_with(version));
        assert!(is_there, "no snapshot of {version} arrived; there are {arrived_from:?}");
    }
    Ok(())
}

/// Sources of which a snapshot has some fields are refused unless that is allowed, and those of which
/// it has none always.
#[test]
fn documents_that_lack_fields_arrive_only_if_that_is_allowed() -> Result<()> {
    let fixtures = fixtures()?;
    let fixture = fixtures.iter().find(|it| it.name == "es717-lacking").context("no fixture")?;
    let last = fixture.snapshots.last().context("no snapshot")?;
    let address = format!("repoPathUri: \"file://{}\"", fixture.repository().display());
    let migrate = |from: &str, to: &str| {
        let target = TestServer::emptied("os219")?;
        let argosy = Argosy::new()?;
        let text = migration(&address, &last.snapshot, &target);
        ensure!(text.contains(from), "`{from}` is not in the file");
        let done = argosy.migrate(&argosy.write("migration.yaml", &text.replace(from, to))?)?;
        anyhow::Ok((target, done.code, told(&argosy, &done)))
    };

    let (_target, code, told) = migrate("allowPartialSource: true", "allowPartialSource: false")?;
    assert_eq!(code, Some(1), "{told}");
    for index in last.indices.keys() {
        assert!(told.contains(&format!("exclude it with `-{index}`")), "{index}: {told}");
    }
    assert!(told.contains("set `documentBackfill.allowPartialSource: true`"), "{told}");

    let (target, code, told) = migrate("[\"*\"]", "[\"*\", \"-lacking-disabled\"]")?;
    assert_eq!(code, Some(0), "{told}");
    for index in ["lacking-excluded", "lacking-included"] {
        refresh(&target.http, index)?;
        let expected = fixture.documents(&last.snapshot, index)?;
        let different = different(index, expected, documents(&target.http, index)?);
        assert!(different.is_empty(), "{different:#?}");
    }
    Ok(())
}

/// The same through the whole chain of programs from a real S3 server, signed, by path.
#[test]
fn a_snapshot_in_s3_arrives_whole() -> Result<()> {
    let Some(endpoint) = variable("ARGOSY_S3_ENDPOINT") else {
        println!("skipped: `cargo xtask test --lane servers` sets up the S3 server that it needs");
        return Ok(());
    };
    let bucket = variable("ARGOSY_S3_BUCKET").context("no bucket")?;
    let region = variable("ARGOSY_S3_REGION").context("no region")?;
    let fixtures = fixtures()?;
    let fixture =
        fixtures.iter().find(|it| it.name == "es710-incremental").context("no fixture")?;
    let last = last(fixture).context("no snapshot")?;
    let secret = variable("AWS_SECRET_ACCESS_KEY").context("no secret")?;
    let opened = Bucket {
        name: bucket.clone(),
        region: region.clone(),
        endpoint: endpoint.clone(),
        access_key: variable("AWS_ACCESS_KEY_ID").context("no key")?,
        secret_key: secret.clone(),
    };
    opened.upload(&fixture.repository(), &fixture.name)?;
    let target = TestServer::emptied("os219")?;
    let argosy = Argosy::new()?;
    let address = format!(
        "repoPathUri: \"s3://{bucket}/{}\", awsRegion: {region}, endpoint: \"{endpoint}\"",
        fixture.name
    );
    let file = argosy.write("migration.yaml", &migration(&address, &last.snapshot, &target))?;
    let mut submit = argosy.workflow(["submit", "--approve-all", "--wait", "--timeout", "600"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        submit.env(name, variable(name).context("no credentials")?);
    }
    let done = run(submit.arg(file))?;
    assert_eq!(done.code, Some(0), "{}", told(&argosy, &done));
    let different = arrived(fixture, last, &target)?;
    assert!(different.is_empty(), "{different:#?}");
    // Secrets stay out of everything that is kept or shown.
    let status = run(&mut argosy.workflow(["show"]))?;
    assert!(!told(&argosy, &done).contains(&secret) && !status.stdout.contains(&secret));
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
