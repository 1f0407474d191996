//! Up to which cursor is everything acknowledged, and what does the ledger say there?
//!
//! Documents are read batch by batch in the order of the source, and acknowledged in any order.
//! A cursor may be recorded only when every document before it has ended as accepted or
//! rejected; the ledger recorded with it counts exactly the documents before it. So a worker
//! that resumes there counts nothing twice, whatever was under way when the last one died.
//!
//! ```text
//!   cursor     0 ........ 812 ........ 1604 ........ 2391
//!                batch 0       batch 1        batch 2
//!   waiting         0             3              0          -> the checkpoint is 812
//! ```

use std::collections::VecDeque;

use contract::Ledger;

/// A place in a source and the ledger of everything before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint<C> {
    /// Everything before it is finished.
    pub cursor: C,
    /// What became of the documents before it, from the beginning of the source.
    pub ledger: Ledger,
}

/// Names a batch that was read, for its acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchNumber(u64);

/// The batches between the checkpoint and the reader.
#[derive(Debug)]
pub(crate) struct Acknowledged<C> {
    checkpoint: Checkpoint<C>,
    first: u64,
    waiting: VecDeque<Batch<C>>,
}

#[derive(Debug)]
struct Batch<C> {
    end: C,
    ledger: Ledger,
}

impl<C> Batch<C> {
    fn is_finished(&self) -> bool {
        self.ledger.accepted + self.ledger.rejected >= self.ledger.live
    }
}

impl<C: Clone> Acknowledged<C> {
    /// Resumes from a recorded checkpoint.
    pub(crate) fn resume(checkpoint: Checkpoint<C>) -> Self {
        Self { checkpoint, first: 0, waiting: VecDeque::new() }
    }

    /// Adds the batch that ends before `end`; `counts` is what was read since the batch before, its
    /// `live` documents are the ones to be acknowledged.
    pub(crate) fn read(&mut self, end: C, counts: Ledger) -> BatchNumber {
        let number = BatchNumber(self.first + self.waiting.len() as u64);
        let ledger = Ledger { accepted: 0, rejected: 0, bytes: 0, ..counts };
        self.waiting.push_back(Batch { end, ledger });
        self.advance();
        number
    }

    /// Counts a document of `bytes` bytes as acknowledged by the target.
    pub(crate) fn accept(&mut self, batch: BatchNumber, bytes: u64) {
        if let Some(ledger) = self.ledger_of(batch) {
            ledger.accepted += 1;
            ledger.bytes += bytes;
            self.advance();
        }
    }

    /// Counts a document as rejected by the target and kept among the failed documents.
    pub(crate) fn reject(&mut self, batch: BatchNumber) {
        if let Some(ledger) = self.ledger_of(batch) {
            ledger.rejected += 1;
            self.advance();
        }
    }

    /// Returns the furthest place before which everything is finished.
    pub(crate) fn checkpoint(&self) -> &Checkpoint<C> {
        &self.checkpoint
    }

    /// Returns whether everything that was read is finished.
    pub(crate) fn is_settled(&self) -> bool {
        self.waiting.is_empty()
    }

    fn ledger_of(&mut self, BatchNumber(number): BatchNumber) -> Option<&mut Ledger> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiting.get_mut(place).map(|batch| &mut batch.ledger)
    }

    fn advance(&mut self) {
        while let Some(batch) = self.waiting.pop_front_if(|batch| batch.is_finished()) {
            self.first += 1;
            self.checkpoint.cursor = batch.end;
            self.checkpoint.ledger.add(&batch.ledger);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, proptest};

    use super::*;

    fn counts(live: u64, deleted: u64) -> Ledger {
        Ledger { physical: live + deleted, deleted, live, ..Ledger::default() }
    }

    #[test]
    fn the_checkpoint_waits_for_the_earliest_document() {
        let mut acknowledged = Acknowledged::resume(Checkpoint::<u64>::default());
        let first = acknowledged.read(3, counts(2, 1));
        let second = acknowledged.read(4, counts(1, 0));
        acknowledged.accept(second, 10);
        acknowledged.accept(first, 10);
        assert_eq!(acknowledged.checkpoint().cursor, 0);
        acknowledged.reject(first);
        let Checkpoint { cursor, ledger } = *acknowledged.checkpoint();
        assert_eq!((cursor, ledger.accepted, ledger.rejected, ledger.bytes), (4, 2, 1, 20));
        assert!(ledger.adds_up() && acknowledged.is_settled());
    }

    #[test]
    fn a_batch_of_deleted_documents_alone_advances_the_checkpoint() {
        let mut acknowledged = Acknowledged::resume(Checkpoint::<u64>::default());
        acknowledged.read(7, counts(0, 7));
        assert_eq!(acknowledged.checkpoint().cursor, 7);
        assert!(acknowledged.checkpoint().ledger.adds_up());
    }

    /// Batches of (live, deleted) documents and an order in which the live ones are answered.
    fn runs() -> impl Strategy<Value = (Vec<(u64, u64)>, Vec<usize>, usize)> {
        prop::collection::vec((0..6_u64, 0..4_u64), 1..12).prop_flat_map(|batches| {
            let documents: Vec<usize> = batches
                .iter()
                .enumerate()
                .flat_map(|(batch, (live, _))| {
                    std::iter::repeat_n(batch, usize::try_from(*live).expect("small"))
                })
                .collect();
            let killed_after = any::<prop::sample::Index>();
            let length = documents.len();
            (Just(batches), Just(documents).prop_shuffle(), killed_after)
                .prop_map(move |(batches, order, at)| (batches, order, at.index(length + 1)))
        })
    }

    proptest! {
        /// Killed after any acknowledgement and resumed from the checkpoint, the ledger at the
        /// end is that of one undisturbed pass: nothing is counted twice and nothing is lost.
        #[test]
        fn a_killed_and_resumed_pass_counts_like_an_undisturbed_one(
            (batches, order, killed_after) in runs()
        ) {
            let mut ends = Vec::new();
            let mut whole = Ledger::default();
            for (live, deleted) in &batches {
                whole.add(&counts(*live, *deleted));
                ends.push(whole.physical);
            }
            whole.accepted = whole.live;

            let mut first = Acknowledged::resume(Checkpoint::<u64>::default());
            let numbers: Vec<_> = batches
                .iter()
                .zip(&ends)
                .map(|((live, deleted), end)| first.read(*end, counts(*live, *deleted)))
                .collect();
            for batch in order.iter().take(killed_after) {
                first.accept(numbers[*batch], 0);
            }
            let checkpoint = *first.checkpoint();
            assert!(checkpoint.ledger.adds_up());
            assert_eq!(checkpoint.ledger.physical, checkpoint.cursor);

            let mut second = Acknowledged::resume(checkpoint);
            for ((live, deleted), end) in batches.iter().zip(&ends) {
                if *end > checkpoint.cursor {
                    let number = second.read(*end, counts(*live, *deleted));
                    for _ in 0..*live {
                        second.accept(number, 0);
                    }
                }
            }
            assert_eq!(second.checkpoint().ledger, whole);
            assert!(second.is_settled());
        }
    }
}
