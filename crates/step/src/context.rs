//! What a step program is given beside its request, and how it reports its progress.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use cluster::Client;
use contract::{
    ClusterAccess, Credentials, Failure, Progress, RunId, WorkerName, progress::LOG_FIELD,
};

/// How often the progress is written to the log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

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
    progress: ProgressFiles,
    last_logged: Mutex<Option<Instant>>,
}

/// Where the progress of a step is written.
#[derive(Debug, Default)]
pub(crate) struct ProgressFiles {
    /// The whole of it, as JSON.
    pub(crate) detail: Option<PathBuf>,
    /// `N/M`, as Argo reads it.
    pub(crate) count: Option<PathBuf>,
}

impl Context {
    pub(crate) fn new(
        run: RunId,
        worker: WorkerName,
        storage: BTreeMap<String, String>,
        credentials: BTreeMap<String, Credentials>,
        progress: ProgressFiles,
    ) -> Self {
        Self { run, worker, storage, credentials, progress, last_logged: Mutex::new(None) }
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
        Client::new(access, &self.credentials(endpoint), &self.storage).map_err(Failure::from)
    }

    /// Reports how far the step is: into the progress files, and at times into the log. A file
    /// that cannot be written never fails a step; it is logged.
    pub fn report(&self, progress: &Progress) {
        if let Some(path) = &self.progress.count
            && let Some(measure) = progress.finest()
        {
            let total = measure.total.unwrap_or_default();
            write_whole(path, format!("{}/{total}\n", measure.done.min(total)).as_bytes());
        }
        let Ok(json) = serde_json::to_string(progress) else { return };
        if let Some(path) = &self.progress.detail {
            write_whole(path, json.as_bytes());
        }
        if self.is_time_to_log() {
            tracing::info!({ LOG_FIELD } = json, "{progress}");
        }
    }

    fn is_time_to_log(&self) -> bool {
        let Ok(mut last) = self.last_logged.lock() else { return false };
        let is_time = last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_time {
            *last = Some(Instant::now());
        }
        is_time
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it.
fn write_whole(path: &Path, bytes: &[u8]) {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".new");
    let written = fs_err::write(&beside, bytes).and_then(|()| fs_err::rename(&beside, path));
    if let Err(error) = written {
        tracing::warn!(%error, "cannot write the progress file");
    }
}
