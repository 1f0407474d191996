//! The log files of a run. Each is read from the position where the last reading ended.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use engine::{Store, logs::LogFile};

use super::error::LocalError;
use crate::{
    error::BackendError,
    logs::{LogEvent, LogQuery, LogSender, LogSource},
    run::Run,
};

/// How often the files are read when following.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Where the next line of each file starts.
type Positions = BTreeMap<PathBuf, u64>;

/// Sends the lines of a run's logs, those of earlier steps first.
pub(super) async fn read(
    store: &Store,
    run: &Run,
    query: &LogQuery,
    events: &LogSender,
) -> Result<(), BackendError> {
    let mut positions = Positions::new();
    loop {
        let (store, uid, query_of_turn) = (store.clone(), run.uid.clone(), query.clone());
        let sender = events.clone();
        let turn = move || {
            // Asked before reading, so that what is written in between is still read.
            let is_over = store.run_by_uid(&uid)?.is_complete() || !store.is_engine_alive(&uid)?;
            read_new(&store, &uid, &query_of_turn, &mut positions, &sender)?;
            Ok::<_, BackendError>((is_over, positions))
        };
        let turn = tokio::task::spawn_blocking(turn).await;
        let aborted = |source| LocalError::Aborted { task: "reading the logs", source };
        let (is_over, read_so_far) = turn.map_err(aborted)??;
        positions = read_so_far;
        if !query.follow || is_over || events.is_closed() {
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn read_new(
    store: &Store,
    uid: &str,
    query: &LogQuery,
    positions: &mut Positions,
    events: &LogSender,
) -> Result<(), BackendError> {
    for file in store.log_files(uid)? {
        if query.wants(&file.name, &file.labels) && file.path.exists() {
            let position = positions.get(&file.path).copied().unwrap_or(0);
            let LogFile { name, display_name, worker, labels, path, .. } = file;
            let source = LogSource { node: name, step: display_name, worker, labels };
            let Some(position) = read_file(&Arc::new(source), &path, position, events)? else {
                return Ok(());
            };
            positions.insert(path, position);
        }
    }
    Ok(())
}

/// Sends the complete lines after `position`; returns where the next line starts, or `None` if the
/// receiver is gone.
fn read_file(
    source: &Arc<LogSource>,
    path: &Path,
    mut position: u64,
    events: &LogSender,
) -> Result<Option<u64>, LocalError> {
    let mut reader = BufReader::new(fs_err::File::open(path)?);
    reader.seek(SeekFrom::Start(position))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(Some(position));
        }
        position = position.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\n');
        let (at, text) = match engine::logs::parse_line(line) {
            Some(parsed) => (Some(parsed.at), parsed.text),
            None => (None, line),
        };
        let event = LogEvent::Line { source: Arc::clone(source), at, text: text.to_owned() };
        if events.blocking_send(event).is_err() {
            return Ok(None);
        }
    }
}
