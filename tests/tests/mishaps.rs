//! What goes wrong around a migration, on real servers: is it found early, and can a user continue
//! without editing the state by hand?

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use cluster::{Client, indices};
use contract::{
    Auth, ClusterAccess, Credentials, ExistingIndices, Group, GroupName, IndexName, MigrationName,
    RunId, SnapshotUuid,
};
use coordination::{
    group::{GroupDocument, GroupIndex, GroupState, RunOrigin},
    registration, run_takeover,
    shard_work::ShardWork,
};
use fleet::{Item, ItemLease, ItemState, NewItem};
use serde_json::json;
use state_store::Stored;
use tests::{
    argosy::{Argosy, run},
    cluster_pair::{ALL, ClusterPair, DOCUMENTS, INDICES, create_index},
    killer,
    servers::TestServer,
};

/// Migrates these groups and checks that it went well.
fn succeeds(pair: &ClusterPair, groups: &str) -> Result<()> {
    let done = pair.migrate(groups)?;
    let report = || format!("{}{}{}", done.stdout, done.stderr, pair.argosy.report());
    assert_eq!(done.code, Some(0), "{}", report());
    Ok(())
}

fn client(pair: &ClusterPair) -> Result<Client> {
    Ok(Client::new(&access(&pair.target), &Credentials::default(), &BTreeMap::new())?)
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
    let pair = ClusterPair::emptied()?;
    let empty = "      - { name: later, indices: [\"later-*\"], allowEmpty: true }\n";
    succeeds(&pair, empty)?;
    assert_eq!(pair.target.indices()?, BTreeSet::new(), "a snapshot of no index is not one of all");
    succeeds(&pair, &format!("{empty}      - {{ name: now, indices: [\"orders-*\"] }}\n"))?;
    assert_eq!(pair.target.indices()?, ["orders-1", "orders-2"].map(str::to_owned).into());
    Ok(())
}

#[test]
fn documents_on_the_target_are_found_before_the_snapshot_is_taken() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    create_index(&pair.target, "orders-2")?;
    let done = pair.migrate(ALL)?;
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    assert!(done.stdout.contains("with documents: `orders-2`"), "{}", done.stdout);
    assert_eq!(pair.source.http.get("/_snapshot")?, json!({}), "no repository was registered");
    assert_eq!(pair.target.indices()?, ["orders-2".to_owned()].into());
    Ok(())
}

#[test]
fn templates_of_others_are_left_out_and_groups_share_their_own() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let template = |pattern: &str, priority: u32| {
        json!({ "index_patterns": [pattern], "priority": priority,
            "template": { "settings": { "number_of_shards": 1 } } })
    };
    // The target refuses a second template of one priority for the same names.
    pair.target.http.put("/_index_template/theirs", &template("strange-*", 7))?;
    pair.source.http.put("/_index_template/strange", &template("strange-*", 7))?;
    pair.source.http.put("/_index_template/orders", &template("orders-*", 3))?;
    let groups = "      - { name: a, indices: [\"orders-1\"] }\n      \
                  - { name: b, indices: [\"orders-2\"] }\n";
    succeeds(&pair, groups)?;
    let templates = pair.target.http.get("/_index_template")?;
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
    let pair = ClusterPair::emptied()?;
    let groups = "      - indices: [\"orders-*\"]\n        metadataMigration: { enabled: false }\n";
    succeeds(&pair, groups)?;
    assert_eq!(pair.target.documents("orders-1")?, DOCUMENTS);
    let log = run(&mut pair.argosy.workflow(["log", "all"]))?;
    assert!(log.stdout.contains("are guessed"), "{}", log.stdout);
    Ok(())
}

#[test]
fn documents_go_past_the_pipelines_of_their_index() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    // As they are for a while: pipelines are not migrated.
    let pipelines = json!({ "index.default_pipeline": "gone", "index.final_pipeline": "gone-too" });
    pair.source.http.put("/orders-1/_settings", &pipelines)?;
    succeeds(&pair, ALL)?;
    assert_eq!(pair.target.documents("orders-1")?, DOCUMENTS);
    let settings = pair.target.http.get("/orders-1/_settings?flat_settings=true")?;
    for name in ["index.default_pipeline", "index.final_pipeline"] {
        assert_eq!(settings["orders-1"]["settings"][name], pipelines[name], "{settings}");
    }
    Ok(())
}

#[test]
fn a_run_that_was_killed_at_a_gate_does_not_keep_others_from_its_indices() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let gone = Argosy::new()?;
    let file = gone.write("migration.yaml", &pair.file_to("gone", ALL))?;
    let waits = ["--wait", "--wait-interval", "0.2", "--timeout", "60"];
    let submitted = run(gone.workflow(["submit"]).arg(&file).args(waits))?;
    assert_ne!(submitted.code, Some(0), "it waits at its gate: {}", submitted.stdout);
    let engines = killer::running(gone.programs())?.into_iter().filter(killer::Running::is_engine);
    for engine in engines {
        engine.kill()?;
    }
    assert!(pair.target.indices()?.contains(state_store::INDEX), "it has registered its indices");

    succeeds(&pair, ALL)?;
    assert_eq!(pair.target.documents("orders-2")?, DOCUMENTS);
    Ok(())
}

fn group() -> Group {
    Group {
        name: GroupName::new("g"),
        indices: vec!["orders-*".to_owned()].try_into().expect("a pattern"),
        existing_indices: ExistingIndices::Refuse,
        allow_empty: false,
    }
}

/// Waits for requests to the target.
fn wait<T>(requests: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(requests)
}

fn origin(run: &str, migration: &str, snapshot: &str) -> RunOrigin {
    RunOrigin {
        run: RunId::new(run),
        migration: MigrationName::new(migration),
        snapshot: SnapshotUuid::new(snapshot),
        repository: "file:///r".parse().expect("a URI"),
    }
}

/// The work item of the run that fills `orders-1`.
fn theirs() -> Item<ShardWork> {
    let origin = origin("theirs", "gone-to-new", "s1");
    let item = Item::new(NewItem {
        scope: origin.scope(&group()),
        run: origin.run,
        index: IndexName::new("orders-1"),
        documents: DOCUMENTS,
        work: ShardWork { index_id: "i".to_owned(), shard: 0 },
    });
    Item { lease: ItemLease { holder: Some("w".to_owned()), ..ItemLease::FREE }, ..item }
}

async fn stored(client: &Client) -> Result<Option<Stored<Item<ShardWork>>>> {
    Ok(state_store::get(client, &theirs().key).await?)
}

/// What a run that fills `orders-1` has written, and one open item of it.
async fn begun(client: &Client) -> Result<GroupDocument> {
    let origin = origin("theirs", "gone-to-new", "s1");
    let index = GroupIndex { name: "orders-1".to_owned(), existed: false, documents: 0 };
    let registered = GroupDocument::new(&origin, &group(), vec![index], Vec::new());
    let document = GroupDocument { state: GroupState::Filling, ..registered };
    registration::ensure_index(client).await?;
    registration::write(client, &document).await?;
    fleet::items::create_missing(client, vec![theirs()]).await?;
    Ok(document)
}

#[test]
fn a_run_is_taken_over_only_if_it_does_nothing() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        let document = begun(&client).await?;
        let keys = BTreeSet::from([document.key.clone()]);
        let length = Duration::from_secs(4);

        // A worker that writes all the time: some of it is within the length on any machine.
        let is_known = Cell::new(false);
        let renewing = async {
            while !is_known.get() {
                tokio::time::sleep(length / 20).await;
                let item = stored(&client).await?.context("the item")?;
                fleet::items::save(&client, item.version, &item.document).await?;
            }
            anyhow::Ok(())
        };
        let taking = async {
            let taken = run_takeover::of_idle_runs(&client, &keys, length, "us").await;
            is_known.set(true);
            taken
        };
        let (taken, renewed) = tokio::join!(taking, renewing);
        renewed?;
        assert_eq!(taken?, None, "its worker wrote meanwhile");

        let item = stored(&client).await?.context("the item")?;
        let taken = run_takeover::of_idle_runs(&client, &keys, length, "us").await?;
        assert_eq!(taken.map(|lines| lines.len()), Some(1));
        // Should it come back, neither its worker nor its next step continues.
        let saved = fleet::items::save(&client, item.version, &item.document).await?;
        assert_eq!(saved, None);
        let error =
            registration::start_filling(&client, &document.scope).await.expect_err("taken over");
        assert!(error.to_string().contains("must not continue: us"), "{error}");
        Ok(())
    })
}

#[test]
fn the_newest_run_of_a_migration_ends_the_earlier_ones() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        let document = begun(&client).await?;
        let origin = origin("ours", "gone-to-new", "s2");
        let lines = run_takeover::of_earlier_runs(&client, &origin).await?;
        assert_eq!(lines.len(), 1, "{lines:?}");
        let item = stored(&client).await?.context("the item")?;
        let closed = Item { lease: item.document.lease.clone(), ..theirs() };
        assert_eq!((closed.lease.state, &closed.lease.holder), (ItemState::Failed, &None));
        assert_eq!(item.document, closed, "nothing else of it changed");
        let ended = registration::read(&client, &document.scope).await?.context("it")?;
        assert_eq!(ended.state, GroupState::Ended);

        // As if it had been killed when the registration was written and the item was not.
        state_store::put(&client, &theirs().key, &theirs()).await?;
        assert_eq!(run_takeover::of_earlier_runs(&client, &origin).await?, Vec::<String>::new());
        let item = stored(&client).await?.context("the item")?;
        assert_eq!(item.document.lease.state, ItemState::Failed);
        Ok(())
    })
}

#[test]
fn a_source_that_is_down_leaves_the_record_of_what_is_to_be_removed() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let client = client(&pair)?;
    let repository = pair.source.repository_uri();
    let origin =
        RunOrigin { repository: repository.parse()?, ..origin("theirs", "old-to-new", "s1") };
    let document = GroupDocument::new(&origin, &group(), Vec::new(), Vec::new());
    wait(async {
        registration::ensure_index(&client).await?;
        let ended = GroupDocument { state: GroupState::Ended, ..document };
        Ok(registration::write(&client, &ended).await?)
    })?;

    let cleaned = |source: &str| {
        let request = json!({
            "mode": "complete",
            "migration": "old-to-new",
            "source": { "name": "old", "endpoint": source },
            "target": { "name": "new", "endpoint": pair.target.address.url },
            "snapshot": {
                "repository": { "uri": repository },
                "snapshot": { "kind": "created", "prefix": "migration" },
            },
            "repositoryName": "argosy-its-repository",
        });
        let program = pair.argosy.programs().join("argosy-cleanup");
        run(Command::new(program).arg(request.to_string()).env("ARGOSY_RUN_ID", "ours"))
    };
    let failed = cleaned("http://127.0.0.1:1")?;
    assert_eq!(failed.code, Some(75), "{}", failed.stderr);
    assert!(failed.stderr.contains("the state on the target stays"), "{}", failed.stderr);
    assert!(pair.target.indices()?.contains(state_store::INDEX));

    let done = cleaned(&pair.source.address.url)?;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!pair.target.indices()?.contains(state_store::INDEX), "{}", done.stdout);
    Ok(())
}

#[test]
fn a_group_taken_over_by_a_run_that_was_killed_meanwhile_leaves_no_work() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        let document = begun(&client).await?;
        let by = run_takeover::successor(&origin("ours", "ours", "s2"));
        run_takeover::remove_items(&client, &by).await?;
        assert!(stored(&client).await?.is_some());

        let taken_over = Some(by.clone());
        let ended = GroupDocument { state: GroupState::Ended, taken_over, ..document };
        registration::write(&client, &ended).await?;
        run_takeover::remove_items(&client, &by).await?;
        assert_eq!(stored(&client).await?, None);
        Ok(())
    })
}

#[test]
fn the_end_of_a_run_does_not_end_the_one_that_registered_again() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        let theirs = begun(&client).await?;
        let ours = GroupDocument { run: RunId::new("ours"), ..theirs.clone() };
        registration::write(&client, &ours).await?;
        let now = async || registration::read(&client, &ours.scope).await;
        registration::end(&client, &theirs).await?;
        assert_eq!(now().await?.as_ref(), Some(&ours));

        registration::give_up(&client, &ours.scope, "no room").await?;
        registration::end(&client, &ours).await?;
        let ended = now().await?.context("the registration")?;
        assert_eq!(ended.state, GroupState::Ended);
        assert_eq!(ended.gave_up.as_deref(), Some("no room"), "what others wrote stays");
        Ok(())
    })
}

#[test]
fn an_index_that_a_late_write_created_again_is_in_no_ones_way() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        for ends_with_cleanup in [false, true] {
            begun(&client).await?;
            let item = stored(&client).await?.context("the item")?;
            // The migration has ended and cleaned up, and a worker that slept wakes up.
            indices::delete(&client, state_store::INDEX).await?;
            let late = fleet::items::save(&client, item.version, &item.document).await?;
            assert_eq!(late, None);
            assert!(indices::exists(&client, state_store::INDEX).await?, "targets do that");

            assert!(!state_store::exists(&client).await?);
            assert_eq!(registration::all(&client).await?, Vec::new());
            if ends_with_cleanup {
                state_store::remove_if_empty(&client).await?;
                assert!(!indices::exists(&client, state_store::INDEX).await?);
            }
            let document = begun(&client).await?;
            assert_eq!(registration::all(&client).await?, [document]);
        }
        Ok(())
    })
}

#[test]
fn the_state_of_another_tool_is_left_as_it_is() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    wait(async {
        let client = client(&pair)?;
        let theirs = json!({ "mappings": { "properties": { "expiration": { "type": "long" } } } });
        indices::create(&client, state_store::INDEX, theirs).await?;
        let Err(error) = registration::ensure_index(&client).await else { bail!("it was taken") };
        ensure!(format!("{error:#}").contains("another tool"), "{error:#}");
        assert!(!state_store::exists(&client).await?);
        state_store::remove_if_empty(&client).await?;
        assert!(indices::exists(&client, state_store::INDEX).await?);
        Ok(())
    })
}

/// A template of the target that matches `pattern` and would keep every document of ours away.
fn spoiling_template(pair: &ClusterPair, pattern: &str) -> Result<()> {
    let template = json!({
        "settings": {
            "index.default_pipeline": "missing",
            "index.final_pipeline": "missing-too",
            "index.number_of_shards": 3,
            "index.number_of_replicas": 2,
            "index.routing_partition_size": 2,
            "index.write.wait_for_active_shards": "all",
            "index.routing.allocation.require.box": "nowhere",
        },
        "mappings": {
            "_routing": { "required": true },
            "_source": { "enabled": false },
            "properties": { "kind": { "type": "text" }, "key": { "type": "text" } },
        },
    });
    let body = json!({ "index_patterns": [pattern], "priority": 1, "template": template });
    pair.target.http.put("/_index_template/spoils", &body)?;
    Ok(())
}

#[test]
fn templates_of_the_target_do_not_reach_our_own_indices() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    for pattern in [".migrations*", ".argosy*"] {
        spoiling_template(&pair, pattern)?;
        succeeds(&pair, ALL)?;
        assert_eq!(pair.target.documents("orders-1")?, DOCUMENTS, "{pattern}");
        for index in INDICES {
            pair.target.http.delete(&format!("/{index}"))?;
        }
    }
    Ok(())
}

#[test]
fn a_template_for_all_names_does_not_reach_our_own_indices() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    // Its routing and its pipelines would keep the migrated documents away too.
    let template = json!({ "settings": { "index.default_pipeline": "missing",
        "index.routing.allocation.require.box": "nowhere" },
        "mappings": { "_routing": { "required": true } } });
    let body = json!({ "index_patterns": ["*"], "priority": 1, "template": template });
    pair.target.http.put("/_index_template/all", &body)?;
    wait(async {
        let client = client(&pair)?;
        let document = begun(&client).await?;
        state_store::refresh(&client).await?;
        assert_eq!(registration::all(&client).await?, [document]);
        assert_eq!(stored(&client).await?.map(|item| item.document), Some(theirs()));
        load::failed_documents::ensure(&client, &state_store::Mapping::default()).await?;
        Ok(())
    })?;
    for index in [state_store::INDEX, load::FAILED_DOCUMENTS_INDEX] {
        let found = pair.target.http.get(&format!("/{index}?flat_settings=true"))?;
        let settings = &found[index]["settings"];
        assert_eq!(settings["index.default_pipeline"], "_none", "{found}");
        assert!(found[index]["mappings"]["_routing"].is_null(), "{found}");
        assert!(settings["index.routing.allocation.require.box"].is_null(), "{found}");
    }
    Ok(())
}

#[test]
fn a_shard_of_ours_that_no_node_may_hold_is_explained() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let rule = "cluster.routing.allocation.awareness.attributes";
    let set = |value: serde_json::Value| {
        let body = json!({ "persistent": { rule: value } });
        pair.target.http.put("/_cluster/settings", &body)
    };
    // The one node of the server has no zone.
    set(json!("zone"))?;
    let ensured = wait(async { Ok(registration::ensure_index(&client(&pair)?).await) });
    set(json!(null))?;
    let Err(error) = ensured? else { bail!("a node took it") };
    let text = error.to_string();
    assert!(text.contains(state_store::INDEX) && text.contains("zone"), "{text}");
    assert_eq!(error.exit(), contract::Exit::Failed);
    Ok(())
}

#[test]
fn a_state_of_an_earlier_version_gets_the_fields_that_it_lacks() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let keyword = json!({ "type": "keyword" });
    let mapping = json!({ "dynamic": false, "properties": { "kind": keyword, "key": keyword } });
    let settings = json!({ "index.default_pipeline": "gone" });
    wait(async {
        let client = client(&pair)?;
        let body = json!({ "mappings": mapping, "settings": settings });
        indices::create(&client, state_store::INDEX, body).await?;
        let document = begun(&client).await?;
        assert_eq!(registration::all(&client).await?, [document]);
        Ok(())
    })?;
    let found = pair.target.http.get(&format!("/{}", state_store::INDEX))?;
    let properties = &found[state_store::INDEX]["mappings"]["properties"];
    assert_eq!(properties["snapshot"]["type"], "keyword", "{found}");
    Ok(())
}

#[test]
fn a_shard_that_is_not_assigned_is_not_taken_for_an_empty_one() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    // One server takes one of the two shards.
    let settings = json!({ "settings": { "index": { "number_of_shards": 2, "number_of_replicas": 0,
        "routing.allocation.total_shards_per_node": 1 } } });
    pair.target.http.put("/halved?wait_for_active_shards=1", &settings)?;
    wait(async {
        let client = client(&pair)?;
        let counted = indices::count(&client, "halved").await;
        let error = counted.expect_err("half of it is unknown").to_string();
        assert!(error.contains("1 of 2 shards"), "{error}");
        let found = indices::search(&client, "halved", json!({})).await;
        assert!(found.is_err_and(|error| error.to_string().contains("1 of 2 shards")));
        Ok(())
    })
}
