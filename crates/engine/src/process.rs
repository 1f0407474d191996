//! How does a step's process run? In a group of its own, with its output in a log.

use std::{io, os::unix::process::ExitStatusExt as _, process::Stdio, sync::Arc};

use rustix::process::{Pid, Signal as UnixSignal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

use crate::{
    clock::Clock,
    launch::{Launcher, ProcessHandle, ProcessOrder, ProcessResult, Signal},
    logs::{LogWriter, Stream},
    node::Capture,
};

/// The limit of a log line; a longer one is split.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// How much of the standard output is kept as a result, as in Argo.
const MAX_RESULT_BYTES: usize = 256 * 1024;

/// Starts real processes.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    pub(crate) clock: Clock,
}

impl Launcher for Processes {
    fn launch(&self, order: ProcessOrder) -> io::Result<ProcessHandle> {
        let ProcessOrder { program, arguments, environment, folder, log, capture } = order;
        let log = Arc::new(LogWriter::open(&log)?);
        let mut child = Command::new(&program)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("starting `{}`: {error}", program.display()))
            })?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process ended immediately"))?;
        let (signals, received) = mpsc::unbounded_channel();
        let out = child.stdout.take();
        let err = child.stderr.take();
        let clock = self.clock.clone();
        let end = async move {
            let outputs = async {
                let out = copy(out, Stream::Out, &log, &clock, capture);
                let err = copy(err, Stream::Err, &log, &clock, Capture::Log);
                tokio::join!(out, err).0
            };
            // Processes that it left behind in its group would keep the pipes open.
            let ended = async {
                let status = wait(&mut child, pid, received).await;
                signal_group(pid, UnixSignal::KILL);
                status
            };
            let (output, exit_code) = tokio::join!(outputs, ended);
            ProcessResult { exit_code, output }
        };
        Ok(ProcessHandle { pid, signals, end: Box::pin(end) })
    }
}

async fn wait(child: &mut Child, pid: u32, mut signals: mpsc::UnboundedReceiver<Signal>) -> i32 {
    let mut is_open = true;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            signal = signals.recv(), if is_open => match signal {
                Some(Signal::Ask) => signal_group(pid, UnixSignal::TERM),
                Some(Signal::Force) => signal_group(pid, UnixSignal::KILL),
                None => is_open = false,
            },
        }
    };
    match status {
        Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(error) => {
            tracing::error!(%error, pid, "cannot read the exit status of the process");
            255
        }
    }
}

fn signal_group(pid: u32, signal: UnixSignal) {
    let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // The group may be gone already.
        let _gone = kill_process_group(group, signal);
    }
}

/// Copies a stream into the log line by line; returns the text if it is to be kept.
async fn copy(
    stream: Option<impl AsyncRead + Unpin>,
    name: Stream,
    log: &LogWriter,
    clock: &Clock,
    capture: Capture,
) -> Option<String> {
    let mut reader = BufReader::new(stream?);
    let mut kept = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot read the output of the process");
                break;
            }
        }
        if capture == Capture::Result && kept.len() < MAX_RESULT_BYTES {
            kept.extend_from_slice(&line);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if let Err(error) = log.write(clock.now(), name, text) {
            tracing::warn!(%error, "cannot write the log of the process");
        }
    }
    if capture == Capture::Log {
        return None;
    }
    kept.truncate(MAX_RESULT_BYTES);
    let text = String::from_utf8_lossy(&kept).into_owned();
    Some(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}
