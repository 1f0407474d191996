//! Are ids that several mapping types of one index share found in a snapshot of a real server?

#[path = "../../snapshot-repo/tests/fixture/beside.rs"]
mod beside;

use beside::{SERVERS, of_server};
use coordination::{equal_ids, resolve::OpenSnapshot};
use snapshot_repo::{Location, Repository};

#[tokio::test]
async fn ids_of_two_types_are_found_where_there_are_some() {
    let server = "es56";
    assert!(SERVERS.contains(&server));
    let Some(fixtures) = of_server(server) else { return };
    let mut found = Vec::new();
    for folder in &fixtures.folders {
        let repository = Repository::open(&Location::folder(folder.join("repo"))).unwrap();
        for summary in repository.contents().await.unwrap().snapshots {
            let snapshot = repository.snapshot(&summary.name).await.unwrap();
            let opened = OpenSnapshot { repository: repository.clone(), snapshot };
            for index in &opened.snapshot.indices {
                let metadata = repository.index_metadata(&opened.snapshot, index).await.unwrap();
                let Ok(problem) =
                    equal_ids::of_index(&opened, index, metadata.number_of_shards).await
                else {
                    // Shards that a partial snapshot does not hold.
                    continue;
                };
                if let Some(problem) = problem {
                    found.push((index.name.clone(), problem));
                }
            }
        }
    }
    // The one index in which orders and refunds were given the same ids.
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "shop-types");
    assert!(found[0].1.contains("`same-10` (order, refund)"), "{found:?}");
}
