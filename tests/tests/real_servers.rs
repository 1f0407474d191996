//! Migrations between real servers, compared document by document.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use test_datasets::{Dataset, archive, random::Random, shop};
use tests::{
    argosy::{Argosy, run},
    compare::differences,
    killer,
    servers::TestServer,
};

fn migration(source: &TestServer, target: &TestServer, groups: &str) -> String {
    format!(
        r#"sourceClusters:
  source:
    endpoint: {}
    snapshotRepo: {{ repoPathUri: "{}" }}
targetClusters:
  target: {{ endpoint: {} }}
migrations:
  - sourceCluster: source
    targetCluster: target
    snapshotMigrations:
{groups}"#,
        source.address.url,
        source.repository_uri(),
        target.address.url
    )
}

fn migrated_unchanged(source: &str, target: &str, data: &Dataset, groups: &str) -> Result<()> {
    let source = TestServer::emptied(source)?;
    let target = TestServer::emptied(target)?;
    data.load(&source.http)?;
    let argosy = Argosy::new()?;
    let file = argosy.write("migration.yaml", &migration(&source, &target, groups))?;

    let done = argosy.migrate(&file)?;

    let report = || format!("{}{}{}", done.stdout, done.stderr, argosy.report());
    assert_eq!(done.code, Some(0), "{}", report());
    let expected = test_datasets::counts(&source.http)?;
    let migrated = test_datasets::counts(&target.http)?;
    assert_eq!(migrated, expected, "{}", report());
    let mut different = Vec::new();
    for index in expected.keys() {
        different.extend(differences(&source.http, &target.http, index)?);
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), shown(&different));
    Ok(())
}

/// The first differences, each cut to a length that can be read.
fn shown(differences: &[String]) -> String {
    let cut = |line: &String| line.chars().take(300).collect::<String>();
    differences.iter().take(20).map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_shop_moves_from_elasticsearch_7_17_to_opensearch_2_19() -> Result<()> {
    let groups = "      - { name: orders, indices: [\"orders-*\"] }\n      \
                  - { name: rest, indices: [\"*\", \"-orders-*\"] }\n";
    migrated_unchanged("es717", "os219", &shop::dataset(), groups)
}

#[test]
fn every_corner_of_an_archive_moves_from_elasticsearch_7_10_to_opensearch_3_4() -> Result<()> {
    // One of its indices keeps only some fields of its documents.
    let groups = "      - indices: [\"*\"]\n        \
                  documentBackfill: { workers: 2, allowPartialSource: true }\n";
    migrated_unchanged("es710", "os34", &archive::dataset(), groups)
}

/// How often the programs of one migration are killed.
const KILLS: usize = 20;

#[test]
fn a_migration_that_is_killed_twenty_times_ends_as_if_nothing_had_happened() -> Result<()> {
    let seed = seed()?;
    println!("seed {seed}; ARGOSY_SEED={seed} repeats these choices");
    let mut chance = Random::new(seed);
    let source = TestServer::emptied("es717")?;
    let target = TestServer::emptied("os219")?;
    shop::dataset().load(&source.http)?;
    let argosy = Argosy::new()?;
    // Small bulk requests, so that a shard takes long enough to be killed in its middle. On a quick
    // machine it takes more than one migration to kill so often: hence `append`.
    let groups = "      - indices: [\"*\"]\n        existingIndices: append\n        \
                  documentBackfill: { workers: 2, bulkDocuments: 50, leaseSeconds: 5 }\n";
    let file = argosy.write("migration.yaml", &migration(&source, &target, groups))?;

    let mut killed = Vec::new();
    while killed.len() < KILLS {
        let submitted = run(argosy.workflow(["submit", "--approve-all"]).arg(&file))?;
        assert_eq!(submitted.code, Some(0), "{}{}", submitted.stdout, submitted.stderr);
        let phase = killed_at_random(&argosy, &mut chance, &mut killed)?;
        assert_eq!(phase, "Succeeded", "{killed:?}\n{}", argosy.report());
    }

    println!("killed {killed:?}");
    let mut different = Vec::new();
    for index in test_datasets::counts(&source.http)?.keys() {
        different.extend(differences(&source.http, &target.http, index)?);
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), shown(&different));
    Ok(())
}

/// Kills programs of the running migration, one after the other, resuming it whenever its engine is
/// gone, and returns the phase in which it ended.
fn killed_at_random(
    argosy: &Argosy,
    chance: &mut Random,
    killed: &mut Vec<String>,
) -> Result<String> {
    let started = Instant::now();
    loop {
        thread::sleep(Duration::from_millis(30 + chance.below(500)));
        let running = killer::running(argosy.programs())?;
        let status = run(&mut argosy.workflow(["status", "--output", "json"]))?.json()?;
        if !status["finishedAt"].is_null() {
            return Ok(status["phase"].as_str().unwrap_or_default().to_owned());
        }
        assert!(started.elapsed() < Duration::from_mins(10), "{killed:?}\n{}", argosy.report());
        if !running.iter().any(killer::Running::is_engine) {
            // The engine may have ended the migration since we looked for it.
            run(&mut argosy.workflow(["resume"]))?;
        } else if killed.len() < KILLS {
            let choice = usize::try_from(chance.below(u64::try_from(running.len())?))?;
            if running[choice].kill()? {
                killed.push(running[choice].name.clone());
            }
        }
    }
}

/// The seed that the environment asks for, else one of this moment.
fn seed() -> Result<u64> {
    if let Some(asked) = std::env::var_os("ARGOSY_SEED") {
        return Ok(asked.to_string_lossy().parse()?);
    }
    let now = std::time::UNIX_EPOCH.elapsed()?;
    Ok(u64::from(now.subsec_nanos()) ^ u64::from(std::process::id()))
}
