//! How is one bulk request sent, and what became of each of its documents?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cluster::{Client, ClusterError, Repeat, Request, path};
use contract::Exit;
use tokio::sync::watch;

use crate::{
    acknowledged::BatchNumber,
    assembly::{Address, Entry, Load},
    failed_documents::{self, FailedDocument, Refusal},
    lease::Lease,
    outcome::{self, Outcome, RequestOutcome},
    state::Item,
};

/// After this many faults (about three minutes), a document on which the target fails while it
/// takes others is taken for the cause.
const FAULTS: u32 = 12;

/// After this many attempts (about four minutes) a busy target is left alone.
const ATTEMPTS_WHEN_BUSY: u32 = 14;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends the documents of one item.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) item: Item,
    pub(crate) run: String,
    /// The lease as it was renewed last.
    pub(crate) lease: watch::Receiver<Lease>,
    /// The moment from which the lease is counted.
    pub(crate) start: Instant,
}

/// How often documents were sent before, and why they are sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Answers that the target is busy, or no answer.
    busy: u32,
    /// Answers that the target failed on these documents.
    faults: u32,
    others: Others,
}

/// What became of the other documents when the target failed on these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
    /// Nothing is known of any that went well, so it may be the target that is at fault.
    #[default]
    Unknown,
    /// Others of the same request were taken.
    Taken,
}

/// What became of a request.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Documents on the target: their batch and their bytes.
    pub(crate) accepted: Vec<(BatchNumber, u64)>,
    /// Documents that were refused and are kept.
    pub(crate) rejected: Vec<BatchNumber>,
    /// What has to be sent again.
    pub(crate) again: Vec<(Load, Tries)>,
    /// Whether the target said that it is busy.
    pub(crate) busy: bool,
    /// The request itself, if it is over.
    pub(crate) spent: Option<Load>,
    /// A number of bytes that the target says is too many for one request.
    pub(crate) too_many_bytes: Option<usize>,
}

/// Why the item cannot go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong with the index on the target: the item fails.
    Failed(String),
    /// The target does not answer, or does not permit it: the item is given back.
    GivenBack(Exit, String),
    /// The lease ran out, so the item may be another's.
    LeaseOver,
}

impl Sender {
    /// Sends a request, after a wait if it was sent before; stops when the lease is over.
    pub(crate) async fn send(self: Arc<Self>, load: Load, tries: Tries) -> Result<Answer, Stop> {
        tokio::select! {
            biased;
            () = self.lease_over() => Err(Stop::LeaseOver),
            answer = self.send_held(load, tries) => answer,
        }
    }

    /// Keeps documents that cannot be sent; stops when the lease is over.
    pub(crate) async fn reject(
        self: Arc<Self>,
        batch: BatchNumber,
        documents: Vec<FailedDocument>,
    ) -> Result<Answer, Stop> {
        tokio::select! {
            biased;
            () = self.lease_over() => return Err(Stop::LeaseOver),
            kept = self.keep(&documents) => kept?,
        }
        Ok(Answer { rejected: vec![batch; documents.len()], ..Answer::default() })
    }

    /// Waits until the lease has run out and was not renewed meanwhile.
    async fn lease_over(&self) {
        loop {
            let left = self.lease.borrow().left(self.start.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    async fn send_held(&self, load: Load, tries: Tries) -> Result<Answer, Stop> {
        if tries != Tries::default() {
            tokio::time::sleep(wait_before(tries, &load)).await;
        }
        // The process may have slept much longer than it meant to.
        if !self.lease.borrow().holds(self.start.elapsed()) {
            return Err(Stop::LeaseOver);
        }
        let request = Request::post(path(&[&self.item.index, "_bulk"]))
            .query("filter_path", "errors,items.*.status,items.*.error")
            .ndjson(load.body())
            .repeat(Repeat::Safe);
        let response = match self.client.send_once(&request).await {
            Ok(response) => response,
            Err(error) if error.is_temporary() => {
                return repeat(load, tries, &error.to_string());
            }
            Err(error) => return Err(given_back(&error)),
        };
        match outcome::of_request(response.status) {
            RequestOutcome::Answered => {}
            RequestOutcome::Busy => {
                let reason = format!("status {}: {}", response.status, response.error_reason());
                return repeat(load, tries, &reason);
            }
            RequestOutcome::TooLarge => return self.split(load).await,
            RequestOutcome::Refused => {
                return match self.client.check_status(response) {
                    Err(error) if error.exit() == Exit::NotPermitted => Err(given_back(&error)),
                    Err(error) => Err(Stop::Failed(error.to_string())),
                    Ok(response) => Err(Stop::Failed(format!("status {}", response.status))),
                };
            }
        }
        let answer = cluster::bulk::decode(&response, load.entries().len())
            .map_err(|error| Stop::GivenBack(Exit::Temporary, error.to_string()))?;
        let mut answer = self.sort(&load, &answer.items, tries).await?;
        answer.spent = Some(load);
        Ok(answer)
    }

    /// Sorts the documents of a request by what became of them.
    async fn sort(
        &self,
        load: &Load,
        items: &[cluster::bulk::ItemResult],
        tries: Tries,
    ) -> Result<Answer, Stop> {
        let mut answer = Answer::default();
        let mut refused = Vec::new();
        let (mut busy, mut faulty) = (Vec::new(), Vec::new());
        let (mut reason_busy, mut reason_faulty) = ("", "");
        let taken = items.iter().any(|item| outcome::of_document(item) == Outcome::Accepted);
        let others = if taken { Others::Taken } else { tries.others };
        for (place, (entry, item)) in load.entries().iter().zip(items).enumerate() {
            let kind = item.error_type.as_deref().unwrap_or("unknown");
            let reason = item.reason.as_deref().unwrap_or("no reason given");
            match outcome::of_document(item) {
                Outcome::Accepted => answer.accepted.push((entry.batch, entry.source_bytes())),
                Outcome::Busy => {
                    busy.push(place);
                    reason_busy = reason;
                }
                Outcome::Faulty if !tries.blames_documents(others) => {
                    faulty.push(place);
                    reason_faulty = reason;
                }
                Outcome::Rejected | Outcome::Faulty => {
                    answer.rejected.push(entry.batch);
                    refused.push(self.refused_entry(load, entry, kind, reason));
                }
                Outcome::IndexBroken => {
                    return Err(Stop::Failed(format!(
                        "the target does not write to index `{}`: {kind}: {reason}",
                        self.item.index
                    )));
                }
            }
        }
        self.keep(&refused).await?;
        answer.busy = !busy.is_empty();
        if answer.busy {
            let tries = tries.busy_again();
            answer.again.push(again(load.part(&busy), tries, reason_busy)?);
        }
        if !faulty.is_empty() {
            let tries = tries.faulty_again(others);
            answer.again.push(again(load.part(&faulty), tries, reason_faulty)?);
        }
        Ok(answer)
    }

    /// Halves a request that is too large; a single document that is too large is refused.
    async fn split(&self, load: Load) -> Result<Answer, Stop> {
        let mut answer = Answer::default();
        if let Some((first, second)) = load.halves() {
            answer.again = vec![(first, Tries::default()), (second, Tries::default())];
            answer.too_many_bytes = Some(load.body().len());
            return Ok(answer);
        }
        if let Some(entry) = load.entries().first() {
            let reason = format!(
                "the target takes no request of {} bytes; raise its `http.max_content_length`",
                load.body().len()
            );
            let refused = self.refused_entry(&load, entry, "request_too_large", &reason);
            self.keep(&[refused]).await?;
            answer.rejected.push(entry.batch);
        }
        Ok(answer)
    }

    fn refused_entry(
        &self,
        load: &Load,
        entry: &Entry,
        kind: &str,
        reason: &str,
    ) -> FailedDocument {
        let Address { id, routing } = load.address(entry);
        self.refused(Refusal {
            position: entry.position,
            id: &id,
            routing: routing.as_deref(),
            kind,
            reason,
            source: load.source(entry),
        })
    }

    /// Makes the record of a refused document.
    pub(crate) fn refused(&self, refusal: Refusal<'_>) -> FailedDocument {
        FailedDocument::new(&self.item, &self.run, refusal)
    }

    /// Keeps refused documents.
    pub(crate) async fn keep(&self, documents: &[FailedDocument]) -> Result<(), Stop> {
        failed_documents::write(&self.client, documents)
            .await
            .map_err(|error| Stop::GivenBack(contract::exit::exit_of(&error), format!("{error:#}")))
    }
}

fn given_back(error: &ClusterError) -> Stop {
    Stop::GivenBack(error.exit(), error.to_string())
}

impl Tries {
    fn busy_again(self) -> Self {
        Self { busy: self.busy + 1, ..self }
    }

    fn faulty_again(self, others: Others) -> Self {
        Self { faults: self.faults + 1, others, ..self }
    }

    /// Whether another fault is the documents' own: there were many, and others were taken.
    fn blames_documents(self, others: Others) -> bool {
        others == Others::Taken && self.faults + 1 >= FAULTS
    }

    /// Whether the target is left alone for now.
    fn are_over(self) -> bool {
        self.busy >= ATTEMPTS_WHEN_BUSY || self.faults >= FAULTS
    }

    /// Doubles from attempt to attempt.
    fn wait(self) -> Duration {
        let doublings = (self.busy + self.faults).saturating_sub(1);
        FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT)
    }
}

/// Puts a whole request back, because the target is busy or does not answer.
fn repeat(load: Load, tries: Tries, reason: &str) -> Result<Answer, Stop> {
    let again = vec![again(load, tries.busy_again(), reason)?];
    Ok(Answer { again, busy: true, ..Answer::default() })
}

/// Puts documents back, unless they were sent too often.
fn again(load: Load, tries: Tries, reason: &str) -> Result<(Load, Tries), Stop> {
    let Tries { busy, faults, others: _ } = tries;
    if tries.are_over() {
        let message =
            format!("the target did not take documents in {} attempts: {reason}", busy + faults);
        return Err(Stop::GivenBack(Exit::Temporary, message));
    }
    tracing::warn!(
        busy,
        faults,
        documents = load.entries().len(),
        "documents are sent again: {reason}"
    );
    Ok((load, tries))
}

/// Requests of one moment are spread by their first position.
fn wait_before(tries: Tries, load: &Load) -> Duration {
    let position = load.entries().first().map_or(0, |entry| entry.position);
    let spread = u32::try_from(position % 64).unwrap_or(0);
    let wait = tries.wait();
    wait + wait * spread / 128
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contract::{
        Ledger,
        access::{Auth, ClusterAccess, Credentials},
    };
    use coordination::working_state::Version;

    use super::*;
    use crate::{
        acknowledged::{Acknowledged, Checkpoint},
        assembly::{Assembly, Document, Limits},
        state::{NewItem, Scope},
    };

    fn faulty(times: u32, others: Others, from: Tries) -> Tries {
        (0..times).fold(from, |tries, _| tries.faulty_again(others))
    }

    /// A sender to a port where nobody listens, and a request for it.
    fn sender(lease: watch::Receiver<Lease>, start: Instant) -> (Arc<Sender>, Load) {
        let access = ClusterAccess {
            name: "new".to_owned(),
            endpoint: "http://127.0.0.1:1".to_owned(),
            version: None,
            allow_insecure: false,
            auth: Auth::None,
        };
        let client = Client::new(&access, &Credentials::default(), &BTreeMap::new());
        let item = Item::new(NewItem {
            run: "r",
            scope: Scope { snapshot: "s", migration: "m", group: "g" },
            index: "logs",
            index_id: "i",
            shard: 0,
            documents: 1,
        });
        let sender =
            Sender { client: client.expect("a client"), item, run: "r".to_owned(), lease, start };
        let limits = Limits { bytes: 100, documents: 10 };
        let mut assembly = Assembly::new(limits);
        let document = Document { position: 0, id: "a", routing: None, source: b"{}" };
        let batch = Acknowledged::resume(Checkpoint::default()).read(1, Ledger::default());
        assert!(assembly.push(document, batch).is_none());
        (Arc::new(sender), assembly.close().expect("a request"))
    }

    #[tokio::test]
    async fn a_request_whose_turn_comes_after_the_lease_is_not_sent() {
        let version = Version { sequence_number: 1, primary_term: 1 };
        let lease = Lease::taken(Duration::from_millis(50), version, Duration::ZERO);
        let start = Instant::now();
        let tries = Tries::default().busy_again();

        let (_renewals, renewed) = watch::channel(lease);
        let (sender, load) = sender(renewed, start);
        let stopped = sender.send(load, tries).await;
        assert!(matches!(stopped, Err(Stop::LeaseOver)), "{stopped:?}");
    }

    #[tokio::test]
    async fn a_request_whose_turn_comes_after_a_renewal_is_sent() {
        let version = Version { sequence_number: 1, primary_term: 1 };
        let over = Lease::taken(Duration::ZERO, version, Duration::ZERO);
        let (renewals, renewed) = watch::channel(over);
        renewals.send_replace(Lease::taken(Duration::from_hours(1), version, Duration::ZERO));
        let (sender, load) = sender(renewed, Instant::now());
        let answer = sender.send(load, Tries::default().busy_again()).await.expect("an answer");
        // Nobody listens, so it is to be sent again.
        assert_eq!(answer.again[0].1, Tries::default().busy_again().busy_again());
    }

    #[test]
    fn answers_that_the_target_is_busy_never_blame_a_document() {
        let busy = (1..ATTEMPTS_WHEN_BUSY).fold(Tries::default(), |tries, _| tries.busy_again());
        assert!(!busy.blames_documents(Others::Taken));
        assert!(!busy.are_over());
        assert!(busy.busy_again().are_over());
    }

    #[test]
    fn a_target_that_fails_on_all_documents_rejects_none_of_them() {
        let tries = faulty(FAULTS - 1, Others::Unknown, Tries::default());
        assert!(!tries.blames_documents(Others::Unknown));
        assert!(tries.faulty_again(Others::Unknown).are_over());
    }

    #[test]
    fn a_document_on_which_the_target_fails_for_minutes_while_it_takes_others_is_blamed() {
        let tries = faulty(FAULTS - 1, Others::Taken, Tries::default());
        assert!(tries.blames_documents(Others::Taken));
        let waited: Duration =
            (1..FAULTS).map(|times| faulty(times, Others::Taken, Tries::default()).wait()).sum();
        assert!(waited > Duration::from_mins(2), "{waited:?}");
    }
}
