//! The loop of the screen: wait for messages, update the state, start what follows, draw.

use std::{sync::Arc, time::Duration};

use contract::Exit;
use runs::{Backend, Decision, RunModel};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, Receiver, UnboundedSender},
    },
    task::{AbortHandle, JoinSet},
};

use super::{
    state::State,
    tasks::{self, Action, Out},
    terminal::Screen,
    update::{Effect, Message, settle, update},
};

/// The most messages in the queue. A log that comes faster than it is drawn waits.
const MAX_QUEUED: usize = 1024;
/// The most messages between two drawings.
const MAX_BATCH: usize = 2048;
/// How often the times on the screen are updated.
const TICK: Duration = Duration::from_secs(1);

/// Shows a run until the user leaves; returns what was known of the run then.
pub(super) async fn run(
    backend: &Arc<dyn Backend>,
    model: RunModel,
    user: &str,
    interval: Duration,
) -> anyhow::Result<(Exit, RunModel)> {
    let (out, mut messages) = mpsc::channel(MAX_QUEUED);
    let mut edge = Edge::start(backend, &model.name, user, interval, out.clone());
    let mut screen = Screen::open()?;
    // Keys are read from now on: before, they would be echoed.
    tasks::start_keys(&out)?;
    let mut state = State::new(model, user.to_owned(), screen.size()?, backend.now());
    settle(&mut state);
    loop {
        // The event of a new size is lost when a key is pressed at that moment.
        let size = screen.size()?;
        if size != state.size {
            update(&mut state, Message::Resize(size));
        }
        screen.draw(&state)?;
        for message in edge.wait(&mut messages).await {
            for effect in update(&mut state, message) {
                match effect {
                    Effect::Leave(exit) => return Ok((exit, state.model)),
                    Effect::Redraw => screen.clear()?,
                    other => edge.carry_out(other)?,
                }
            }
        }
    }
}

/// What is outside of the state. Its tasks end with it.
struct Edge {
    backend: Arc<dyn Backend>,
    user: String,
    out: Out,
    actions: UnboundedSender<Action>,
    wake: Arc<Notify>,
    tasks: JoinSet<()>,
    logs: Option<AbortHandle>,
}

impl Edge {
    fn start(
        backend: &Arc<dyn Backend>,
        name: &str,
        user: &str,
        interval: Duration,
        out: Out,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let (backend, wake) = (Arc::clone(backend), Arc::new(Notify::new()));
        let (actions, asked) = mpsc::unbounded_channel();
        tasks.spawn(tasks::signals(out.clone()));
        tasks.spawn(tasks::watch(
            Arc::clone(&backend),
            name.to_owned(),
            interval,
            Arc::clone(&wake),
            out.clone(),
        ));
        tasks.spawn(tasks::act(Arc::clone(&backend), asked, out.clone()));
        Self { backend, user: user.to_owned(), out, actions, wake, tasks, logs: None }
    }

    /// Waits for the next message, and takes what has come with it.
    async fn wait(&mut self, messages: &mut Receiver<Message>) -> Vec<Message> {
        let first = tokio::select! {
            message = messages.recv() => message,
            // Without one of its tasks, the screen would show something wrong.
            Some(ended) = self.tasks.join_next() => {
                ended.err().filter(tokio::task::JoinError::is_panic).map(|_| Message::TaskPanicked)
            }
            () = tokio::time::sleep(TICK) => None,
        };
        let now = Message::Tick(self.backend.now());
        let mut batch: Vec<Message> = std::iter::once(now).chain(first).collect();
        while batch.len() < MAX_BATCH
            && let Ok(message) = messages.try_recv()
        {
            batch.push(message);
        }
        batch
    }

    fn carry_out(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Decide { run, gate, verdict, reason } => {
                let decision = Decision { verdict, by: self.user.clone(), reason };
                self.actions.send(Action::Decide { run, gate, decision })?;
            }
            Effect::Stop { run, mode } => self.actions.send(Action::Stop { run, mode })?,
            Effect::Resume { run } => self.actions.send(Action::Resume { run })?,
            Effect::Poll => self.wake.notify_one(),
            Effect::ReadLogs { reading, run, node } => {
                self.leave_logs();
                let (backend, out) = (Arc::clone(&self.backend), self.out.clone());
                let task = tasks::read_logs(backend, run, node, reading, out);
                self.logs = Some(self.tasks.spawn(task));
            }
            Effect::LeaveLogs => self.leave_logs(),
            Effect::Redraw | Effect::Leave(_) => {}
        }
        Ok(())
    }

    fn leave_logs(&mut self) {
        if let Some(logs) = self.logs.take() {
            logs.abort();
        }
    }
}
