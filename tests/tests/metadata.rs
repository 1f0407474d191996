//! What the owner of an index must know of its metadata, on real servers: is it said before, and
//! does the target behave as was said?

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::{
    argosy::{Argosy, Done, run},
    cluster_pair::{ALL, ClusterPair},
    corpus::fixtures,
    servers::TestServer,
};

fn told(argosy: &Argosy, done: &Done) -> String {
    format!("{}{}{}", done.stdout, done.stderr, argosy.report())
}

#[test]
fn a_pipeline_that_the_target_lacks_is_named_before_applications_miss_it() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let (source, target) = (&pair.source.http, &pair.target.http);
    let pipeline = json!({ "processors": [] });
    target.delete("/_ingest/pipeline/*")?;
    target.put("/_ingest/pipeline/there", &pipeline)?;
    let names =
        |name: &str| json!({ "index.default_pipeline": name, "index.final_pipeline": "_none" });
    source.put("/orders-1/_settings", &names("enrich"))?;
    source.put("/orders-2/_settings", &names("there"))?;
    let template = json!({ "index_patterns": ["orders-*"], "priority": 3,
        "template": { "settings": { "final_pipeline": "last" } } });
    source.put("/_index_template/orders", &template)?;

    let lacks = |setting: &str, name: &str| {
        format!(
            "`settings.index.{setting}` uses ingest pipeline `{name}`, which the target does not \
             have: "
        )
    };
    let lines = [lacks("default_pipeline", "enrich"), lacks("final_pipeline", "last")];
    let file = pair.argosy.write("migration.yaml", &pair.file(ALL))?;
    let plan = run(pair.argosy.workflow(["plan"]).arg(&file))?;
    let done = pair.argosy.migrate(&file)?;
    assert_eq!(done.code, Some(0), "it stops nothing: {}", told(&pair.argosy, &done));
    let log = run(&mut pair.argosy.workflow(["log", "all"]))?;
    for said in [&plan.stdout, &log.stdout] {
        for line in &lines {
            assert!(said.contains(line), "`{line}` is not in {said}");
        }
        assert!(!said.contains("`there`") && !said.contains("`_none`, which"), "{said}");
    }

    let document = json!({ "number": 100 });
    let refusal = target.put("/orders-1/_doc/100", &document).expect_err("there is no pipeline");
    assert!(format!("{refusal:#}").contains("enrich"), "{refusal:#}");
    target.put("/_ingest/pipeline/enrich", &pipeline)?;
    target.put("/orders-1/_doc/100", &document)?;
    target.put("/orders-2/_doc/100", &document)?;
    target.delete("/_ingest/pipeline/*").map(drop)
}

#[test]
fn the_user_has_the_last_word() -> Result<()> {
    let pair = ClusterPair::emptied()?;
    let (source, target) = (&pair.source.http, &pair.target.http);
    source.put("/orders-1/_settings", &json!({ "index.search.slowlog.level": "info" }))?;
    source.put("/orders-1/_alias/old", &json!({}))?;
    for name in ["orders", "unwanted"] {
        let template = json!({ "index_patterns": [format!("{name}-*"), "orders-*"],
            "priority": if name == "orders" { 7 } else { 8 },
            "template": { "settings": { "number_of_shards": 3 } } });
        source.put(&format!("/_index_template/{name}"), &template)?;
    }
    let groups = "      - indices: [\"orders-*\"]
        metadataMigration:
          templates: { exclude: [\"unwanted*\"] }
          overrides:
            - index: orders-1
              settings: { number_of_replicas: 0, index.search.slowlog: null }
              mappings: { properties: { word: { type: keyword, fields: null }, when: { type: date } } }
              aliases: { old: null, shop: { filter: { term: { word: blackberry } } } }
            - { template: orders, settings: { number_of_shards: 2 } }
";
    let file = pair.argosy.write("migration.yaml", &pair.file(groups))?;
    let plan = run(pair.argosy.workflow(["plan"]).arg(&file))?;
    let done = pair.argosy.migrate(&file)?;
    assert_eq!(done.code, Some(0), "{}", told(&pair.argosy, &done));
    let log = run(&mut pair.argosy.workflow(["log", "all"]))?;
    for said in [&plan.stdout, &log.stdout] {
        for line in ["`mappings.properties.word.type` is \"keyword\"", "`aliases.old` was removed"]
        {
            assert!(said.contains(line), "`{line}` is not in {said}");
        }
    }

    let index = target.get("/orders-1")?["orders-1"].take();
    let settings = &index["settings"]["index"];
    assert_eq!(settings["number_of_replicas"], "0");
    assert!(settings.get("search").is_none(), "{settings}");
    let fields = &index["mappings"]["properties"];
    assert_eq!(fields["word"], json!({ "type": "keyword" }));
    assert_eq!(fields["when"]["type"], "date");
    let aliases: Vec<&String> = index["aliases"].as_object().context("aliases")?.keys().collect();
    assert_eq!(aliases, ["shop"]);
    assert_eq!(target.get("/shop/_count")?["count"], json!(5));
    assert_eq!(
        target.get("/orders-2")?["orders-2"]["mappings"]["properties"]["word"]["type"],
        "text"
    );

    let templates = target.get("/_index_template/*")?;
    let templates = templates["index_templates"].as_array().context("a list")?;
    let names: Vec<&Value> = templates.iter().map(|template| &template["name"]).collect();
    assert_eq!(names, ["orders"]);
    let shards =
        &templates[0]["index_template"]["template"]["settings"]["index"]["number_of_shards"];
    assert_eq!(shards, "2");
    Ok(())
}

#[test]
fn what_only_old_servers_take_is_made_anew_and_said() -> Result<()> {
    for (fixture, target) in [("es56-outdated", "os219"), ("es68-outdated", "os34")] {
        let fixtures = fixtures()?;
        let fixture = fixtures.iter().find(|it| it.name == fixture).context("the corpus has it")?;
        let last = fixture.snapshots.last().context("a snapshot")?;
        let target = TestServer::emptied(target)?;
        let argosy = Argosy::new()?;
        let text = format!(
            "sourceClusters:\n  old:\n    snapshotRepo: {{ repoPathUri: \"file://{}\", \
             snapshotName: {} }}\ntargetClusters:\n  new: {{ endpoint: {} }}\nmigrations:\n  - \
             sourceCluster: old\n    targetCluster: new\n    snapshotMigrations:\n{ALL_OF_IT}",
            fixture.repository().display(),
            last.snapshot,
            target.address.url
        );
        let done = argosy.migrate(&argosy.write("migration.yaml", &text)?)?;
        assert_eq!(done.code, Some(0), "{}", told(&argosy, &done));
        let log = run(&mut argosy.workflow(["log", "all"]))?.stdout;
        let mut expected = vec![
            "`settings.index.query.default_field` removed; it was `_all`",
            "`settings.index.similarity.old.type` changed from `classic` to `BM25`",
            "`settings.index.similarity.divergent.basic_model` changed from `be` to `g`",
            "`mappings.properties.classic.similarity` `classic` removed",
        ];
        if last.indices.contains_key("outdated-types") {
            expected
                .push("`mappings.dynamic` set to `true` (it was `strict` in `entry`, `true` in");
            let open = json!({ "title": "new", "gate": 2, "address": { "floor": 1 } });
            target.http.put("/outdated-types/_doc/new", &open)?;
        }
        for line in expected {
            assert!(log.contains(line), "`{line}` is not in {log}");
        }

        let found = |field: &str| -> Result<Value> {
            let query = json!({ "query": { "query_string": { "query": field } } });
            let answer = target.http.post("/outdated-scores/_search", &query)?;
            Ok(answer["hits"]["total"]["value"].clone())
        };
        assert_eq!(found("7")?, json!(1), "a query that names no field finds a number");
        let strict = target.http.put("/outdated-scores/_doc/new", &json!({ "gate": 2 }));
        assert!(strict.is_err(), "the only type of an index stays as strict as it was");
    }
    Ok(())
}

const ALL_OF_IT: &str = "      - { indices: [\"*\"] }\n";
