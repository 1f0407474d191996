//! Which tasks run beside the screen? They do what takes time and report by messages.
//!
//! ```text
//!  keys, signals ----+
//!  watch ------------+--> messages --> update --> state --> draw
//!  act <-- effects --+                   |
//!  read_logs --------+ <-----------------+
//! ```

use std::{sync::Arc, thread, time::Duration};

use anyhow::Context as _;
use contract::{Exit, Failure};
use futures::StreamExt as _;
use ratatui::{crossterm::event, layout::Size};
use runs::{
    Backend, BackendError, Decision, DecisionOutcome, LogEvent, LogQuery, Run, StopMode, Verdict,
    plain,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, mpsc},
};

use super::{
    logbook::LogLine,
    state::Notice,
    update::{LogNews, Message},
};
use crate::view::{gate, log_line};

/// How long to wait before logs are read again after an interruption.
const LOGS_RETRY_DELAY: Duration = Duration::from_secs(2);
/// Lines of a log between its reader and the screen.
const LOG_QUEUE: usize = 256;

/// The sender of messages to the screen.
pub(super) type Out = mpsc::Sender<Message>;

/// Starts the thread that reads the keys. If it panics, the screen ends too.
pub(super) fn start_keys(out: &Out) -> anyhow::Result<()> {
    struct Alarm(Out);

    impl Drop for Alarm {
        fn drop(&mut self) {
            if thread::panicking() {
                self.0.blocking_send(Message::TaskPanicked).ok();
            }
        }
    }

    let alarm = Alarm(out.clone());
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || keys(&alarm.0))
        .context("starting the thread that reads the keys")?;
    Ok(())
}

/// Reports keys, pasted text and sizes.
fn keys(out: &Out) {
    loop {
        let message = match event::read() {
            Ok(event::Event::Key(key)) if key.is_press() || key.is_repeat() => Message::Key(key),
            Ok(event::Event::Paste(text)) => Message::Paste(text),
            Ok(event::Event::Resize(width, height)) => Message::Resize(Size { width, height }),
            Ok(_) => continue,
            // The terminal is gone.
            Err(_) => Message::Interrupt,
        };
        let is_last = matches!(message, Message::Interrupt);
        if out.blocking_send(message).is_err() || is_last {
            return;
        }
    }
}

/// Reports a signal that ends programs.
pub(super) async fn signals(out: Out) {
    // Without them, the system ends the program by itself.
    if until_signal().await.is_ok() {
        out.send(Message::Interrupt).await.ok();
    }
}

async fn until_signal() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// Reports the newest run of a workflow whenever it changes, and immediately when woken.
pub(super) async fn watch(
    backend: Arc<dyn Backend>,
    name: String,
    interval: Duration,
    wake: Arc<Notify>,
    out: Out,
) {
    loop {
        // A new watch begins with the run as it is now.
        let mut models = backend.watch(&name, interval);
        loop {
            let model = tokio::select! {
                model = models.next() => model,
                () = wake.notified() => break,
            };
            let message = match model {
                Some(Ok(model)) => Message::Polled(Box::new(model), backend.now()),
                Some(Err(error)) => Message::PollFailed(plain(&Failure::from(error).message)),
                None => return,
            };
            if out.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// An action on a run.
pub(super) enum Action {
    /// Decide at a gate.
    Decide { run: Run, gate: String, decision: Decision },
    /// End it.
    Stop { run: Run, mode: StopMode },
    /// Resume it.
    Resume { run: Run },
}

/// Carries out actions, one after the other.
pub(super) async fn act(
    backend: Arc<dyn Backend>,
    mut actions: mpsc::UnboundedReceiver<Action>,
    out: Out,
) {
    while let Some(action) = actions.recv().await {
        let done = match action {
            Action::Decide { run, gate, decision } => {
                decide(backend.as_ref(), &run, &gate, &decision).await
            }
            Action::Stop { run, mode } => {
                let stopped = backend.stop(&run, mode).await;
                stopped.map(|report| Notice { is_bad: false, text: report.lines().join("; ") })
            }
            Action::Resume { run } => resume(backend.as_ref(), &run).await,
        };
        let notice = done.unwrap_or_else(|error| Notice {
            is_bad: true,
            text: plain(&Failure::from(error).message),
        });
        if out.send(Message::ActionEnded(notice)).await.is_err() {
            return;
        }
    }
}

/// Resumes a run as it is now: it may have ended since the user asked.
async fn resume(backend: &dyn Backend, run: &Run) -> Result<Notice, BackendError> {
    let now = backend.get(&run.name).await?;
    if now.uid != run.uid {
        let text = format!("`{}` was submitted again; its older run has ended", run.name);
        return Ok(Notice { is_bad: true, text });
    }
    let text = plain(&backend.resume(&now).await?.sentence(&run.name));
    Ok(Notice { is_bad: false, text })
}

async fn decide(
    backend: &dyn Backend,
    run: &Run,
    gate: &str,
    decision: &Decision,
) -> Result<Notice, BackendError> {
    let word = match decision.verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "rejected",
    };
    Ok(match backend.decide(run, gate, decision).await? {
        DecisionOutcome::Recorded => Notice { is_bad: false, text: format!("✓ {word} {gate}") },
        DecisionOutcome::ApprovedInAdvance => {
            Notice { is_bad: false, text: format!("✓ {word} {gate} in advance") }
        }
        DecisionOutcome::NotWaiting(known) => Notice {
            is_bad: true,
            text: format!("{gate} is not waiting: {}", plain(&gate::story(&known))),
        },
        DecisionOutcome::Unknown => {
            Notice { is_bad: true, text: format!("there is no gate {gate}") }
        }
    })
}

/// Reports the log of a node until the run ends.
pub(super) async fn read_logs(
    backend: Arc<dyn Backend>,
    run: Run,
    node: Option<String>,
    reading: u64,
    out: Out,
) {
    let query = LogQuery { node, follow: true, ..LogQuery::default() };
    let log = LogOut { reading, out };
    loop {
        let (events, mut received) = mpsc::channel(LOG_QUEUE);
        let forward = async {
            while let Some(event) = received.recv().await {
                log.lines(event).await;
            }
        };
        let (ended, ()) = tokio::join!(backend.logs(&run, &query, events), forward);
        let Err(error) = ended else {
            log.send(LogNews::Over).await;
            return;
        };
        let Failure { exit, message } = error.into();
        log.lines(LogEvent::Remark(message)).await;
        if exit != Exit::Temporary {
            log.send(LogNews::Over).await;
            return;
        }
        log.lines(LogEvent::Remark("trying again".to_owned())).await;
        tokio::time::sleep(LOGS_RETRY_DELAY).await;
        log.send(LogNews::Restart).await;
    }
}

/// Where the news of one reading of a log go.
struct LogOut {
    reading: u64,
    out: Out,
}

impl LogOut {
    async fn send(&self, news: LogNews) {
        // A screen that is gone reads nothing, and this task ends with it.
        self.out.send(Message::Log(self.reading, news)).await.ok();
    }

    async fn lines(&self, event: LogEvent) {
        for line in lines(event) {
            self.send(LogNews::Line(line)).await;
        }
    }
}

/// Returns the lines to show of what was read.
fn lines(event: LogEvent) -> Vec<LogLine> {
    match event {
        LogEvent::Line { source, at, text } => {
            vec![LogLine::new(at, plain(&log_line::text(&source, None, &text)))]
        }
        LogEvent::Remark(text) => {
            plain(&text).lines().map(|line| LogLine::new(None, format!("! {line}"))).collect()
        }
    }
}
