//! What takes time is done beside the screen: each thread has a handle of the backend of its own,
//! and says what came of it by a message.
//!
//! ```text
//!  keys, signals ----+
//!  watch ------------+--> messages --> update --> state --> draw
//!  act <-- effects --+                   |
//!  read_logs --------+ <-----------------+
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use contract::{Exit, exit::exit_of};
use engine::{DecisionOutcome, Shutdown, Verdict};
use jiff::Timestamp;
use ratatui::{crossterm::event, layout::Size};
use runs::{Answer, Backend, LogQuery, LogSink, LogSource, Run};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    logbook::LogLine,
    state::Notice,
    update::{LogNews, Message},
};
use crate::{
    commands::status,
    view::{gate, log_line, plain::plain, snapshot::Snapshot},
};

/// How long to wait before logs are read again that broke off.
const LOGS_AGAIN: Duration = Duration::from_secs(2);

/// Where messages go.
pub(super) type Out = SyncSender<Message>;

/// Starts a thread. If it panics, the screen ends too: half of it would be a lie.
pub(super) fn start(
    name: &str,
    out: &Out,
    work: impl FnOnce(&Out) + Send + 'static,
) -> anyhow::Result<()> {
    struct Alarm(Out);

    impl Drop for Alarm {
        fn drop(&mut self) {
            if thread::panicking() {
                self.0.send(Message::Broken).ok();
            }
        }
    }

    let alarm = Alarm(out.clone());
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(&alarm.0))
        .with_context(|| format!("starting the thread `{name}`"))?;
    Ok(())
}

/// Hands over keys, pasted text and sizes.
pub(super) fn keys(out: &Out) {
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
        if out.send(message).is_err() || is_last {
            return;
        }
    }
}

/// Waits for a signal that ends programs.
pub(super) fn signals(out: &Out) {
    let wait = || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut hangup = signal(SignalKind::hangup())?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            Ok(())
        })
    };
    // Without them, the system ends the program by itself.
    if wait().is_ok() {
        out.send(Message::Interrupt).ok();
    }
}

/// Looks at the newest run of a name, again and again, and at once when woken.
pub(super) fn watch(
    backend: &dyn Backend,
    name: &str,
    every: Duration,
    wake: &Receiver<()>,
    out: &Out,
) {
    loop {
        match wake.recv_timeout(every) {
            Ok(()) => while wake.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let message = match look(backend, name) {
            Ok(snapshot) => Message::Seen(Box::new(snapshot), backend.now()),
            Err(error) => Message::Away(plain(&format!("{error:#}"))),
        };
        if out.send(message).is_err() {
            return;
        }
    }
}

/// Looks at the newest run of a name.
pub(super) fn look(backend: &dyn Backend, name: &str) -> anyhow::Result<Snapshot> {
    let run = backend.run(name)?;
    let look = status::look(backend, &run)?;
    Ok(Snapshot::of(run, &look))
}

/// Something to be done to a run.
pub(super) enum Act {
    /// Answer a gate.
    Decide { run: Run, gate: String, answer: Answer },
    /// Ask for the end.
    Stop { run: Run, shutdown: Shutdown },
    /// Go on with it.
    Resume { run: Run },
}

/// Does what is asked for, in its order.
pub(super) fn act(backend: &dyn Backend, acts: &Receiver<Act>, out: &Out) {
    while let Ok(act) = acts.recv() {
        let done = match act {
            Act::Decide { run, gate, answer } => decide(backend, &run, &gate, &answer),
            Act::Stop { run, shutdown } => backend
                .stop(&run, shutdown)
                .map(|stopped| Notice { is_bad: false, text: stopped.lines().join("; ") }),
            Act::Resume { run } => resume(backend, &run),
        };
        let notice = done
            .unwrap_or_else(|error| Notice { is_bad: true, text: plain(&format!("{error:#}")) });
        if out.send(Message::Acted(notice)).is_err() {
            return;
        }
    }
}

/// Goes on with a run as it is now: it may have ended since it was asked for.
fn resume(backend: &dyn Backend, run: &Run) -> anyhow::Result<Notice> {
    let now = backend.run(&run.name)?;
    if now.uid != run.uid {
        let text = format!("`{}` was submitted anew; its older run is over", run.name);
        return Ok(Notice { is_bad: true, text });
    }
    let text = plain(&backend.resume(&now)?.sentence(&run.name));
    Ok(Notice { is_bad: false, text })
}

fn decide(backend: &dyn Backend, run: &Run, gate: &str, answer: &Answer) -> anyhow::Result<Notice> {
    let word = match answer.verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "rejected",
    };
    Ok(match backend.decide(run, gate, answer)? {
        DecisionOutcome::Recorded => Notice { is_bad: false, text: format!("✓ {word} {gate}") },
        DecisionOutcome::ApprovedInAdvance => {
            Notice { is_bad: false, text: format!("✓ {word} {gate} beforehand") }
        }
        DecisionOutcome::NotWaiting(known) => Notice {
            is_bad: true,
            text: format!("{gate} does not wait: {}", plain(&gate::story(&known))),
        },
        DecisionOutcome::Unknown => {
            Notice { is_bad: true, text: format!("there is no gate {gate}") }
        }
    })
}

/// Reads the log of a node until the run ends or another reading begins.
pub(super) fn read_logs(
    backend: &dyn Backend,
    run: &Run,
    node: Option<String>,
    reading: u64,
    current: &Arc<AtomicU64>,
    out: &Out,
) {
    let query = LogQuery { node, follow: true, ..LogQuery::default() };
    let mut sink = Sink { reading, current, out };
    loop {
        let ended = backend.logs(run, &query, &mut sink);
        if !sink.is_wanted() {
            return;
        }
        let Err(error) = ended else {
            sink.send(LogNews::Over);
            return;
        };
        sink.remark(&format!("{error:#}"));
        if exit_of(&error) != Exit::Temporary {
            sink.send(LogNews::Over);
            return;
        }
        sink.remark("trying again");
        thread::sleep(LOGS_AGAIN);
        sink.send(LogNews::Restart);
    }
}

struct Sink<'a> {
    reading: u64,
    current: &'a AtomicU64,
    out: &'a Out,
}

impl Sink<'_> {
    fn send(&self, news: LogNews) {
        // The screen is gone, and this thread with it.
        self.out.send(Message::Log(self.reading, news)).ok();
    }
}

impl LogSink for Sink<'_> {
    fn line(
        &mut self,
        source: &LogSource,
        at: Option<Timestamp>,
        text: &str,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(self.is_wanted(), "nobody reads this log any more");
        let text = plain(&log_line::text(source, None, text));
        self.send(LogNews::Line(LogLine::new(at, text)));
        Ok(())
    }

    fn remark(&mut self, text: &str) {
        for line in plain(text).lines() {
            self.send(LogNews::Line(LogLine::new(None, format!("! {line}"))));
        }
    }

    fn is_wanted(&self) -> bool {
        self.current.load(Ordering::Relaxed) == self.reading
    }
}
