//! One turn after another: wait for a message, update the state, do what follows, draw.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel, sync_channel},
    },
    time::Duration,
};

use contract::Exit;
use runs::{Answer, Backend};

use super::{
    state::State,
    terminal::Screen,
    update::{Effect, Message, update},
    workers::{self, Act, Out},
};
use crate::view::snapshot::Snapshot;

/// Messages on their way. A log that comes faster than it is drawn waits.
const QUEUE: usize = 1024;
/// Messages between two drawings, at the most.
const AT_ONCE: usize = 2048;
/// How often the times on the screen are brought up to date.
const TICK: Duration = Duration::from_secs(1);

/// Shows a run until the user leaves; returns what was seen last.
pub(super) fn run(
    backend: &dyn Backend,
    snapshot: Snapshot,
    user: &str,
    every: Duration,
) -> anyhow::Result<(Exit, Snapshot)> {
    let name = snapshot.run.name.clone();
    let (out, messages) = sync_channel(QUEUE);
    let edge = Edge::start(backend, &name, user, every, &out)?;
    let mut screen = Screen::open()?;
    // Keys are read only now: before, they would be echoed.
    workers::start("keys", &out, workers::keys)?;
    let mut state = State::new(snapshot, user.to_owned(), screen.size()?, backend.now());
    state.settle();
    loop {
        // The event of a new size gets lost when a key is pressed at that moment.
        let size = screen.size()?;
        if size != state.size {
            update(&mut state, Message::Resize(size));
        }
        screen.draw(&state)?;
        for message in wait(&messages, backend) {
            for effect in update(&mut state, message) {
                match effect {
                    Effect::Leave(exit) => return Ok((exit, state.snapshot)),
                    Effect::Redraw => screen.clear()?,
                    other => edge.bring_about(other)?,
                }
            }
        }
    }
}

/// Waits for what comes next, and takes what has come with it.
fn wait(messages: &Receiver<Message>, backend: &dyn Backend) -> Vec<Message> {
    let first = messages.recv_timeout(TICK).ok();
    let now = Message::Tick(backend.now());
    std::iter::once(now).chain(first).chain(messages.try_iter().take(AT_ONCE)).collect()
}

/// What is outside of the state.
struct Edge<'a> {
    backend: &'a dyn Backend,
    user: &'a str,
    out: &'a Out,
    acts: Sender<Act>,
    wake: Sender<()>,
    reading: Arc<AtomicU64>,
}

impl<'a> Edge<'a> {
    fn start(
        backend: &'a dyn Backend,
        name: &str,
        user: &'a str,
        every: Duration,
        out: &'a Out,
    ) -> anyhow::Result<Self> {
        workers::start("signals", out, workers::signals)?;
        let (wake, woken) = channel();
        let (watched, name) = (backend.another()?, name.to_owned());
        workers::start("watch", out, move |out| {
            workers::watch(watched.as_ref(), &name, every, &woken, out);
        })?;
        let (acts, asked) = channel();
        let acted_on = backend.another()?;
        workers::start("act", out, move |out| workers::act(acted_on.as_ref(), &asked, out))?;
        Ok(Self { backend, user, out, acts, wake, reading: Arc::default() })
    }

    fn bring_about(&self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Decide { run, gate, verdict, reason } => {
                let answer = Answer { verdict, by: self.user.to_owned(), reason };
                self.acts.send(Act::Decide { run, gate, answer })?;
            }
            Effect::Stop { run, shutdown } => self.acts.send(Act::Stop { run, shutdown })?,
            Effect::Resume { run } => self.acts.send(Act::Resume { run })?,
            Effect::Look => self.wake.send(())?,
            Effect::ReadLogs { reading, run, node } => {
                self.reading.store(reading, Ordering::Relaxed);
                let (backend, current) = (self.backend.another()?, Arc::clone(&self.reading));
                workers::start("logs", self.out, move |out| {
                    workers::read_logs(backend.as_ref(), &run, node, reading, &current, out);
                })?;
            }
            Effect::LeaveLogs => self.reading.store(0, Ordering::Relaxed),
            Effect::Redraw | Effect::Leave(_) => {}
        }
        Ok(())
    }
}
