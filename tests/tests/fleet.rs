//! The fleet of workers fails, or outlives its run, on real servers: does the migration end with
//! the reason, and continue when that is fixed?

use std::{
    collections::BTreeMap, future::pending, os::unix::fs::symlink, path::Path, process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use argo::{Manifest, NodePhase, WorkflowStatus};
use cluster::Client;
use contract::{Auth, ClusterAccess, Credentials};
use coordination::{group::GroupState, registration, shard_work::ShardWork};
use engine::{Clock, EngineOutcome, Existing, Options, Programs, Store, Submission};
use fleet::Item;
use fs_err as fs;
use generator::Installation;
use state_store::Stored;
use tests::{
    argosy::{Done, run},
    cluster_pair::{ALL, ClusterPair, DOCUMENTS, INDICES},
};

/// The run.
const UID: &str = "0f1e2d3c";

/// The program of the fleet, which is not there at first.
const FLEET: &str = "argosy-fleet";

/// What the other workers have, in [`held`].
const HOLDER: &str = "somebody-else";

/// A migration whose fleet has an image of its own.
fn manifests(pair: &ClusterPair) -> Result<Vec<Manifest>> {
    let text = format!("skipApprovals: true\n{}", pair.file(ALL));
    let compiled = generator::compile(&text, &Installation::default());
    let mut manifests = compiled.output.context("a migration file")?.manifests;
    let mut renamed = 0;
    for manifest in &mut manifests {
        let Manifest::WorkflowTemplate(object) = manifest else { continue };
        for template in object.spec.templates.iter_mut().filter(|it| it.resource.is_some()) {
            let inputs = template.inputs.iter_mut().flat_map(|inputs| &mut inputs.parameters);
            for image in inputs.filter(|input| input.name == "image") {
                image.default = Some(format!("localhost/{FLEET}:1"));
                renamed += 1;
            }
        }
    }
    ensure!(renamed == 1, "there is one kind of fleet");
    Ok(manifests)
}

fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Runs what was submitted to its end.
async fn finish(store: &Store, programs: &Path) -> Result<WorkflowStatus> {
    let options = Options::new(Programs::in_folder(programs));
    let run = engine::run(store, UID, options, pending());
    match tokio::time::timeout(Duration::from_mins(3), run).await {
        Ok(Ok(EngineOutcome::Finished(status))) => Ok(status),
        Ok(ended) => bail!("it has not finished: {ended:?}"),
        Err(_) => bail!("it does not end: {:#?}", store.status(UID)?.status),
    }
}

fn phase(status: &WorkflowStatus, display_name: &str) -> Option<NodePhase> {
    let found = status.nodes.values().find(|node| node.display_name == display_name);
    found.map(|node| node.phase)
}

/// What a step printed.
fn printed(store: &Store, step: &str) -> Result<String> {
    let files = store.log_files(UID)?;
    let mut files = files.into_iter().filter(|file| file.display_name.starts_with(step));
    files.try_fold(String::new(), |text, file| Ok(text + &fs::read_to_string(&file.path)?))
}

/// Gives all open items to another worker; returns how many there are.
async fn held(client: &Client) -> Result<usize> {
    state_store::refresh(client).await?;
    let open: Vec<Stored<Item<ShardWork>>> =
        state_store::all(client, &[("kind", "item"), ("state", "open")]).await?;
    for Stored { key, version, document } in &open {
        let mut item = document.clone();
        item.lease.holder = Some(HOLDER.to_owned());
        let written = fleet::items::save(client, *version, &item).await?;
        ensure!(written.is_some(), "another process works on `{key}`");
    }
    Ok(open.len())
}

/// Runs a worker as a Job of the run would.
fn worker(pair: &ClusterPair, manifests: &[Manifest]) -> Result<Done> {
    let templates = manifests.iter().filter_map(|manifest| match manifest {
        Manifest::WorkflowTemplate(object) => Some(&object.spec.templates),
        _ => None,
    });
    let tasks = templates.flatten().filter_map(|template| template.dag.as_ref());
    let workers = tasks.flat_map(|dag| &dag.tasks).find(|task| task.name == "workers");
    let parameters = workers.and_then(|task| task.arguments.as_ref()).context("the workers")?;
    let request = parameters.parameters.iter().find(|parameter| parameter.name == "request");
    let request = request.and_then(|request| request.value.as_ref()).context("their request")?;
    let program = pair.argosy.programs().join("argosy-rfs");
    run(Command::new(program).arg(request).env("ARGOSY_RUN_ID", UID))
}

#[test]
fn a_fleet_that_cannot_start_ends_the_migration_which_goes_on_when_it_can() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let manifests = manifests(&pair)?;
    let folder = tempfile::tempdir()?;
    let programs = folder.path().join("programs");
    fs::create_dir(&programs)?;
    for entry in fs::read_dir(pair.argosy.programs())? {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
        if path.is_file() && name.to_string_lossy().starts_with("argosy-") {
            symlink(&path, programs.join(name))?;
        }
    }
    let store = Store::open(folder.path().join("state"), Clock::new(jiff::Timestamp::now))?;
    store.submit(Submission {
        name: "migration-workflow".to_owned(),
        uid: UID.to_owned(),
        manifests: manifests.clone(),
        created_at: store.clock().now(),
        existing: Existing::Refuse,
    })?;

    let status = wait(finish(&store, &programs))?;
    assert_eq!(status.phase, NodePhase::Failed);
    assert_eq!(phase(&status, "workers"), Some(NodePhase::Error), "{status:#?}");
    assert_eq!(phase(&status, "follow"), Some(NodePhase::Failed), "{status:#?}");
    let told = printed(&store, "follow")?;
    let shards = INDICES.len();
    assert!(told.contains(&format!("{shards} of {shards} shards are not done")), "{told}");
    assert!(told.contains("`workflow resume`"), "{told}");

    // A Job whose workflow has ended: a worker finds that out, and its end is no failure that
    // would start another one.
    let access = ClusterAccess {
        name: "new".to_owned(),
        endpoint: pair.target.address.url.clone(),
        version: None,
        allow_insecure: false,
        auth: Auth::None,
    };
    let client = Client::new(&access, &Credentials::default(), &BTreeMap::new())?;
    let registrations = wait(async { Ok(registration::all(&client).await?) })?;
    assert!(
        registrations.iter().all(|group| group.state == GroupState::Ended),
        "{registrations:?}"
    );
    assert_eq!(wait(held(&client))?, shards);
    let done = worker(&pair, &manifests)?;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("the run has ended"), "{}", done.stderr);
    assert_eq!(wait(held(&client))?, shards, "nothing was done for a run that has ended");

    symlink(programs.join("argosy-rfs"), programs.join(FLEET))?;
    store.resume(UID)?;
    let status = wait(finish(&store, &programs))?;
    assert_eq!(status.phase, NodePhase::Succeeded, "{status:#?}");
    for index in INDICES {
        assert_eq!(pair.target.documents(index)?, DOCUMENTS);
    }
    Ok(())
}
