//! How is one bulk request sent, and what became of each of its documents?

use std::{sync::Arc, time::Duration};

use cluster::{Client, ClusterError, Repeat, Request, path};
use step_api::Exit;

use crate::{
    acknowledged::BatchNumber,
    assembly::Load,
    failed_documents::{self, FailedDocument, Refusal},
    outcome::{self, Outcome, RequestOutcome},
    state::Item,
};

/// After this many attempts a document on which the target fails is taken for the cause.
const ATTEMPTS_ON_FAULTS: u32 = 5;

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
}

/// What became of a request.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Documents on the target: their batch and their bytes.
    pub(crate) accepted: Vec<(BatchNumber, u64)>,
    /// Documents that were refused and are kept.
    pub(crate) rejected: Vec<BatchNumber>,
    /// What has to be sent again, with the number of attempts so far.
    pub(crate) again: Vec<(Load, u32)>,
    /// Whether the target said that it is busy.
    pub(crate) busy: bool,
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
}

impl Sender {
    /// Sends a request that was sent `attempts` times before, after a wait if it was.
    pub(crate) async fn send(self: Arc<Self>, load: Load, attempts: u32) -> Result<Answer, Stop> {
        if attempts > 0 {
            tokio::time::sleep(wait_before(attempts, &load)).await;
        }
        let request = Request::post(path(&[&self.item.index, "_bulk"]))
            .query("filter_path", "errors,items.*.status,items.*.error")
            .ndjson(load.body())
            .repeat(Repeat::Safe);
        let response = match self.client.send_once(&request).await {
            Ok(response) => response,
            Err(error) if error.is_temporary() => {
                return repeat(load, attempts, &error.to_string());
            }
            Err(error) => return Err(given_back(&error)),
        };
        match outcome::of_request(response.status) {
            RequestOutcome::Answered => {}
            RequestOutcome::Busy => {
                let reason = format!("status {}: {}", response.status, response.error_reason());
                return repeat(load, attempts, &reason);
            }
            RequestOutcome::TooLarge => return self.split(load).await,
            RequestOutcome::Refused => {
                return match self.client.accepted(response) {
                    Err(error) if error.exit() == Exit::NotPermitted => Err(given_back(&error)),
                    Err(error) => Err(Stop::Failed(error.to_string())),
                    Ok(response) => Err(Stop::Failed(format!("status {}", response.status))),
                };
            }
        }
        let answer = cluster::bulk::decode(&response, load.entries().len())
            .map_err(|error| Stop::GivenBack(Exit::Temporary, error.to_string()))?;
        self.sort(&load, &answer.items, attempts).await
    }

    /// Sorts the documents of a request by what became of them.
    async fn sort(
        &self,
        load: &Load,
        items: &[cluster::bulk::ItemResult],
        attempts: u32,
    ) -> Result<Answer, Stop> {
        let mut answer = Answer::default();
        let mut refused = Vec::new();
        let mut again = Vec::new();
        let mut reason_again = "";
        for (place, (entry, item)) in load.entries().iter().zip(items).enumerate() {
            let kind = item.error_type.as_deref().unwrap_or("unknown");
            let reason = item.reason.as_deref().unwrap_or("no reason given");
            match outcome::of_document(item) {
                Outcome::Accepted => answer.accepted.push((entry.batch, entry.source_bytes())),
                Outcome::Busy => {
                    answer.busy = true;
                    again.push(place);
                    reason_again = reason;
                }
                Outcome::Faulty if attempts < ATTEMPTS_ON_FAULTS => {
                    again.push(place);
                    reason_again = reason;
                }
                Outcome::Rejected | Outcome::Faulty => {
                    answer.rejected.push(entry.batch);
                    refused.push(self.refused(entry_refusal(load, entry, kind, reason)));
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
        if !again.is_empty() {
            let repeated = repeat(load.part(&again), attempts, reason_again)?;
            answer.again = repeated.again;
        }
        Ok(answer)
    }

    /// Halves a request that is too large; a single document that is too large is refused.
    async fn split(&self, load: Load) -> Result<Answer, Stop> {
        let mut answer = Answer::default();
        if let Some((first, second)) = load.halves() {
            answer.again = vec![(first, 0), (second, 0)];
            answer.too_many_bytes = Some(load.body().len());
            return Ok(answer);
        }
        if let Some(entry) = load.entries().first() {
            let reason = format!(
                "the target takes no request of {} bytes; raise its `http.max_content_length`",
                load.body().len()
            );
            let refusal = entry_refusal(&load, entry, "request_too_large", &reason);
            self.keep(&[self.refused(refusal)]).await?;
            answer.rejected.push(entry.batch);
        }
        Ok(answer)
    }

    /// Makes the record of a refused document.
    pub(crate) fn refused(&self, refusal: Refusal<'_>) -> FailedDocument {
        FailedDocument::new(&self.item, &self.run, refusal)
    }

    /// Keeps refused documents.
    pub(crate) async fn keep(&self, documents: &[FailedDocument]) -> Result<(), Stop> {
        failed_documents::write(&self.client, documents)
            .await
            .map_err(|error| Stop::GivenBack(step_api::exit::exit_of(&error), format!("{error:#}")))
    }
}

fn entry_refusal<'a>(
    load: &'a Load,
    entry: &'a crate::assembly::Entry,
    kind: &'a str,
    reason: &'a str,
) -> Refusal<'a> {
    Refusal {
        position: entry.position,
        id: &entry.id,
        routing: entry.routing.as_deref(),
        kind,
        reason,
        source: load.source(entry),
    }
}

fn given_back(error: &ClusterError) -> Stop {
    Stop::GivenBack(error.exit(), error.to_string())
}

/// Puts a request back, unless it was sent too often.
fn repeat(load: Load, attempts: u32, reason: &str) -> Result<Answer, Stop> {
    if attempts + 1 >= ATTEMPTS_WHEN_BUSY {
        let message =
            format!("the target did not take documents in {ATTEMPTS_WHEN_BUSY} attempts: {reason}");
        return Err(Stop::GivenBack(Exit::Temporary, message));
    }
    tracing::warn!(
        attempts,
        documents = load.entries().len(),
        "documents are sent again: {reason}"
    );
    Ok(Answer { again: vec![(load, attempts + 1)], busy: true, ..Answer::default() })
}

/// Doubles from attempt to attempt. Requests of one moment are spread by their first position.
fn wait_before(attempts: u32, load: &Load) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let position = load.entries().first().map_or(0, |entry| entry.position);
    let spread = u32::try_from(position % 64).unwrap_or(0);
    let wait = doubled.min(LONGEST_WAIT);
    wait + wait * spread / 128
}
