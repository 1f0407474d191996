//! What did a step write? Its standard output and error, line by line, in the order of arrival.
//!
//! ```text
//! 2026-11-21T03:55:52.123456Z out snapshot `nightly`: 12 indices
//! 2026-11-21T03:55:52.130002Z err INFO done
//! ^ when the engine read it   ^ stream
//! ```

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use argo::NodePhase;
use fs_err as fs;
use jiff::Timestamp;

use crate::{
    layout,
    node::{Node, Work},
    state::RunState,
};

/// The log of one process of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The node's id.
    pub node: String,
    /// The node's name: its path from the root.
    pub name: String,
    /// The last part of it.
    pub display_name: String,
    /// Which worker of a Job; none for a container.
    pub worker: Option<u32>,
    /// Labels of the pod.
    pub labels: BTreeMap<String, String>,
    /// How far the node is.
    pub phase: NodePhase,
    /// The file.
    pub path: PathBuf,
}

/// A stream of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When it was read.
    pub at: Timestamp,
    /// The stream that it came from.
    pub stream: Stream,
    /// The text.
    pub text: &'a str,
}

/// Reads a line of a log file; `None` if it is not whole.
pub fn parse_line(line: &str) -> Option<LogLine<'_>> {
    let (at, rest) = line.split_once(' ')?;
    let (stream, text) = rest.split_once(' ')?;
    let stream = match stream {
        "out" => Stream::Out,
        "err" => Stream::Err,
        _ => return None,
    };
    Some(LogLine { at: at.parse().ok()?, stream, text })
}

/// Returns the logs of a run, those of earlier nodes first.
pub(crate) fn files(run_folder: &Path, state: &RunState) -> io::Result<Vec<LogFile>> {
    let mut pods: Vec<(&Node, &crate::node::Pod)> =
        state.nodes.values().filter_map(|node| Some((node, node.pod.as_ref()?))).collect();
    pods.sort_by_key(|(node, _)| (node.started_at, &node.name));
    let mut found = Vec::new();
    for (node, pod) in pods {
        let is_job = matches!(pod.work, Work::Job { .. });
        for worker in 0.. {
            let path = layout::log(run_folder, &node.id, is_job.then_some(worker));
            if !path.try_exists()? {
                break;
            }
            found.push(LogFile {
                node: node.id.clone(),
                name: node.name.clone(),
                display_name: node.display_name.clone(),
                worker: is_job.then_some(worker),
                labels: pod.labels.clone(),
                phase: node.phase,
                path,
            });
            if !is_job {
                break;
            }
        }
    }
    Ok(found)
}

/// Writes the lines of two concurrent streams to one log.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: Mutex<std::fs::File>,
}

impl LogWriter {
    /// Opens a log file for appending.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(path)?.into_file();
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends a line in one write, so that a kill cannot mix two.
    pub(crate) fn write(&self, at: Timestamp, stream: Stream, text: &[u8]) -> io::Result<()> {
        let word = match stream {
            Stream::Out => "out",
            Stream::Err => "err",
        };
        let mut line = format!("{at} {word} ").into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("logs/a.log");
        let at: Timestamp = "2026-11-21T03:55:52.123Z".parse().expect("a time");
        let writer = LogWriter::open(&path).expect("open");
        writer.write(at, Stream::Out, b"two words").expect("written");
        writer.write(at, Stream::Err, b"").expect("written");
        let text = fs::read_to_string(&path).expect("read");
        let lines: Vec<_> = text.lines().map(parse_line).collect();
        let line = |stream, text| Some(LogLine { at, stream, text });
        assert_eq!(lines, [line(Stream::Out, "two words"), line(Stream::Err, "")]);
        assert_eq!(parse_line("2026-11-21T03:5"), None);
    }
}
