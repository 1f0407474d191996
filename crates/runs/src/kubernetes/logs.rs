//! The logs of a run's pods, in one stream: of pods that come, are tried again, and go.
//!
//! Each pod has a task that reads its log; all of them write into one short queue, so a reader
//! that is slow slows them down, and nothing piles up.

use std::{collections::BTreeSet, io};

use argo::NodeType;
use contract::{Exit, exit::exit_of};
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use jiff::Timestamp;
use kube::api::LogParams;
use tokio::{sync::mpsc, task::JoinSet, time::Duration};

use super::{fault::Fault, log_text, pods::StepPod, server::Server, sight::Seen};
use crate::backend::{LogQuery, LogSink, LogSource, Run};

/// How often is looked for new pods.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Lines on their way.
const QUEUE: usize = 256;
/// A longer line is cut: what prints it holds it in memory.
const LONGEST_LINE: usize = 1 << 20;

/// What a task reads.
enum News {
    Line(LogSource, Option<Timestamp>, String),
    /// The log of a pod is gone.
    Gone(String),
}

/// Hands over the lines of a run's logs.
pub(super) async fn read(
    server: &Server,
    run: &Run,
    query: &LogQuery,
    sink: &mut dyn LogSink,
) -> anyhow::Result<()> {
    let seen = Seen::look(server, run).await?;
    let pods = wanted(&seen, server, query).await?;
    tell_what_is_gone(&seen, &pods, query, sink);
    if !query.follow {
        for pod in pods.iter().filter(|pod| pod.has_begun()) {
            let (sender, mut receiver) = mpsc::channel(QUEUE);
            let task = one(server.clone(), pod.clone(), false, sender);
            let (ended, printed) = tokio::join!(task, async {
                while let Some(news) = receiver.recv().await {
                    hand_over(news, sink)?;
                }
                anyhow::Ok(())
            });
            printed?;
            ended?;
        }
        return Ok(());
    }
    follow(server, run, query, sink).await
}

async fn follow(
    server: &Server,
    run: &Run,
    query: &LogQuery,
    sink: &mut dyn LogSink,
) -> anyhow::Result<()> {
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let mut tasks: JoinSet<Result<(), Fault>> = JoinSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut away = false;
    loop {
        let looked = async {
            let seen = Seen::look(server, run).await?;
            let pods = wanted(&seen, server, query).await?;
            anyhow::Ok((seen.status.phase.is_complete(), pods))
        };
        let is_over = match looked.await {
            Ok((is_over, pods)) => {
                for pod in pods.into_iter().filter(StepPod::has_begun) {
                    if known.insert(pod.pod.metadata.uid.clone().unwrap_or_default()) {
                        tasks.spawn(one(server.clone(), pod, true, sender.clone()));
                    }
                }
                away = false;
                is_over
            }
            // A server that is away for a while is no reason to lose the place.
            Err(error) if !away && exit_of(&error) == Exit::Temporary => {
                sink.remark(&format!("{error:#}; trying again"));
                away = true;
                false
            }
            Err(error) => return Err(error),
        };
        let next = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(next);
        loop {
            tokio::select! {
                biased;
                news = receiver.recv() => {
                    if let Some(news) = news {
                        hand_over(news, sink)?;
                    }
                }
                Some(ended) = tasks.join_next() => {
                    match ended? {
                        Err(fault) if !fault.is_passing() => sink.remark(&fault.to_string()),
                        _ => {}
                    }
                }
                () = &mut next => break,
            }
        }
        if !sink.is_wanted() {
            return Ok(());
        }
        if is_over && tasks.is_empty() {
            // What came last is still in the queue.
            while let Ok(news) = receiver.try_recv() {
                hand_over(news, sink)?;
            }
            return Ok(());
        }
    }
}

fn hand_over(news: News, sink: &mut dyn LogSink) -> anyhow::Result<()> {
    match news {
        News::Line(source, at, text) => sink.line(&source, at, &text),
        News::Gone(pod) => {
            sink.remark(&format!("the log of pod `{pod}` is gone"));
            Ok(())
        }
    }
}

async fn wanted(seen: &Seen, server: &Server, query: &LogQuery) -> anyhow::Result<Vec<StepPod>> {
    let mut pods = seen.pods(server).await?;
    pods.retain(|pod| query.wants(&pod.source.node, &pod.source.labels));
    Ok(pods)
}

/// Reads the log of one pod to its end. A stream that breaks off is taken up where it was left.
async fn one(
    server: Server,
    pod: StepPod,
    follow: bool,
    sender: mpsc::Sender<News>,
) -> Result<(), Fault> {
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
                    sender.send(News::Gone(pod.name().to_owned())).await.ok();
                }
                return Ok(());
            }
            Err(fault) if follow && fault.is_passing() => {
                tokio::time::sleep(LOOK_EVERY).await;
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
            // The server knows whole seconds only, and says some lines again.
            if at.is_some() && at <= before || log_text::is_executors(text) {
                continue;
            }
            last = at.or(last);
            let news = News::Line(pod.source.clone(), at, text.to_owned());
            if sender.send(news).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Reads a line, of which no more is kept than the most; returns whether there was one.
async fn read_line(log: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    loop {
        let ready = log.fill_buf().await?;
        if ready.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = ready.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(ready.len(), |end| end + 1);
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend(ready.iter().take(taken.min(room)));
        log.consume_unpin(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Says which steps ran and have no pod any more.
fn tell_what_is_gone(seen: &Seen, pods: &[StepPod], query: &LogQuery, sink: &mut dyn LogSink) {
    if !query.labels.is_empty() {
        // A node has no labels: which of them was meant only its pod could say.
        return;
    }
    let mut gone: Vec<&str> = seen
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
        sink.remark(&format!(
            "the pods of these steps were deleted, and their logs with them: {}",
            gone.join(", ")
        ));
    }
}
