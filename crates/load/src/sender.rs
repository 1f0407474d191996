//! How is one bulk request sent, and what became of each of its documents?

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cluster::{Client, ClusterError, Repeat, Request, Response, path};
use contract::{Exit, Failure};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    acknowledged::BatchNumber,
    assembly::{Address, BulkRequest, Entry},
    failed_documents::{self, FailedDocument, Provenance, Rejection},
    outcome::{self, Outcome, RequestOutcome},
    source::LoadStop,
};

/// After this many faults (about three minutes), a document on which the target fails while it
/// accepts others counts as the cause.
const MAX_FAULTS: u32 = 12;

/// After this many attempts (about four minutes) the load gives up on a busy target.
const MAX_BUSY_ANSWERS: u32 = 14;

/// After this many documents, for each of which the target refused a whole request, and none that
/// it accepted between them, the load stops.
const MAX_INVALID_IN_A_ROW: usize = 100;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Sends the documents of one bulk.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) provenance: Provenance,
    /// The moment until which documents may be sent.
    pub(crate) permit: watch::Receiver<Instant>,
    /// Since when the target takes no documents, and what it answered last; `None` while it does.
    outage: Mutex<Option<Outage>>,
    /// The number of documents that were rejected alone, for each of which the target refused a
    /// whole request, since it last accepted a request.
    invalid_in_a_row: AtomicUsize,
}

/// A time in which the target takes no documents.
#[derive(Clone, Debug)]
struct Outage {
    since: Timestamp,
    last_answer: String,
}

/// How often documents were sent before, and why they are sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// Answers that the target is busy, or no answer.
    busy: u32,
    /// Answers that the target failed on these documents.
    faults: u32,
    others: OtherDocuments,
}

/// What became of the other documents when the target failed on these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OtherDocuments {
    /// None is known to have been accepted, so it may be the target that is at fault.
    #[default]
    Unknown,
    /// Others of the same request were accepted.
    Accepted,
}

/// What became of a request.
#[derive(Debug, Default)]
pub(crate) struct SendReport {
    /// Documents on the target: their batch and their bytes.
    pub(crate) accepted: Vec<(BatchNumber, u64)>,
    /// Documents that were rejected and are kept.
    pub(crate) rejected: Vec<BatchNumber>,
    /// What has to be sent again.
    pub(crate) to_resend: Vec<(BulkRequest, Attempts)>,
    /// Whether the target said that it is busy.
    pub(crate) busy: bool,
    /// The request itself, if it is over.
    pub(crate) spent: Option<BulkRequest>,
    /// A number of bytes that is too many for one request to this target.
    pub(crate) too_many_bytes: Option<usize>,
}

impl Sender {
    /// Makes a sender to one index.
    pub(crate) fn new(
        client: Client,
        provenance: Provenance,
        permit: watch::Receiver<Instant>,
    ) -> Self {
        Self {
            client,
            provenance,
            permit,
            outage: Mutex::default(),
            invalid_in_a_row: AtomicUsize::default(),
        }
    }

    /// Sends a request, after a wait if it was sent before; stops when the permit expires.
    pub(crate) async fn send(
        self: Arc<Self>,
        bulk: BulkRequest,
        attempts: Attempts,
    ) -> Result<SendReport, LoadStop> {
        tokio::select! {
            biased;
            () = self.permit_expired() => Err(LoadStop::PermitExpired),
            answer = self.send_permitted(bulk, attempts) => answer,
        }
    }

    /// Keeps documents that cannot be sent; stops when the permit expires.
    pub(crate) async fn reject(
        self: Arc<Self>,
        batch: BatchNumber,
        documents: Vec<FailedDocument>,
    ) -> Result<SendReport, LoadStop> {
        tokio::select! {
            biased;
            () = self.permit_expired() => return Err(LoadStop::PermitExpired),
            kept = self.keep(&documents) => kept?,
        }
        Ok(SendReport { rejected: vec![batch; documents.len()], ..SendReport::default() })
    }

    /// Waits until the permit has expired and was not renewed meanwhile.
    async fn permit_expired(&self) {
        loop {
            let left = self.permit.borrow().saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    async fn send_permitted(
        &self,
        bulk: BulkRequest,
        attempts: Attempts,
    ) -> Result<SendReport, LoadStop> {
        let request = Request::post(path(&[self.provenance.index.as_str(), "_bulk"]))
            .query("filter_path", "errors,items.*.status,items.*.error")
            .ndjson(bulk.body())
            .repeat(Repeat::Safe);
        if attempts != Attempts::default() {
            self.delay(&request, wait_before(attempts, &bulk)).await;
        }
        // The process may have slept much longer than it meant to.
        if Instant::now() >= *self.permit.borrow() {
            return Err(LoadStop::PermitExpired);
        }
        let response = match self.client.send_once(&request).await {
            Ok(response) => response,
            Err(error) if error.is_temporary() => {
                return self.repeat(bulk, attempts, &error.to_string());
            }
            Err(error) => return Err(given_back(&error)),
        };
        match outcome::of_request(response.status) {
            RequestOutcome::Answered => {
                self.set_outage(None);
                self.invalid_in_a_row.store(0, Ordering::Relaxed);
            }
            RequestOutcome::Busy => {
                let reason = format!("status {}: {}", response.status, response.error_reason());
                return self.repeat(bulk, attempts, &reason);
            }
            RequestOutcome::TooLarge => return self.split_too_large(bulk).await,
            RequestOutcome::Invalid
                if !response.error_type().as_deref().is_some_and(outcome::is_about_index) =>
            {
                return self.split_invalid(bulk, &response).await;
            }
            RequestOutcome::Refused | RequestOutcome::Invalid => {
                return match self.client.check_status(response) {
                    Err(error) if error.exit() == Exit::NotPermitted => Err(given_back(&error)),
                    Err(error) => Err(LoadStop::Failed(error.to_string())),
                    Ok(response) => Err(LoadStop::Failed(format!("status {}", response.status))),
                };
            }
        }
        let answer = cluster::bulk::decode(&response, bulk.entries().len())
            .map_err(|error| busy_target(error.to_string()))?;
        let mut report = self.sort(&bulk, &answer.items, attempts).await?;
        report.spent = Some(bulk);
        Ok(report)
    }

    /// Puts a whole request back, because the target is busy or does not answer.
    fn repeat(
        &self,
        bulk: BulkRequest,
        attempts: Attempts,
        reason: &str,
    ) -> Result<SendReport, LoadStop> {
        self.set_outage(Some(reason));
        let to_resend = vec![put_back(bulk, attempts.busy_again(), reason)?];
        Ok(SendReport { to_resend, busy: true, ..SendReport::default() })
    }

    /// Waits before documents are sent again, and reports the wait.
    async fn delay(&self, request: &Request, delay: Duration) {
        let outage = self.outage().clone();
        match outage {
            Some(Outage { since, last_answer }) => {
                self.client.delay(request, &last_answer, since, delay).await;
            }
            None => tokio::time::sleep(delay).await,
        }
    }

    fn set_outage(&self, answer: Option<&str>) {
        let mut outage = self.outage();
        let since = outage.as_ref().map_or_else(Timestamp::now, |outage| outage.since);
        *outage = answer.map(|answer| Outage { since, last_answer: answer.to_owned() });
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sorts the documents of a request by what became of them.
    async fn sort(
        &self,
        bulk: &BulkRequest,
        items: &[cluster::bulk::ItemResult],
        attempts: Attempts,
    ) -> Result<SendReport, LoadStop> {
        let mut report = SendReport::default();
        let mut rejected = Vec::new();
        let (mut busy, mut faulty) = (Vec::new(), Vec::new());
        let (mut reason_busy, mut reason_faulty) = ("", "");
        let accepted = items.iter().any(|item| outcome::of_document(item) == Outcome::Accepted);
        let others = if accepted { OtherDocuments::Accepted } else { attempts.others };
        for (place, (entry, item)) in bulk.entries().iter().zip(items).enumerate() {
            let kind = item.error_type.as_deref().unwrap_or("unknown");
            let reason = item.reason.as_deref().unwrap_or("no reason given");
            match outcome::of_document(item) {
                Outcome::Accepted => report.accepted.push((entry.batch, entry.source_bytes())),
                Outcome::Busy => {
                    busy.push(place);
                    reason_busy = reason;
                }
                Outcome::Faulty if !attempts.blames_documents(others) => {
                    faulty.push(place);
                    reason_faulty = reason;
                }
                Outcome::Rejected | Outcome::Faulty => {
                    report.rejected.push(entry.batch);
                    rejected.push(self.failed_document(bulk, entry, kind, reason));
                }
                Outcome::IndexBroken => {
                    return Err(LoadStop::Failed(format!(
                        "the target cannot write to index `{}`: {kind}: {reason}",
                        self.provenance.index
                    )));
                }
            }
        }
        self.keep(&rejected).await?;
        report.busy = !busy.is_empty();
        if report.busy {
            self.set_outage(Some(reason_busy));
            let attempts = attempts.busy_again();
            report.to_resend.push(put_back(bulk.part(&busy), attempts, reason_busy)?);
        }
        if !faulty.is_empty() {
            let attempts = attempts.faulty_again(others);
            report.to_resend.push(put_back(bulk.part(&faulty), attempts, reason_faulty)?);
        }
        Ok(report)
    }

    /// Halves a request that is too large; a single document that is too large is rejected.
    async fn split_too_large(&self, bulk: BulkRequest) -> Result<SendReport, LoadStop> {
        let bytes = bulk.body().len();
        let reason = format!(
            "the target does not accept a request of {bytes} bytes; raise its \
             `http.max_content_length`"
        );
        let report = self.split(&bulk, "request_too_large", &reason).await?;
        let too_many_bytes = (!report.to_resend.is_empty()).then_some(bytes);
        Ok(SendReport { too_many_bytes, ..report })
    }

    /// Halves a request in which something is invalid; a single document is rejected. When that
    /// happens to many documents and none is accepted between them, the fault is not theirs.
    async fn split_invalid(
        &self,
        bulk: BulkRequest,
        response: &Response,
    ) -> Result<SendReport, LoadStop> {
        let kind = response.error_type().unwrap_or_else(|| format!("status {}", response.status));
        let reason = response.error_reason();
        let report = self.split(&bulk, &kind, &reason).await?;
        let invalid = self.invalid_in_a_row.fetch_add(report.rejected.len(), Ordering::Relaxed);
        if invalid + report.rejected.len() > MAX_INVALID_IN_A_ROW {
            return Err(LoadStop::Failed(format!(
                "the target refuses every request to index `{}`: {kind}: {reason}",
                self.provenance.index
            )));
        }
        Ok(report)
    }

    /// Halves a request; the only document of a request is rejected.
    async fn split(
        &self,
        bulk: &BulkRequest,
        kind: &str,
        reason: &str,
    ) -> Result<SendReport, LoadStop> {
        let mut report = SendReport::default();
        if let Some((first, second)) = bulk.halves() {
            report.to_resend = vec![(first, Attempts::default()), (second, Attempts::default())];
        } else if let Some(entry) = bulk.entries().first() {
            let rejected = self.failed_document(bulk, entry, kind, reason);
            self.keep(&[rejected]).await?;
            report.rejected.push(entry.batch);
        }
        Ok(report)
    }

    fn failed_document(
        &self,
        bulk: &BulkRequest,
        entry: &Entry,
        kind: &str,
        reason: &str,
    ) -> FailedDocument {
        let Address { id, routing } = bulk.address(entry);
        self.rejected(Rejection {
            position: entry.position,
            id: &id,
            routing: routing.as_deref(),
            kind,
            reason,
            source: bulk.source(entry),
        })
    }

    /// Makes the record of a rejected document.
    pub(crate) fn rejected(&self, rejection: Rejection<'_>) -> FailedDocument {
        FailedDocument::new(&self.provenance, rejection)
    }

    /// Keeps rejected documents.
    async fn keep(&self, documents: &[FailedDocument]) -> Result<(), LoadStop> {
        failed_documents::write(&self.client, documents).await.map_err(|error| {
            let Failure { exit, message: reason } = error.into();
            LoadStop::GivenBack { exit, reason }
        })
    }
}

fn given_back(error: &ClusterError) -> LoadStop {
    LoadStop::GivenBack { exit: error.exit(), reason: error.to_string() }
}

fn busy_target(reason: String) -> LoadStop {
    LoadStop::GivenBack { exit: Exit::Temporary, reason }
}

impl Attempts {
    fn busy_again(self) -> Self {
        Self { busy: self.busy + 1, ..self }
    }

    fn faulty_again(self, others: OtherDocuments) -> Self {
        Self { faults: self.faults + 1, others, ..self }
    }

    /// Returns whether another fault is the documents' own: there were many, and others were accepted.
    fn blames_documents(self, others: OtherDocuments) -> bool {
        others == OtherDocuments::Accepted && self.faults + 1 >= MAX_FAULTS
    }

    /// Returns whether the target is given up for now.
    fn are_over(self) -> bool {
        self.busy >= MAX_BUSY_ANSWERS || self.faults >= MAX_FAULTS
    }

    /// Returns the wait, which doubles from attempt to attempt.
    fn wait(self) -> Duration {
        let doublings = (self.busy + self.faults).saturating_sub(1);
        FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(MAX_WAIT)
    }
}

/// Puts documents back, unless they were sent too often.
fn put_back(
    bulk: BulkRequest,
    attempts: Attempts,
    reason: &str,
) -> Result<(BulkRequest, Attempts), LoadStop> {
    let Attempts { busy, faults, others: _ } = attempts;
    if attempts.are_over() {
        let message =
            format!("the target did not accept documents in {} attempts: {reason}", busy + faults);
        return Err(busy_target(message));
    }
    tracing::warn!(
        busy,
        faults,
        documents = bulk.entries().len(),
        "documents are sent again: {reason}"
    );
    Ok((bulk, attempts))
}

/// Returns the wait before a request; requests of one moment are spread by their first position.
fn wait_before(attempts: Attempts, bulk: &BulkRequest) -> Duration {
    let position = bulk.entries().first().map_or(0, |entry| entry.position);
    let spread = u32::try_from(position % 64).unwrap_or(0);
    let wait = attempts.wait();
    wait + wait * spread / 128
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contract::{
        Ledger,
        access::{Auth, ClusterAccess, Credentials},
    };

    use super::*;
    use crate::{
        acknowledged::{Acknowledged, Checkpoint},
        assembly::{Assembly, Limits, Line},
        failed_documents::tests::provenance,
    };

    fn faulty(times: u32, others: OtherDocuments, from: Attempts) -> Attempts {
        (0..times).fold(from, |attempts, _| attempts.faulty_again(others))
    }

    /// A sender to a port on which no process listens, and a request for it.
    fn sender(permit: watch::Receiver<Instant>) -> (Arc<Sender>, BulkRequest) {
        let access = ClusterAccess {
            name: "new".to_owned(),
            endpoint: "http://127.0.0.1:1".to_owned(),
            version: None,
            allow_insecure: false,
            auth: Auth::None,
        };
        let client = Client::new(&access, &Credentials::default(), &BTreeMap::new());
        let client = client.expect("a client");
        let sender = Sender::new(client, provenance("r"), permit);
        let limits = Limits { bytes: 100, documents: 10 };
        let mut assembly = Assembly::new(limits);
        let line = Line { position: 0, id: "a", routing: None, source: b"{}" };
        let batch = Acknowledged::resume(Checkpoint::default()).read(1_u64, Ledger::default());
        assert!(assembly.push(line, batch).is_none());
        (Arc::new(sender), assembly.close().expect("a request"))
    }

    #[tokio::test]
    async fn a_request_whose_turn_comes_after_the_permit_is_not_sent() {
        let attempts = Attempts::default().busy_again();
        let (_renewals, permit) = watch::channel(Instant::now() + Duration::from_millis(50));
        let (sender, request) = sender(permit);
        let stopped = sender.send(request, attempts).await;
        assert!(matches!(stopped, Err(LoadStop::PermitExpired)), "{stopped:?}");
    }

    #[tokio::test]
    async fn a_request_whose_turn_comes_after_a_renewal_is_sent() {
        let (renewals, permit) = watch::channel(Instant::now());
        renewals.send_replace(Instant::now() + Duration::from_hours(1));
        let (sender, request) = sender(permit);
        let report = Arc::clone(&sender)
            .send(request, Attempts::default().busy_again())
            .await
            .expect("sent");
        // No process listens, so it is to be sent again.
        assert!(sender.outage().is_some(), "the wait is reported");
        assert_eq!(report.to_resend[0].1, Attempts::default().busy_again().busy_again());
    }

    #[test]
    fn answers_that_the_target_is_busy_never_blame_a_document() {
        let busy =
            (1..MAX_BUSY_ANSWERS).fold(Attempts::default(), |attempts, _| attempts.busy_again());
        assert!(!busy.blames_documents(OtherDocuments::Accepted));
        assert!(!busy.are_over());
        assert!(busy.busy_again().are_over());
    }

    #[test]
    fn a_target_that_fails_on_all_documents_rejects_none_of_them() {
        let attempts = faulty(MAX_FAULTS - 1, OtherDocuments::Unknown, Attempts::default());
        assert!(!attempts.blames_documents(OtherDocuments::Unknown));
        assert!(attempts.faulty_again(OtherDocuments::Unknown).are_over());
    }

    #[test]
    fn a_document_on_which_the_target_fails_for_minutes_while_it_takes_others_is_blamed() {
        let attempts = faulty(MAX_FAULTS - 1, OtherDocuments::Accepted, Attempts::default());
        assert!(attempts.blames_documents(OtherDocuments::Accepted));
        let waited: Duration = (1..MAX_FAULTS)
            .map(|times| faulty(times, OtherDocuments::Accepted, Attempts::default()).wait())
            .sum();
        assert!(waited > Duration::from_mins(2), "{waited:?}");
    }
}
