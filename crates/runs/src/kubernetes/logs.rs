//! The logs of a run's pods in one stream, while pods start, are tried again and are deleted.
//!
//! Each pod has a task that reads its log. All of them send to the caller's bounded queue, so a slow
//! caller slows them down, and nothing accumulates.

use std::{collections::BTreeSet, io, sync::Arc};

use argo::NodeType;
use contract::{Exit, Failure};
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use jiff::Timestamp;
use kube::api::LogParams;
use tokio::{task::JoinSet, time::Duration};

use super::{
    error::ArgoError, fault::Fault, log_text, observe::RunObjects, pods::StepPod, server::Server,
};
use crate::{
    error::BackendError,
    logs::{LogEvent, LogQuery, LogSender},
    run::Run,
};

/// The interval between two lists of the pods of a run.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of a line that are kept.
const MAX_LINE: usize = 1 << 20;

/// Sends the lines of a run's logs.
pub(super) async fn read(
    server: &Server,
    run: &Run,
    query: &LogQuery,
    events: &LogSender,
) -> Result<(), BackendError> {
    let run_objects = RunObjects::read(server, run).await?;
    let pods = wanted(&run_objects, server, query).await?;
    report_deleted(&run_objects, &pods, query, events).await;
    if query.follow {
        return follow(server, run, query, events).await;
    }
    let started: Vec<StepPod> = pods.into_iter().filter(StepPod::has_begun).collect();
    for pod in started {
        read_pod(server.clone(), pod, false, events.clone()).await?;
    }
    Ok(())
}

async fn follow(
    server: &Server,
    run: &Run,
    query: &LogQuery,
    events: &LogSender,
) -> Result<(), BackendError> {
    let mut tasks: JoinSet<Result<(), Fault>> = JoinSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut is_unreachable = false;
    loop {
        let reading = async {
            let run_objects = RunObjects::read(server, run).await?;
            let pods = wanted(&run_objects, server, query).await?;
            Ok::<_, BackendError>((run_objects.status.phase.is_complete(), pods))
        };
        let is_over = match reading.await {
            Ok((is_over, pods)) => {
                for pod in pods.into_iter().filter(StepPod::has_begun) {
                    if known.insert(pod.pod.metadata.uid.clone().unwrap_or_default()) {
                        tasks.spawn(read_pod(server.clone(), pod, true, events.clone()));
                    }
                }
                is_unreachable = false;
                is_over
            }
            // A server that is unreachable for a while is no reason to lose the place.
            Err(error) if !is_unreachable && error.exit() == Exit::Temporary => {
                remark(events, format!("{}; trying again", Failure::from(error))).await;
                is_unreachable = true;
                false
            }
            Err(error) => return Err(error),
        };
        let next = tokio::time::sleep(POLL_INTERVAL);
        tokio::pin!(next);
        loop {
            tokio::select! {
                Some(ended) = tasks.join_next() => {
                    match ended.map_err(ArgoError::from)? {
                        Err(fault) if !fault.is_transient() => {
                            remark(events, fault.to_string()).await;
                        }
                        _ => {}
                    }
                }
                () = &mut next => break,
            }
        }
        if events.is_closed() || (is_over && tasks.is_empty()) {
            return Ok(());
        }
    }
}

/// Sends a remark. A receiver that is gone needs none.
async fn remark(events: &LogSender, text: String) {
    events.send(LogEvent::Remark(text)).await.ok();
}

async fn wanted(
    run_objects: &RunObjects,
    server: &Server,
    query: &LogQuery,
) -> Result<Vec<StepPod>, BackendError> {
    let mut pods = run_objects.pods(server).await?;
    pods.retain(|pod| query.wants(&pod.source.node, &pod.source.labels));
    Ok(pods)
}

/// Sends the log of one pod until its end. A stream that breaks off is continued where it ended.
async fn read_pod(
    server: Server,
    pod: StepPod,
    follow: bool,
    events: LogSender,
) -> Result<(), Fault> {
    let source = Arc::new(pod.source.clone());
    let mut last: Option<Timestamp> = None;
    loop {
        let parameters = LogParams {
            container: Some("main".to_owned()),
            follow: follow && !pod.has_ended(),
            timestamps: true,
            since_time: last,
            ..LogParams::default()
        };
        let mut log = match server.log(pod.name(), &parameters).await {
            Ok(log) => log,
            Err(Fault::NotFound { .. } | Fault::Refused { .. }) => {
                if last.is_none() {
                    remark(&events, format!("the log of pod `{}` is gone", pod.name())).await;
                }
                return Ok(());
            }
            Err(fault) if follow && fault.is_transient() => {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            Err(other) => return Err(other),
        };
        let before = last;
        let mut line = Vec::new();
        loop {
            match read_line(&mut log, &mut line).await {
                Ok(true) => {}
                Err(_) if follow => break,
                Ok(false) | Err(_) => return Ok(()),
            }
            let whole = String::from_utf8_lossy(&line);
            let (at, text) = log_text::timed(whole.trim_end_matches(['\n', '\r']));
            // The server takes whole seconds only, and sends some lines again.
            if at.is_some() && at <= before || log_text::is_executors(text) {
                continue;
            }
            last = at.or(last);
            let source = Arc::clone(&source);
            let event = LogEvent::Line { source, at, text: text.to_owned() };
            if events.send(event).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Reads a line, of which at most [`MAX_LINE`] bytes are kept; returns whether there was one.
async fn read_line(log: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    loop {
        let ready = log.fill_buf().await?;
        if ready.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = ready.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(ready.len(), |end| end + 1);
        let room = MAX_LINE.saturating_sub(line.len());
        line.extend(ready.iter().take(taken.min(room)));
        log.consume_unpin(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Reports the steps that ran and whose pods were deleted.
async fn report_deleted(
    run_objects: &RunObjects,
    pods: &[StepPod],
    query: &LogQuery,
    events: &LogSender,
) {
    if !query.labels.is_empty() {
        // A node has no labels; only its pod could say whether it was meant.
        return;
    }
    let mut gone: Vec<&str> = run_objects
        .status
        .nodes
        .values()
        .filter(|node| node.kind == NodeType::Pod && node.phase.is_complete())
        .filter(|node| node.started_at != node.finished_at && query.wants_node(&node.name))
        .filter(|node| !pods.iter().any(|pod| pod.node == node.id))
        .map(|node| node.name.as_str())
        .collect();
    gone.sort_unstable();
    if !gone.is_empty() {
        let names = gone.join(", ");
        let text =
            format!("the pods of these steps were deleted, and their logs with them: {names}");
        remark(events, text).await;
    }
}
