//! The log files of a run: each is read on from where it was left.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use engine::{Store, logs::LogFile};

use crate::backend::{LogQuery, LogSink, LogSource, Run};

/// How often the files are looked at when following.
const FOLLOW_EVERY: Duration = Duration::from_millis(300);

/// Hands over the lines of a run's logs, those of earlier steps first.
pub(super) fn read(
    store: &Store,
    run: &Run,
    query: &LogQuery,
    sink: &mut dyn LogSink,
) -> anyhow::Result<()> {
    let mut places = BTreeMap::new();
    loop {
        // Looked at before reading, so that what is written in between is still read.
        let is_over =
            store.run_by_uid(&run.uid)?.is_complete() || !store.is_engine_alive(&run.uid)?;
        read_new(store, run, query, &mut places, sink)?;
        if !query.follow || is_over || !sink.is_wanted() {
            return Ok(());
        }
        thread::sleep(FOLLOW_EVERY);
    }
}

fn read_new(
    store: &Store,
    run: &Run,
    query: &LogQuery,
    places: &mut BTreeMap<PathBuf, u64>,
    sink: &mut dyn LogSink,
) -> anyhow::Result<()> {
    for file in store.log_files(&run.uid)? {
        if query.wants(&file.name, &file.labels) && file.path.exists() {
            let place = places.get(&file.path).copied().unwrap_or(0);
            let LogFile { name, display_name, worker, labels, path, .. } = file;
            let source = LogSource { node: name, step: display_name, worker, labels };
            let place = read_file(&source, &path, place, sink)?;
            places.insert(path, place);
        }
    }
    Ok(())
}

/// Hands over the whole lines after `place`; returns where the next one starts.
fn read_file(
    source: &LogSource,
    path: &Path,
    mut place: u64,
    sink: &mut dyn LogSink,
) -> anyhow::Result<u64> {
    let mut reader = BufReader::new(fs_err::File::open(path)?);
    reader.seek(SeekFrom::Start(place))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(place);
        }
        place += u64::try_from(read)?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\n');
        match engine::logs::parse_line(line) {
            Some(parsed) => sink.line(source, Some(parsed.at), parsed.text)?,
            None => sink.line(source, None, line)?,
        }
    }
}
