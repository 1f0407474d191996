//! `workflow log`: what the steps printed, in one stream with a prefix a step.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::json;

use engine::{RunRecord, Store, logs::LogFile};
use session::StateDir;
use step_api::Exit;

use crate::{
    args::{Format, Log, LogFlags},
    failure::LogRecord,
    local,
    output::{self, failure},
};

/// How often the files are looked at when following.
const FOLLOW_EVERY: Duration = Duration::from_millis(300);

/// Runs a `workflow log` command.
pub(crate) fn run(state: &StateDir, command: Log, format: Format) -> anyhow::Result<Exit> {
    let (wanted, flags) = wanted(command)?;
    let store = local::open(state)?;
    let run = local::run(&store, &flags.workflow_name)?;
    let mut reader = Reader { flags: &flags, wanted: &wanted, format, places: BTreeMap::new() };
    loop {
        // Looked at before reading, so that what is written in between is still read.
        let is_over = is_over(&store, &run)?;
        reader.print_new(&store, &run)?;
        if !flags.follow || is_over {
            break;
        }
        thread::sleep(FOLLOW_EVERY);
    }
    if reader.places.is_empty() {
        output::tell("no step with these labels has started yet");
        output::hint(&format!("workflow status {}", run.name));
    }
    Ok(Exit::Done)
}

fn is_over(store: &Store, run: &RunRecord) -> anyhow::Result<bool> {
    Ok(store.run_by_uid(&run.uid)?.is_complete() || !store.is_engine_alive(&run.uid)?)
}

/// Returns the labels that are asked for.
fn wanted(command: Log) -> anyhow::Result<(BTreeMap<String, String>, LogFlags)> {
    let mut wanted = BTreeMap::new();
    let flags = match command {
        Log::All(flags) => flags,
        Log::Resource { resource, flags } => {
            let (kind, name) = resource.split_once('.').ok_or_else(|| {
                let message = format!(
                    "`{resource}` names no resource; write `group.NAME`, `migration.NAME` or \
                     `task.NAME`"
                );
                failure(Exit::Invalid, message)
            })?;
            wanted.insert(kind.to_owned(), name.to_owned());
            flags
        }
        Log::Filter { source, target, snapshot, task, label, flags } => {
            let named =
                [("source", source), ("target", target), ("snapshot", snapshot), ("task", task)];
            for (key, value) in named {
                wanted.extend(value.map(|value| (key.to_owned(), value)));
            }
            for label in label {
                let (key, value) = label.split_once('=').ok_or_else(|| {
                    failure(Exit::Invalid, format!("`{label}` is no label; write `KEY=VALUE`"))
                })?;
                wanted.insert(key.to_owned(), value.to_owned());
            }
            flags
        }
    };
    Ok((wanted, flags))
}

/// Reads each file on from where it stopped.
struct Reader<'a> {
    flags: &'a LogFlags,
    wanted: &'a BTreeMap<String, String>,
    format: Format,
    places: BTreeMap<PathBuf, u64>,
}

impl Reader<'_> {
    fn print_new(&mut self, store: &Store, run: &RunRecord) -> anyhow::Result<()> {
        for file in store.log_files(&run.uid)? {
            if self.is_wanted(&file) && file.path.exists() {
                let place = self.places.get(&file.path).copied().unwrap_or(0);
                let place = self.print_file(&file, &file.path, place)?;
                self.places.insert(file.path, place);
            }
        }
        Ok(())
    }

    fn is_wanted(&self, file: &LogFile) -> bool {
        self.wanted.iter().all(|(key, value)| {
            let label = if key.contains('/') { key.clone() } else { format!("argosy.dev/{key}") };
            file.labels.get(&label) == Some(value)
        })
    }

    /// Prints the whole lines after `place`; returns where the next one starts.
    fn print_file(&self, file: &LogFile, path: &Path, mut place: u64) -> anyhow::Result<u64> {
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
            output::result(&match self.format {
                Format::Text => self.readable(file, line),
                Format::Json => object(file, line),
            })?;
        }
    }

    /// Writes a line of a log for a person: the step, the time if asked for, the text.
    fn readable(&self, file: &LogFile, line: &str) -> String {
        let step = step_of(file);
        let Some(parsed) = engine::logs::parse_line(line) else {
            return format!("[{step}] {line}");
        };
        let at = if self.flags.timestamps { format!("{} ", parsed.at) } else { String::new() };
        let text = LogRecord::parse(parsed.text)
            .map_or_else(|| parsed.text.to_owned(), |record| sentence(&record));
        format!("[{step}] {at}{text}")
    }
}

/// Names the process of a line: `group-1/restore-documents/workers/0`. Two groups run at once, so
/// the name of a step alone would not do.
fn step_of(file: &LogFile) -> String {
    let group = file.labels.get("argosy.dev/group").filter(|group| !group.is_empty());
    let group = group.map(|group| format!("{group}/"));
    let worker = file.worker.map(|worker| format!("/{worker}"));
    let step = &file.display_name;
    format!("{}{step}{}", group.unwrap_or_default(), worker.unwrap_or_default())
}

/// Writes a line of a log as one line of JSON.
fn object(file: &LogFile, line: &str) -> String {
    let parsed = engine::logs::parse_line(line);
    let text = parsed.as_ref().map_or(line, |parsed| parsed.text);
    let record = LogRecord::parse(text);
    let mut fields = record.as_ref().map(|record| record.fields.clone()).unwrap_or_default();
    fields.remove("message");
    json!({
        "at": parsed.as_ref().map(|parsed| parsed.at),
        "node": file.name,
        "step": file.display_name,
        "worker": file.worker,
        "labels": file.labels,
        "level": record.as_ref().map(|record| &record.level),
        "message": record.as_ref().map_or(text, LogRecord::message),
        "fields": fields,
    })
    .to_string()
}

/// Writes a structured line as a sentence with its values behind.
fn sentence(record: &LogRecord) -> String {
    let mut text = format!("{:5} {}", record.level, record.message());
    for (key, value) in &record.fields {
        if key != "message" {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!(" {key}={value}"));
        }
    }
    text
}
