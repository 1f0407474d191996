//! Where does a step report its progress and what it is waiting for?
//!
//! ```text
//!  report(progress) -------------+
//!  clients: requests that wait --+--> progress files, and log (every 10 s)
//!  waiting(condition) -----------+
//! ```
//!
//! Of several waits one is shown: a request rather than a condition, since a request that waits is
//! why the condition is not seen to be met; and the one that has waited longest.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cluster::{WaitId, WaitObserver};
use contract::{
    Progress,
    progress::{LOG_FIELD, Waiting},
};
use jiff::Timestamp;

/// How often progress, and what a step is waiting for, is written to the log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Where the progress of a step is written.
#[derive(Debug, Default)]
pub(crate) struct ProgressFiles {
    /// The whole of it, as JSON.
    pub(crate) detail: Option<PathBuf>,
    /// `N/M`, as Argo reads it.
    pub(crate) count: Option<PathBuf>,
}

/// Writes the progress of a step to its files and to the log. A file that cannot be written never
/// fails a step; it is logged.
#[derive(Debug)]
pub(crate) struct Reporter {
    files: ProgressFiles,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    progress: Progress,
    waits: BTreeMap<WaitKey, Waiting>,
    progress_logged: Option<Instant>,
    wait_logged: Option<Instant>,
    /// Whether the last line in the log says that the step waits.
    log_says_waiting: bool,
}

/// The order decides which wait is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum WaitKey {
    Request(WaitId),
    Condition(WaitId),
}

/// A condition that the step is waiting for. Dropping it reports that the step does not wait any
/// more.
pub struct ConditionWait {
    reporter: Arc<Reporter>,
    key: WaitKey,
    waiting: Waiting,
}

impl Reporter {
    pub(crate) fn new(files: ProgressFiles) -> Self {
        Self { files, state: Mutex::default() }
    }

    /// Reports how far the step is.
    pub(crate) fn report(&self, progress: &Progress) {
        let mut state = self.state();
        state.progress.clone_from(progress);
        self.write(&state);
        if is_time(&mut state.progress_logged) {
            state.log();
        }
    }

    /// Starts to wait for a condition.
    pub(crate) fn condition(self: &Arc<Self>, condition: String) -> ConditionWait {
        let waiting = Waiting {
            request: condition,
            last_answer: None,
            since: Timestamp::now(),
            next_attempt: None,
        };
        let key = WaitKey::Condition(WaitId::unique());
        ConditionWait { reporter: Arc::clone(self), key, waiting }
    }

    fn set_wait(&self, key: WaitKey, waiting: Waiting) {
        let mut state = self.state();
        state.waits.insert(key, waiting);
        self.write(&state);
        if is_time(&mut state.wait_logged) {
            state.log();
        }
    }

    fn end_wait(&self, key: WaitKey) {
        let mut state = self.state();
        if state.waits.remove(&key).is_none() {
            return;
        }
        self.write(&state);
        // A reader of the log would show the wait until the next line.
        if state.waits.is_empty() && state.log_says_waiting {
            state.log();
        }
    }

    fn write(&self, state: &State) {
        if let Some(path) = &self.files.count
            && let Some(measure) = state.progress.finest()
        {
            let total = measure.total.unwrap_or_default();
            write_whole(path, format!("{}/{total}\n", measure.done.min(total)).as_bytes());
        }
        if let Some(path) = &self.files.detail
            && let Ok(json) = serde_json::to_vec(&state.current())
        {
            write_whole(path, &json);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn current(&self) -> Progress {
        let waiting = self.waits.values().next().cloned().or_else(|| self.progress.waiting.clone());
        Progress { waiting, ..self.progress.clone() }
    }

    fn log(&mut self) {
        let current = self.current();
        let Ok(json) = serde_json::to_string(&current) else { return };
        self.log_says_waiting = current.waiting.is_some();
        match (self.waits.first_key_value(), &current.waiting) {
            (Some((WaitKey::Request(_), _)), Some(waiting)) => {
                tracing::warn!({ LOG_FIELD } = json, "{}", waiting.phrase(Timestamp::now()));
            }
            (_, Some(waiting)) => {
                tracing::info!({ LOG_FIELD } = json, "{}", waiting.phrase(Timestamp::now()));
            }
            (_, None) if current.measures.is_empty() => {
                tracing::info!({ LOG_FIELD } = json, "no longer waiting");
            }
            (_, None) => tracing::info!({ LOG_FIELD } = json, "{current}"),
        }
    }
}

impl WaitObserver for Reporter {
    fn waiting(&self, id: WaitId, waiting: &Waiting) {
        self.set_wait(WaitKey::Request(id), waiting.clone());
    }

    fn finished(&self, id: WaitId) {
        self.end_wait(WaitKey::Request(id));
    }
}

impl ConditionWait {
    /// Reports the state that was last seen, and when it is checked again.
    pub fn update(&mut self, last_answer: Option<String>, next_check: Duration) {
        self.waiting.last_answer = last_answer;
        self.waiting.next_attempt = Timestamp::now().checked_add(next_check).ok();
        self.reporter.set_wait(self.key, self.waiting.clone());
    }
}

impl Drop for ConditionWait {
    fn drop(&mut self) {
        self.reporter.end_wait(self.key);
    }
}

impl fmt::Debug for ConditionWait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConditionWait")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// Returns whether the next line may be logged, and notes that it is.
fn is_time(last: &mut Option<Instant>) -> bool {
    let is_time = last.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
    if is_time {
        *last = Some(Instant::now());
    }
    is_time
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

#[cfg(test)]
mod tests {
    use contract::progress::Measure;

    use super::*;

    #[test]
    fn a_request_is_shown_before_a_condition_and_progress_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("progress.json");
        let files = ProgressFiles { detail: Some(file.clone()), count: None };
        let reporter = Arc::new(Reporter::new(files));
        let read = || -> Progress {
            serde_json::from_slice(&fs_err::read(&file).expect("a file")).expect("progress")
        };
        let shown = || read().waiting.map(|waiting| waiting.request);
        let measures = vec![Measure::count("shards", 1, Some(2))];
        reporter.report(&Progress { measures: measures.clone(), ..Progress::default() });
        assert_eq!(shown(), None);

        let mut condition = reporter.condition("the snapshot to finish".to_owned());
        condition.update(Some("IN_PROGRESS".to_owned()), Duration::from_secs(1));
        assert_eq!(shown().as_deref(), Some("the snapshot to finish"));
        let request = Waiting { request: "GET /".to_owned(), ..condition.waiting.clone() };
        let id = WaitId::unique();
        reporter.waiting(id, &request);
        assert_eq!(shown().as_deref(), Some("GET /"));
        reporter.finished(id);
        assert_eq!(shown().as_deref(), Some("the snapshot to finish"));
        drop(condition);
        assert_eq!(shown(), None);
        assert_eq!(read().measures, measures);
    }
}
