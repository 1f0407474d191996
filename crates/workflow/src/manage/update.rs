//! What does a message change? The state; and which effects outside of it follow?

use contract::Exit;

use jiff::Timestamp;
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Size,
};
use runs::{GateState, Run, RunModel, StopMode, Verdict};

use super::{
    draw::detail,
    field::Field,
    filter::{self, Filter},
    keys::{self, Command},
    logbook::{LogLine, Logbook},
    state::{Decide, Notice, Overlay, RunAction, State},
};
use crate::view::gate;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(Size),
    /// Time went by.
    Tick(Timestamp),
    /// The run as it is now.
    Polled(Box<RunModel>, Timestamp),
    /// The run could not be read.
    PollFailed(String),
    /// The result of an action.
    ActionEnded(Notice),
    /// News of a log that is read.
    Log(u64, LogNews),
    /// A signal ends the program.
    Interrupt,
    /// A task of this program panicked.
    TaskPanicked,
}

/// News of a log.
#[derive(Debug)]
pub(super) enum LogNews {
    /// A line.
    Line(LogLine),
    /// All lines will come again.
    Restart,
    /// There is no more.
    Over,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Decide at a gate of a run.
    Decide { run: Run, gate: String, verdict: Verdict, reason: Option<String> },
    /// End a run.
    Stop { run: Run, mode: StopMode },
    /// Resume a run.
    Resume { run: Run },
    /// Read the log of a node of a run, as this reading; an older reading ends.
    ReadLogs { reading: u64, run: Run, node: Option<String> },
    /// End reading logs.
    LeaveLogs,
    /// Read the run now.
    Poll,
    /// Draw everything again, whatever the terminal shows.
    Redraw,
    /// Leave.
    Leave(Exit),
}

/// Takes a message.
pub(super) fn update(state: &mut State, message: Message) -> Vec<Effect> {
    let effects = match message {
        Message::Key(key) if keys::is_interrupt(key) => leave(state, Exit::Interrupted),
        Message::Key(key) => press(state, key),
        Message::Paste(text) => {
            if let Some(Overlay::Find(field) | Overlay::Decide(Decide { reason: field, .. })) =
                &mut state.overlay
            {
                field.insert(&text);
            }
            found(state)
        }
        Message::Resize(size) => {
            state.size = size;
            Vec::new()
        }
        Message::Tick(now) => {
            state.now = now;
            Vec::new()
        }
        Message::Polled(model, at) => {
            state.take(*model, at);
            Vec::new()
        }
        Message::PollFailed(why) => {
            state.poll_error = Some(why);
            Vec::new()
        }
        Message::ActionEnded(notice) => {
            state.notice = Some(notice);
            state.sending = state.sending.saturating_sub(1);
            if state.is_leaving && state.sending == 0 {
                vec![Effect::Leave(Exit::Done)]
            } else {
                vec![Effect::Poll]
            }
        }
        Message::Log(reading, news) => {
            if let Some(logs) = state.logs.as_mut().filter(|logs| logs.reading == reading) {
                match news {
                    LogNews::Line(line) => logs.push(line),
                    LogNews::Restart => logs.restart(),
                    LogNews::Over => logs.is_over = true,
                }
            }
            // Lines may come by the thousand, and change nothing that has to be settled.
            return Vec::new();
        }
        Message::Interrupt => vec![Effect::Leave(Exit::Interrupted)],
        Message::TaskPanicked => vec![Effect::Leave(Exit::Failed)],
    };
    settle(state);
    effects
}

/// Makes the state consistent: what is selected, and what is scrolled to, exists.
pub(super) fn settle(state: &mut State) {
    state.settle();
    let lines = detail::lines(state, state.areas().detail.width.into()).len();
    state.limit_detail(lines);
}

/// Leaves when all actions are done, or immediately when asked a second time.
fn leave(state: &mut State, exit: Exit) -> Vec<Effect> {
    if state.sending == 0 || state.is_leaving {
        return vec![Effect::Leave(exit)];
    }
    state.is_leaving = true;
    say(state, "leaving when your last action is done; press the same key again to leave now");
    Vec::new()
}

fn say(state: &mut State, text: impl Into<String>) {
    state.notice = Some(Notice { is_bad: false, text: text.into() });
}

fn press(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match state.overlay.take() {
        Some(Overlay::Help(top)) => {
            state.overlay = help(state, top, key).map(Overlay::Help);
            Vec::new()
        }
        Some(Overlay::Find(field)) => find(state, field, key),
        Some(Overlay::Decide(decide)) => decide_by(state, decide, key),
        Some(Overlay::Confirm(action, run)) => confirm(state, action, run, key),
        None => {
            state.notice = None;
            let bindings = if state.logs.is_some() { keys::LOGS } else { keys::TREE };
            let Some(command) = keys::command(bindings, key) else { return Vec::new() };
            obey(state, command)
        }
    }
}

fn obey(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => state.overlay = Some(Overlay::Help(0)),
        Command::Redraw => return vec![Effect::Redraw, Effect::Poll],
        Command::Quit => return leave(state, Exit::Done),
        Command::Find => {
            let text = state.logs.as_ref().map_or(&state.filter.text, |logs| &logs.wanted);
            state.overlay = Some(Overlay::Find(Field::new(text)));
        }
        _ if state.logs.is_some() => return obey_in_logs(state, command),
        Command::Approve => decide(state, Verdict::Approved),
        Command::Reject => decide(state, Verdict::Rejected),
        Command::Stop => ask(state, RunAction::Stop),
        Command::Terminate => ask(state, RunAction::Terminate),
        Command::Resume => ask(state, RunAction::Resume),
        Command::Logs => return read_logs(state),
        Command::NextAttention => to_attention(state, true),
        Command::PreviousAttention => to_attention(state, false),
        Command::Show => state.filter.show = state.filter.show.next(),
        Command::Back if state.reads_detail => state.reads_detail = false,
        Command::Back => state.filter = Filter::default(),
        Command::Detail => state.reads_detail = !state.reads_detail,
        Command::OpenAll => state.open_all(true),
        Command::CloseAll => state.open_all(false),
        _ => walk(state, command),
    }
    Vec::new()
}

/// Asks for confirmation of an action, if it is possible.
fn ask(state: &mut State, action: RunAction) {
    match state.obstacle_to(action) {
        Some(why) => say(state, why),
        None => state.overlay = Some(Overlay::Confirm(action, state.model.run())),
    }
}

fn confirm(state: &mut State, action: RunAction, run: Run, key: KeyEvent) -> Vec<Effect> {
    let name = run.name.clone();
    let is_past = run.uid != state.model.uid || state.obstacle_to(action).is_some();
    match key.code {
        KeyCode::Char('y' | 'Y') if !is_past => {
            state.sending += 1;
            // The same run, as it is now.
            let run = state.model.run();
            let (text, effect) = match action {
                RunAction::Stop => {
                    (format!("asking `{name}` to stop"), Effect::Stop { run, mode: StopMode::Stop })
                }
                RunAction::Terminate => (
                    format!("terminating `{name}`"),
                    Effect::Stop { run, mode: StopMode::Terminate },
                ),
                RunAction::Resume => (format!("resuming `{name}`"), Effect::Resume { run }),
            };
            say(state, text);
            vec![effect]
        }
        KeyCode::Esc | KeyCode::Char('n' | 'N' | 'q') => {
            say(state, "nothing was changed");
            Vec::new()
        }
        _ => {
            state.overlay = Some(Overlay::Confirm(action, run));
            Vec::new()
        }
    }
}

/// Goes through the tree, or through the detail.
fn walk(state: &mut State, command: Command) {
    let areas = state.areas();
    let page = |height: u16| isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    let page = page(if state.reads_detail { areas.detail.height } else { areas.tree.height });
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page,
        Command::PageDown => page,
        Command::First => isize::MIN,
        Command::Last => isize::MAX,
        Command::Open | Command::Close | Command::Enter if !state.reads_detail => {
            return open(state, command);
        }
        Command::Enter | Command::Close => {
            state.reads_detail = false;
            return;
        }
        _ => return,
    };
    if state.reads_detail {
        state.detail_top = state.detail_top.saturating_add_signed(by);
    } else {
        state.go(by);
    }
}

fn open(state: &mut State, command: Command) {
    let Some((position, node)) = state.selected() else { return };
    let (is_leaf, parent) = (node.is_leaf(position), node.parent);
    let is_open = !is_leaf
        && (!state.filter.is_empty() || filter::is_open(&state.model, &state.opened, position));
    match command {
        Command::Enter if is_leaf => state.reads_detail = true,
        Command::Enter => state.open(position, !is_open),
        Command::Open if is_leaf => {}
        Command::Open if is_open => state.go(1),
        Command::Open => state.open(position, true),
        Command::Close if is_open && position > 0 && state.filter.is_empty() => {
            state.open(position, false);
        }
        _ => {
            if let Some(parent) = parent {
                state.select(parent);
            }
        }
    }
}

fn to_attention(state: &mut State, forward: bool) {
    let here = state.selected().map_or(0, |(position, _)| position);
    let nodes = &state.model.nodes;
    let all: Vec<usize> = (0..nodes.len())
        .filter(|position| {
            nodes
                .get(*position)
                .is_some_and(|node| node.needs_attention() && node.is_leaf(*position))
        })
        .collect();
    let next = if forward {
        all.iter().find(|position| **position > here).or_else(|| all.first())
    } else {
        all.iter().rev().find(|position| **position < here).or_else(|| all.last())
    };
    let Some(position) = next.copied() else {
        say(state, "no gate is waiting, and no step has failed");
        return;
    };
    if !state.rows().contains(&position) {
        state.filter = Filter::default();
        state.reveal(position);
    }
    state.select(position);
}

/// Asks for the decision at the selected gate.
fn decide(state: &mut State, verdict: Verdict) {
    let Some((_, node)) = state.selected() else { return };
    let waiting = state.model.gate_of(node).filter(|gate| gate.state == GateState::Waiting);
    if let Some(gate) = waiting {
        state.overlay = Some(Overlay::Decide(Decide {
            run: state.model.run(),
            gate: gate.name.clone(),
            verdict,
            reason: Field::default(),
        }));
        return;
    }
    let title = &node.display_name;
    let what = match state.model.gate_of(node) {
        Some(known) => format!("`{title}` is not waiting: {}", gate::story(known)),
        None => format!("`{title}` is not a gate"),
    };
    let next = if state.waiting().next().is_some() {
        "; `n` goes to the next gate that is waiting"
    } else {
        "; no gate is waiting now"
    };
    state.notice = Some(Notice { is_bad: true, text: format!("{what}{next}") });
}

fn decide_by(state: &mut State, mut decide: Decide, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            say(state, "nothing was decided");
            return Vec::new();
        }
        KeyCode::Enter if state.is_past(&decide).is_none() => {
            let Decide { run: _, gate, verdict, reason } = decide;
            let run = state.model.run();
            let word = match verdict {
                Verdict::Approved => "approving",
                Verdict::Rejected => "rejecting",
            };
            say(state, format!("{word} {gate}"));
            state.sending += 1;
            let reason = Some(reason.text().trim().to_owned()).filter(|reason| !reason.is_empty());
            return vec![Effect::Decide { run, gate, verdict, reason }];
        }
        _ => edit(&mut decide.reason, key),
    }
    state.overlay = Some(Overlay::Decide(decide));
    Vec::new()
}

fn find(state: &mut State, mut field: Field, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Enter => return Vec::new(),
        KeyCode::Esc => field = Field::default(),
        _ => edit(&mut field, key),
    }
    state.overlay = Some(Overlay::Find(field));
    let effects = found(state);
    if key.code == KeyCode::Esc {
        state.overlay = None;
    }
    effects
}

/// Applies the typed text immediately.
fn found(state: &mut State) -> Vec<Effect> {
    if let Some(Overlay::Find(field)) = &state.overlay {
        match &mut state.logs {
            Some(logs) => logs.wanted = field.text(),
            None => state.filter.text = field.text(),
        }
    }
    Vec::new()
}

fn edit(field: &mut Field, key: KeyEvent) {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('w') if has_control => field.remove_word(),
        KeyCode::Char('u') if has_control => field.remove_all_before(),
        KeyCode::Char('a') if has_control => field.go_to_begin(),
        KeyCode::Char('e') if has_control => field.go_to_end(),
        KeyCode::Char('h') if has_control => field.remove_before(),
        KeyCode::Char(character) if !has_control => {
            field.insert(character.encode_utf8(&mut [0; 4]));
        }
        KeyCode::Backspace => field.remove_before(),
        KeyCode::Delete => field.remove_behind(),
        KeyCode::Left => field.back(),
        KeyCode::Right => field.on(),
        KeyCode::Home => field.go_to_begin(),
        KeyCode::End => field.go_to_end(),
        _ => {}
    }
}

/// Scrolls help; any other key closes it.
fn help(state: &State, top: usize, key: KeyEvent) -> Option<usize> {
    let page = usize::from(state.size.height).saturating_sub(4).max(1);
    let bindings = if state.logs.is_some() { keys::LOGS } else { keys::TREE };
    let most = bindings.len().saturating_sub(page);
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => Some((top + 1).min(most)),
        KeyCode::Up | KeyCode::Char('k') => Some(top.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some((top + page).min(most)),
        KeyCode::PageUp => Some(top.saturating_sub(page)),
        _ => None,
    }
}

fn read_logs(state: &mut State) -> Vec<Effect> {
    let Some((position, node)) = state.selected() else { return Vec::new() };
    if state.model.gate_of(node).is_some() {
        let text = format!("`{}` is a gate, which prints nothing", node.display_name);
        say(state, text);
        return Vec::new();
    }
    let (title, name) = (node.display_name.clone(), (position > 0).then(|| node.name.clone()));
    state.readings += 1;
    let reading = state.readings;
    state.logs = Some(Logbook::new(reading, title));
    vec![Effect::ReadLogs { reading, run: state.model.run(), node: name }]
}

fn obey_in_logs(state: &mut State, command: Command) -> Vec<Effect> {
    let height = usize::from(state.areas().body.height).saturating_sub(1).max(1);
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    let half = usize::from(state.size.width / 2);
    let Some(logs) = &mut state.logs else { return Vec::new() };
    match command {
        Command::Back if !logs.wanted.is_empty() => logs.wanted.clear(),
        Command::Back => {
            state.logs = None;
            return vec![Effect::LeaveLogs];
        }
        Command::Follow => logs.follow(!logs.follows(), height),
        Command::Up => logs.scroll(-1, height),
        Command::Down => logs.scroll(1, height),
        Command::PageUp => logs.scroll(-page, height),
        Command::PageDown => logs.scroll(page, height),
        Command::First => logs.go_to_begin(),
        Command::Last => logs.follow(true, height),
        Command::Wrap => logs.wraps = !logs.wraps,
        Command::Times => logs.has_times = !logs.has_times,
        Command::Left => logs.column = logs.column.saturating_sub(half),
        Command::Right => {
            logs.wraps = false;
            logs.column = (logs.column + half).min(4_000);
        }
        _ => {}
    }
    Vec::new()
}
