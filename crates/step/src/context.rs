//! What a step program is given beside its request, and how it reports its progress.

use std::{collections::BTreeMap, sync::Arc};

use cluster::{Client, WaitObserver};
use contract::{ClusterAccess, Credentials, Failure, Progress, RunId, WorkerName};

use crate::reporter::{ConditionWait, ProgressFiles, Reporter};

/// The endpoint whose credentials the source cluster uses.
pub const SOURCE: &str = "source";

/// The endpoint whose credentials the target cluster uses.
pub const TARGET: &str = "target";

/// What a step program is given beside its request.
#[derive(Debug)]
pub struct Context {
    /// The run this step belongs to.
    pub run: RunId,
    /// The name of this process among the workers of the run.
    pub worker: WorkerName,
    /// Settings of object stores: the `AWS_*`, `GOOGLE_*` and `AZURE_*` variables.
    pub storage: BTreeMap<String, String>,
    credentials: BTreeMap<String, Credentials>,
    reporter: Arc<Reporter>,
}

impl Context {
    pub(crate) fn new(
        run: RunId,
        worker: WorkerName,
        storage: BTreeMap<String, String>,
        credentials: BTreeMap<String, Credentials>,
        progress: ProgressFiles,
    ) -> Self {
        let reporter = Arc::new(Reporter::new(progress));
        Self { run, worker, storage, credentials, reporter }
    }

    /// Returns the credentials of an endpoint; empty if there are none.
    pub fn credentials(&self, endpoint: &str) -> Credentials {
        self.credentials.get(endpoint).cloned().unwrap_or_default()
    }

    /// Makes a client of the source cluster.
    pub fn source(&self, access: &ClusterAccess) -> Result<Client, Failure> {
        self.endpoint(SOURCE, access)
    }

    /// Makes a client of the target cluster.
    pub fn target(&self, access: &ClusterAccess) -> Result<Client, Failure> {
        self.endpoint(TARGET, access)
    }

    /// Makes a client of a cluster with the credentials of this endpoint.
    pub fn endpoint(&self, endpoint: &str, access: &ClusterAccess) -> Result<Client, Failure> {
        let observer: Arc<dyn WaitObserver> = Arc::<Reporter>::clone(&self.reporter);
        Client::new(access, &self.credentials(endpoint), &self.storage)
            .map(|client| client.with_wait_observer(observer))
            .map_err(Failure::from)
    }

    /// Reports how far the step is.
    pub fn report(&self, progress: &Progress) {
        self.reporter.report(progress);
    }

    /// Reports that the step is waiting for a condition other than a request (clients report their
    /// requests themselves), as in "snapshot `a` to finish".
    pub fn waiting(&self, condition: impl Into<String>) -> ConditionWait {
        self.reporter.condition(condition.into())
    }
}
