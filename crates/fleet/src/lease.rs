//! May this worker take over that work item, and may it continue with the one it holds?
//!
//! Clocks of different machines are never compared. A worker remembers when *it* first saw an
//! item at its present version; an item that another worker holds and whose version did not change
//! for a whole lease, by the observer's own monotonic clock, may be taken over. Taking, renewing and
//! ending are conditional writes: the first write changes the version, and every other one is
//! refused.
//!
//! ```text
//!            take (if version is still v1)         renew (if still v2)
//!   open, v1 ---------------------------> held, v2 -------------------> held, v3 ...
//!                                           |  unchanged for a lease: take over (if still v2)
//!                                           +-----------------------------------> held by another
//! ```
//!
//! A holder that could not renew for a lease must assume that it lost the item, so it sends
//! nothing more: a worker that slept for an hour cannot overwrite newer documents. It checks right
//! before each request, not when the request was planned: a request may wait long for its turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use state_store::Version;

/// The longest time between two renewals of a lease, however long the lease is: by its writes a run
/// that works but makes no progress differs from one that is gone.
pub const MAX_RENEWAL_INTERVAL: Duration = Duration::from_secs(15);

/// Whether an item may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// No worker holds it.
    Free,
    /// Its holder showed no sign of life for a whole lease.
    Abandoned,
    /// Another worker holds it, as far as can be known now.
    Held,
}

/// What one worker has seen of the items that others hold.
#[derive(Debug)]
pub(crate) struct Observer {
    lease: Duration,
    seen: BTreeMap<String, (Version, Duration)>,
}

impl Observer {
    /// Starts with having seen nothing.
    pub(crate) fn new(lease: Duration) -> Self {
        Self { lease, seen: BTreeMap::new() }
    }

    /// Notes an item as it is at `now` (time since any fixed moment) and returns whether it may be
    /// taken.
    pub(crate) fn observe(
        &mut self,
        key: &str,
        version: Version,
        held: bool,
        now: Duration,
    ) -> Availability {
        if !held {
            self.seen.remove(key);
            return Availability::Free;
        }
        match self.seen.get(key) {
            Some((known, since)) if *known == version => {
                if now.saturating_sub(*since) >= self.lease {
                    Availability::Abandoned
                } else {
                    Availability::Held
                }
            }
            _ => {
                self.seen.insert(key.to_owned(), (version, now));
                Availability::Held
            }
        }
    }

    /// Forgets every item that is not among `keys`, so that memory stays bounded.
    pub(crate) fn retain(&mut self, keys: &BTreeSet<String>) {
        self.seen.retain(|key, _| keys.contains(key));
    }
}

/// The right to work on an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    length: Duration,
    version: Version,
    renewed: Duration,
}

impl Lease {
    /// Starts with the conditional write that took the item; `now` is a moment *before* that
    /// write was sent, so that the holder's lease never outlasts what others see.
    pub(crate) fn taken(length: Duration, version: Version, now: Duration) -> Self {
        Self { length, version, renewed: now }
    }

    /// Notes a renewal; `now` is a moment before it was sent.
    pub(crate) fn renewed(&mut self, version: Version, now: Duration) {
        self.version = version;
        self.renewed = now;
    }

    /// Returns the version that the next conditional write names.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Returns whether it is time to renew: a quarter of the lease has passed, or
    /// [`MAX_RENEWAL_INTERVAL`].
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.renewed) >= (self.length / 4).min(MAX_RENEWAL_INTERVAL)
    }

    /// Returns the moment until which the holder may send documents if it cannot renew.
    pub(crate) fn valid_until(&self) -> Duration {
        self.renewed + self.length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use super::*;

    const LEASE: Duration = Duration::from_mins(1);

    fn version(sequence_number: u64) -> Version {
        Version { sequence_number, primary_term: 1 }
    }

    #[test]
    fn a_dead_workers_item_may_be_taken_after_a_lease_and_not_before() {
        let mut observer = Observer::new(LEASE);
        let at = Duration::from_secs;
        assert_eq!(observer.observe("a", version(3), true, at(1_000)), Availability::Held);
        assert_eq!(observer.observe("a", version(3), true, at(1_059)), Availability::Held);
        assert_eq!(observer.observe("a", version(3), true, at(1_060)), Availability::Abandoned);
        assert_eq!(observer.observe("b", version(9), false, at(1_060)), Availability::Free);
    }

    #[test]
    fn a_long_lease_is_renewed_as_often_as_a_run_is_observed() {
        let at = Duration::from_secs;
        for (length, interval) in [(at(8), at(2)), (LEASE, at(15)), (at(3_600), at(15))] {
            let lease = Lease::taken(length, version(1), Duration::ZERO);
            assert!(!lease.is_due(interval.saturating_sub(at(1))), "{length:?}");
            assert!(lease.is_due(interval), "{length:?}");
        }
    }

    #[test]
    fn a_renewal_starts_the_wait_again() {
        let mut observer = Observer::new(LEASE);
        let at = Duration::from_secs;
        observer.observe("a", version(3), true, at(0));
        assert_eq!(observer.observe("a", version(4), true, at(59)), Availability::Held);
        assert_eq!(observer.observe("a", version(4), true, at(118)), Availability::Held);
        assert_eq!(observer.observe("a", version(4), true, at(119)), Availability::Abandoned);
    }

    /// A document store with conditional writes, as the target is one.
    #[derive(Default)]
    struct Store {
        sequence_number: u64,
        holder: Option<usize>,
        writes: u64,
    }

    impl Store {
        fn write(&mut self, expected: Version, holder: usize) -> Option<Version> {
            if expected.sequence_number != self.sequence_number {
                return None;
            }
            self.writes += 1;
            self.sequence_number += 1;
            self.holder = Some(holder);
            Some(version(self.sequence_number))
        }
    }

    /// A conditional write on its way: begun, perhaps executed, not yet answered.
    #[derive(Clone, Copy)]
    struct Write {
        expected: Version,
        /// The moment before it was sent.
        begun: Duration,
        answer: Option<Executed>,
    }

    #[derive(Clone, Copy)]
    enum Executed {
        Written(Version),
        Refused,
    }

    #[derive(Default)]
    struct Worker {
        lease: Option<Lease>,
        write: Option<Write>,
        /// A request that waits for its turn.
        planned: bool,
    }

    impl Worker {
        fn holds(&self, now: Duration) -> bool {
            self.lease.is_some_and(|lease| now < lease.valid_until())
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Pass(u64),
        /// A worker reads the item, perhaps a version that is out of date, and begins to
        /// take it if it may.
        Look {
            worker: usize,
            stale: bool,
        },
        Renew(usize),
        /// The store executes what a worker began to write.
        Execute(usize),
        /// The answer to it arrives.
        Answer(usize),
        /// A worker plans a request with documents.
        Plan(usize),
        /// It comes to that request.
        Send(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let worker = || 0..3_usize;
        let step = prop_oneof![
            2 => (1..40_u64).prop_map(Step::Pass),
            2 => (worker(), any::<bool>())
                .prop_map(|(worker, stale)| Step::Look { worker, stale }),
            1 => worker().prop_map(Step::Renew),
            3 => worker().prop_map(Step::Execute),
            3 => worker().prop_map(Step::Answer),
            2 => worker().prop_map(Step::Plan),
            2 => worker().prop_map(Step::Send),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        /// Whatever the workers do, however late their view is and however long their writes are
        /// under way, two never hold the item at the same time, and documents are sent only by the worker
        /// that the store names.
        #[test]
        fn two_workers_never_hold_one_item(steps in steps()) {
            let mut now = Duration::ZERO;
            let mut store = Store::default();
            let mut observers: Vec<_> = (0..3).map(|_| Observer::new(LEASE)).collect();
            let mut workers: Vec<_> = (0..3).map(|_| Worker::default()).collect();
            let mut earlier = (0, false);
            for step in steps {
                match step {
                    Step::Pass(seconds) => now += Duration::from_secs(seconds),
                    Step::Look { worker, stale } => {
                        let me = &mut workers[worker];
                        if me.holds(now) || me.write.is_some() {
                            continue;
                        }
                        let present = (store.sequence_number, store.holder.is_some());
                        let (seen, held) = if stale { earlier } else { present };
                        earlier = present;
                        let availability = observers[worker].observe("item", version(seen), held, now);
                        if availability != Availability::Held {
                            me.lease = None;
                            me.write =
                                Some(Write { expected: version(seen), begun: now, answer: None });
                        }
                    }
                    Step::Renew(worker) => {
                        let me = &mut workers[worker];
                        if let (Some(lease), None) = (me.lease, me.write) {
                            let expected = lease.version();
                            me.write = Some(Write { expected, begun: now, answer: None });
                        }
                    }
                    Step::Execute(worker) => {
                        if let Some(write) = &mut workers[worker].write
                            && write.answer.is_none()
                        {
                            let written = store.write(write.expected, worker);
                            write.answer = Some(written.map_or(Executed::Refused, Executed::Written));
                        }
                    }
                    Step::Answer(worker) => {
                        let me = &mut workers[worker];
                        let Some(Write { begun, answer: Some(answer), .. }) = me.write else {
                            continue;
                        };
                        me.write = None;
                        me.lease = match (me.lease, answer) {
                            (_, Executed::Refused) => None,
                            (None, Executed::Written(taken)) => Some(Lease::taken(LEASE, taken, begun)),
                            (Some(mut lease), Executed::Written(renewed)) => {
                                lease.renewed(renewed, begun);
                                Some(lease)
                            }
                        };
                    }
                    Step::Plan(worker) => workers[worker].planned |= workers[worker].holds(now),
                    Step::Send(worker) => {
                        let planned = std::mem::take(&mut workers[worker].planned);
                        if planned && workers[worker].holds(now) {
                            assert_eq!(store.holder, Some(worker), "{worker} sends at {now:?}");
                        }
                    }
                }
                let holding: Vec<usize> =
                    (0..3).filter(|worker| workers[*worker].holds(now)).collect();
                assert!(holding.len() <= 1, "{holding:?} hold the item at {now:?}");
            }
        }

        /// A holder that renews whenever it is due keeps its item from an observer that reads
        /// any moments.
        #[test]
        fn a_live_workers_item_is_never_taken(gaps in prop::collection::vec(0..15_u64, 1..200)) {
            let mut now = Duration::ZERO;
            let mut store = Store::default();
            let mut lease = Lease::taken(LEASE, store.write(version(0), 0).expect("free"), now);
            let mut observer = Observer::new(LEASE);
            for gap in gaps {
                now += Duration::from_secs(gap);
                if lease.is_due(now) {
                    let renewed = store.write(lease.version(), 0).expect("no other worker writes");
                    lease.renewed(renewed, now);
                }
                let availability = observer.observe("item", version(store.sequence_number), true, now);
                assert_eq!(availability, Availability::Held);
            }
        }
    }
}
