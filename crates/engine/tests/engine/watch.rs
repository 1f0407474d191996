//! Does a change of a run wake those who wait for one?

use std::time::Duration;

use engine::{Clock, Shutdown, Store};

use crate::support::{Bench, LIMIT, workflow};

const SPEC: &str = "  templates: [{name: main, suspend: {}}]\n";

#[tokio::test]
async fn a_change_by_this_store_or_another_one_ends_the_wait() {
    let bench = Bench::new();
    bench.submit(&workflow(SPEC));
    let state = bench.folder.path().join("state");
    let other = Store::open(state, Clock::new(jiff::Timestamp::now)).expect("a store");
    let seen = bench.store.revision().expect("a revision");
    assert_eq!(bench.store.revision().expect("a revision"), seen, "reading changes nothing");
    bench.store.status("u1").expect("a status");
    let waiting = bench.store.changed_since(seen);
    let nothing = tokio::time::timeout(Duration::from_millis(500), waiting).await;
    assert!(nothing.is_err(), "nothing was written");

    let mut seen = seen;
    for store in [&other, &bench.store] {
        let change = async { store.request_stop("u1", Shutdown::Stop).expect("asked") };
        let waiting = tokio::time::timeout(LIMIT, bench.store.changed_since(seen));
        let (revision, is_asked) = tokio::join!(waiting, change);
        assert!(is_asked);
        let revision = revision.expect("a change").expect("a revision");
        assert_ne!(revision, seen);
        seen = revision;
    }
}
