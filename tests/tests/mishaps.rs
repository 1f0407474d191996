//! What goes wrong around a migration, on real servers: is it found early, and is there a way on
//! that needs no surgery on the state?

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use cluster::{Client, indices};
use contract::{Auth, ClusterAccess, Credentials, ExistingIndices, Group};
use coordination::{
    decision::{self, DecidedIndex, GroupDocument, Origin, RunState},
    takeover, working_state,
};
use serde_json::{Value, json};
use tests::{
    argosy::{Argosy, run},
    killer,
    scene::{ALL, DOCUMENTS, Scene, fill},
    servers::TestServer,
};

/// Migrates these groups and checks that it went well.
fn succeeds(scene: &Scene, groups: &str) -> Result<()> {
    let done = scene.migrate(groups)?;
    let report = || format!("{}{}{}", done.stdout, done.stderr, scene.argosy.report());
    assert_eq!(done.code, Some(0), "{}", report());
    Ok(())
}

fn client(scene: &Scene) -> Result<Client> {
    Ok(Client::new(&access(&scene.target), &Credentials::default(), &BTreeMap::new())?)
}

fn access(server: &TestServer) -> ClusterAccess {
    ClusterAccess {
        name: "new".to_owned(),
        endpoint: server.address.url.clone(),
        version: None,
        allow_insecure: false,
        auth: Auth::None,
    }
}

#[test]
fn a_group_that_may_be_empty_fails_nothing_and_nothing_of_ours_is_left() -> Result<()> {
    let scene = Scene::set()?;
    let empty = "      - { name: later, indices: [\"later-*\"], allowEmpty: true }\n";
    succeeds(&scene, empty)?;
    assert_eq!(
        scene.target.indices()?,
        BTreeSet::new(),
        "a snapshot of no index is not one of all"
    );
    succeeds(&scene, &format!("{empty}      - {{ name: now, indices: [\"orders-*\"] }}\n"))?;
    assert_eq!(scene.target.indices()?, ["orders-1", "orders-2"].map(str::to_owned).into());
    Ok(())
}

#[test]
fn documents_on_the_target_are_found_before_the_snapshot_is_taken() -> Result<()> {
    let scene = Scene::set()?;
    fill(&scene.target, "orders-2")?;
    let done = scene.migrate(ALL)?;
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    assert!(done.stdout.contains("documents already in `orders-2`"), "{}", done.stdout);
    assert_eq!(scene.source.http.get("/_snapshot")?, json!({}), "no repository was registered");
    assert_eq!(scene.target.indices()?, ["orders-2".to_owned()].into());
    Ok(())
}

#[test]
fn templates_of_others_are_left_out_and_groups_share_their_own() -> Result<()> {
    let scene = Scene::set()?;
    let template = |pattern: &str, priority: u32| {
        json!({ "index_patterns": [pattern], "priority": priority,
            "template": { "settings": { "number_of_shards": 1 } } })
    };
    // The target refuses a second template of one priority for the same names.
    scene.target.http.put("/_index_template/theirs", &template("strange-*", 7))?;
    scene.source.http.put("/_index_template/strange", &template("strange-*", 7))?;
    scene.source.http.put("/_index_template/orders", &template("orders-*", 3))?;
    let groups = "      - { name: a, indices: [\"orders-1\"] }\n      \
                  - { name: b, indices: [\"orders-2\"] }\n";
    succeeds(&scene, groups)?;
    let templates = scene.target.http.get("/_index_template")?;
    let names: BTreeSet<&str> = templates["index_templates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|template| template["name"].as_str())
        .collect();
    assert!(names.contains("orders") && !names.contains("strange"), "{names:?}");
    Ok(())
}

#[test]
fn documents_alone_go_into_an_index_whose_mapping_is_guessed_and_that_is_said() -> Result<()> {
    let scene = Scene::set()?;
    let groups = "      - indices: [\"orders-*\"]\n        metadataMigration: { enabled: false }\n";
    succeeds(&scene, groups)?;
    assert_eq!(scene.target.documents("orders-1")?, DOCUMENTS);
    let log = run(&mut scene.argosy.workflow(["log", "all"]))?;
    assert!(log.stdout.contains("are guessed"), "{}", log.stdout);
    Ok(())
}

#[test]
fn documents_go_past_the_pipelines_of_their_index() -> Result<()> {
    let scene = Scene::set()?;
    // As they are for a while: pipelines are not migrated.
    let pipelines = json!({ "index.default_pipeline": "gone", "index.final_pipeline": "gone-too" });
    scene.source.http.put("/orders-1/_settings", &pipelines)?;
    succeeds(&scene, ALL)?;
    assert_eq!(scene.target.documents("orders-1")?, DOCUMENTS);
    let settings = scene.target.http.get("/orders-1/_settings?flat_settings=true")?;
    for name in ["index.default_pipeline", "index.final_pipeline"] {
        assert_eq!(settings["orders-1"]["settings"][name], pipelines[name], "{settings}");
    }
    Ok(())
}

#[test]
fn a_run_that_was_killed_at_a_gate_does_not_keep_others_from_its_indices() -> Result<()> {
    let scene = Scene::set()?;
    let gone = Argosy::new()?;
    let file = gone.write("migration.yaml", &scene.file_to("gone", ALL))?;
    let waits = ["--wait", "--wait-interval", "0.2", "--timeout", "60"];
    let submitted = run(gone.workflow(["submit"]).arg(&file).args(waits))?;
    assert_ne!(submitted.code, Some(0), "it waits at its gate: {}", submitted.stdout);
    let engines = killer::running(gone.programs())?.into_iter().filter(killer::Running::is_engine);
    for engine in engines {
        engine.kill()?;
    }
    assert!(scene.target.indices()?.contains(working_state::INDEX), "it has announced its indices");

    succeeds(&scene, ALL)?;
    assert_eq!(scene.target.documents("orders-2")?, DOCUMENTS);
    Ok(())
}

fn group() -> Group {
    Group {
        name: "g".to_owned(),
        indices: vec!["orders-*".to_owned()].try_into().expect("a pattern"),
        existing_indices: ExistingIndices::Refuse,
        allow_empty: false,
    }
}

/// Waits for requests to the target.
fn wait<T>(requests: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(requests)
}

/// What a run that fills `orders-1` has written, and one open item of it.
async fn begun(client: &Client) -> Result<GroupDocument> {
    let origin =
        Origin { run: "theirs", migration: "gone-to-new", snapshot: "s1", repository: "file:///r" };
    let index = DecidedIndex { name: "orders-1".to_owned(), existed: false, documents: 0 };
    let announced = GroupDocument::new(origin, &group(), vec![index], Vec::new());
    let document = GroupDocument { state: RunState::Filling, ..announced };
    working_state::ensure(client).await?;
    decision::write(client, &document).await?;
    let item = json!({ "kind": "item", "key": "item-1", "migration": document.migration,
        "group": "g", "snapshot": "s1", "index": "orders-1", "state": "open", "holder": "w" });
    working_state::create_missing(client, &[("item-1".to_owned(), item)]).await?;
    Ok(document)
}

#[test]
fn the_place_of_a_run_is_taken_only_if_it_does_nothing() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        let document = begun(&client).await?;
        let keys = BTreeSet::from([document.key.clone()]);
        let length = Duration::from_secs(2);

        let renewing = async {
            tokio::time::sleep(length / 2).await;
            let item = working_state::get::<Value>(&client, "item-1").await?.context("the item")?;
            working_state::replace(&client, "item-1", item.version, &item.document).await
        };
        let (taken, renewed) =
            tokio::join!(takeover::of_the_idle(&client, &keys, length, "us"), renewing);
        assert!(renewed?.is_some());
        assert_eq!(taken?, None, "its worker wrote meanwhile");

        let item = working_state::get::<Value>(&client, "item-1").await?.context("the item")?;
        let taken = takeover::of_the_idle(&client, &keys, length, "us").await?;
        assert_eq!(taken.map(|lines| lines.len()), Some(1));
        // Should it come back, neither its worker nor its next step goes on.
        let saved = working_state::replace(&client, "item-1", item.version, &item.document).await?;
        assert_eq!(saved, None);
        let GroupDocument { snapshot, migration, .. } = &document;
        let error =
            decision::fill(&client, snapshot, migration, "g").await.expect_err("superseded");
        assert!(error.to_string().contains("must not go on: us"), "{error}");
        Ok(())
    })
}

#[test]
fn the_newest_run_of_a_migration_ends_the_earlier_ones() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        let document = begun(&client).await?;
        let origin = Origin {
            run: "ours",
            migration: &document.migration,
            snapshot: "s2",
            repository: &document.repository,
        };
        let lines = takeover::of_earlier_runs(&client, origin).await?;
        assert_eq!(lines.len(), 1, "{lines:?}");
        let item = working_state::get::<Value>(&client, "item-1").await?.context("the item")?;
        assert_eq!(
            (&item.document["state"], &item.document["holder"]),
            (&json!("failed"), &json!(null))
        );
        let ended = decision::read(&client, "s1", &document.migration, "g").await?.context("it")?;
        assert_eq!(ended.state, RunState::Ended);

        // As if it had been killed when the decision was written and the item was not.
        let open = json!({ "state": "open", "holder": "w" });
        let mut reopened = item.document.clone();
        reopened
            .as_object_mut()
            .context("an object")?
            .extend(open.as_object().cloned().context("it")?);
        working_state::put(&client, "item-1", &reopened).await?;
        assert_eq!(takeover::of_earlier_runs(&client, origin).await?, Vec::<String>::new());
        let item = working_state::get::<Value>(&client, "item-1").await?.context("the item")?;
        assert_eq!(item.document["state"], "failed");
        Ok(())
    })
}

#[test]
fn a_source_that_is_down_leaves_the_record_of_what_is_to_be_removed() -> Result<()> {
    let scene = Scene::set()?;
    let client = client(&scene)?;
    let repository = scene.source.repository_uri();
    let origin =
        Origin { run: "theirs", migration: "old-to-new", snapshot: "s1", repository: &repository };
    let document = GroupDocument::new(origin, &group(), Vec::new(), Vec::new());
    wait(async {
        working_state::ensure(&client).await?;
        let ended = GroupDocument { state: RunState::Ended, ..document };
        decision::write(&client, &ended).await
    })?;

    let cleaned = |source: &str| {
        let request = json!({
            "mode": "complete",
            "migration": "old-to-new",
            "source": { "name": "old", "endpoint": source },
            "target": { "name": "new", "endpoint": scene.target.address.url },
            "snapshot": {
                "repository": { "uri": repository },
                "snapshot": { "kind": "created", "prefix": "migration" },
            },
            "repositoryName": "argosy-its-repository",
        });
        let program = scene.argosy.programs().join("argosy-cleanup");
        run(Command::new(program).arg(request.to_string()).env("ARGOSY_RUN_ID", "ours"))
    };
    let failed = cleaned("http://127.0.0.1:1")?;
    assert_eq!(failed.code, Some(75), "{}", failed.stderr);
    assert!(failed.stderr.contains("the state on the target stays"), "{}", failed.stderr);
    assert!(scene.target.indices()?.contains(working_state::INDEX));

    let done = cleaned(&scene.source.address.url)?;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!scene.target.indices()?.contains(working_state::INDEX), "{}", done.stdout);
    Ok(())
}

#[test]
fn a_place_that_was_taken_by_a_run_that_was_killed_meanwhile_leaves_no_work() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        let document = begun(&client).await?;
        let origin =
            Origin { run: "ours", migration: "ours", snapshot: "s2", repository: "file:///r" };
        let by = takeover::in_favour_of(origin);
        takeover::remove_work(&client, &by).await?;
        assert!(working_state::get::<Value>(&client, "item-1").await?.is_some());

        let superseded = Some(by.clone());
        let ended = GroupDocument { state: RunState::Ended, superseded, ..document };
        decision::write(&client, &ended).await?;
        takeover::remove_work(&client, &by).await?;
        assert_eq!(working_state::get::<Value>(&client, "item-1").await?, None);
        Ok(())
    })
}

#[test]
fn the_end_of_a_run_does_not_end_the_one_that_decided_anew() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        let theirs = begun(&client).await?;
        let ours = GroupDocument { run: "ours".to_owned(), ..theirs.clone() };
        decision::write(&client, &ours).await?;
        let now = async || decision::read(&client, "s1", &ours.migration, "g").await;
        decision::end(&client, &theirs).await?;
        assert_eq!(now().await?.as_ref(), Some(&ours));

        let (snapshot, migration) = ("s1", &ours.migration);
        decision::abandon(&client, snapshot, migration, "g", "no room").await?;
        decision::end(&client, &ours).await?;
        let ended = now().await?.context("the decision")?;
        assert_eq!(ended.state, RunState::Ended);
        assert_eq!(ended.abandoned.as_deref(), Some("no room"), "what others wrote stays");
        Ok(())
    })
}

#[test]
fn an_index_that_a_late_write_made_anew_is_in_nobodys_way() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        for ends_with_cleanup in [false, true] {
            begun(&client).await?;
            let item = working_state::get::<Value>(&client, "item-1").await?.context("the item")?;
            // The migration has ended and cleaned up, and a worker that slept wakes up.
            indices::delete(&client, working_state::INDEX).await?;
            let late =
                working_state::replace(&client, "item-1", item.version, &item.document).await?;
            assert_eq!(late, None);
            assert!(indices::exists(&client, working_state::INDEX).await?, "targets do that");

            assert!(!working_state::exists(&client).await?);
            assert_eq!(decision::all(&client).await?, Vec::new());
            if ends_with_cleanup {
                working_state::remove_if_empty(&client).await?;
                assert!(!indices::exists(&client, working_state::INDEX).await?);
            }
            let document = begun(&client).await?;
            assert_eq!(decision::all(&client).await?, [document]);
        }
        Ok(())
    })
}

#[test]
fn the_state_of_another_tool_is_left_as_it_is() -> Result<()> {
    let scene = Scene::set()?;
    wait(async {
        let client = client(&scene)?;
        let theirs = json!({ "mappings": { "properties": { "expiration": { "type": "long" } } } });
        indices::create(&client, working_state::INDEX, theirs).await?;
        let Err(error) = working_state::ensure(&client).await else { bail!("it was taken") };
        ensure!(format!("{error:#}").contains("another tool"), "{error:#}");
        assert!(!working_state::exists(&client).await?);
        working_state::remove_if_empty(&client).await?;
        assert!(indices::exists(&client, working_state::INDEX).await?);
        Ok(())
    })
}

#[test]
fn a_shard_that_is_not_assigned_is_not_taken_for_an_empty_one() -> Result<()> {
    let scene = Scene::set()?;
    // One server takes one of the two shards.
    let settings = json!({ "settings": { "index": { "number_of_shards": 2, "number_of_replicas": 0,
        "routing.allocation.total_shards_per_node": 1 } } });
    scene.target.http.put("/halved?wait_for_active_shards=1", &settings)?;
    wait(async {
        let client = client(&scene)?;
        let counted = indices::count(&client, "halved").await;
        let error = counted.expect_err("half of it is unknown").to_string();
        assert!(error.contains("1 of 2 shards"), "{error}");
        let found = indices::search(&client, "halved", json!({})).await;
        assert!(found.is_err_and(|error| error.to_string().contains("1 of 2 shards")));
        Ok(())
    })
}
