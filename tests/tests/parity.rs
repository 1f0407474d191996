//! Is the embedded engine Argo's equal? The same workflows on both, and the same end of each: the
//! run, every node, every output.
//!
//! They are those of `corpus/parity`, and Argo's own examples as far as they are within our subset,
//! from the module that the cluster was built of. To look at a few of them, name parts of their
//! names in `ARGOSY_TEST_WORKFLOWS`, with commas between.

use std::{path::Path, thread, time::Instant};

use anyhow::{Result, ensure};
use tests::{
    host,
    namespace::Namespace,
    parity::{corpus, local, outcome::Outcome, remote},
};

/// As many of Argo's examples are within our subset and run in a shell.
const EXAMPLES: usize = 32;

#[test]
fn the_engine_and_argo_come_to_the_same_end() -> Result<()> {
    let cluster = host::cluster(&host::machine()?)?;
    let namespace = Namespace::new("parity")?;

    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/parity");
    let mut cases = corpus::ours(&ours, &namespace.name)?;
    let examples = cluster.argo_source.join("examples");
    let (examples, skipped) = corpus::argos(&examples, &namespace.name)?;
    for skipped in &skipped {
        println!("not run: {}: {}", skipped.file, skipped.reason);
    }
    ensure!(examples.len() >= EXAMPLES, "only {} of Argo's examples can be run", examples.len());
    cases.extend(examples);
    if let Some(named) = std::env::var_os("ARGOSY_TEST_WORKFLOWS") {
        let named = named.to_string_lossy();
        cases.retain(|case| named.split(',').any(|part| case.name.contains(part)));
    }

    let started = Instant::now();
    let folder = tempfile::tempdir()?;
    let (engine, argo) = thread::scope(|scope| {
        let engine = scope.spawn(|| local::run(&cases, folder.path()));
        let argo = remote::run(&cases, &namespace);
        (engine.join().expect("no panic"), argo)
    });
    let (engine, argo) = (engine?, argo?);
    println!("{} workflows ran on both after {:.0?}", cases.len(), started.elapsed());

    let mut unequal = 0;
    for ((case, engine), argo) in cases.iter().zip(&engine).zip(&argo) {
        let (engine, argo) = (Outcome::of(engine), Outcome::of(argo));
        let differences = engine.differences(&argo);
        let word = if differences.is_empty() { "equal" } else { "NOT EQUAL" };
        println!("{}: {word}: {}, {} nodes", case.name, argo.phase(), argo.nodes());
        for difference in &differences {
            println!("    {difference}");
        }
        unequal += usize::from(!differences.is_empty());
    }
    ensure!(unequal == 0, "{unequal} of {} workflows end otherwise on the engine", cases.len());
    Ok(())
}
