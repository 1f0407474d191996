//! What keys do.

use argo::NodePhase;
use contract::Exit;

use ratatui::crossterm::event::KeyCode;
use runs::{StopMode, Verdict};

use super::{Desk, sample_runs};
use crate::manage::{
    logbook::LogLine,
    state::Notice,
    update::{Effect, LogNews, Message, update},
};

const GATE: &str = "metadata-evaluated-shop-to-new-everything-else";

fn action_ended() -> Message {
    Message::ActionEnded(Notice { is_bad: false, text: "done".to_owned() })
}

#[test]
fn an_answer_is_sent_once_and_with_its_reason() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    assert_eq!(desk.type_in("nalooks good, q?"), []);
    update(&mut desk.state, Message::Paste("\nsee page 3 ".to_owned()));
    let effects = desk.press(KeyCode::Enter);
    let expected = Effect::Decide {
        run: sample_runs::run("u1"),
        gate: GATE.to_owned(),
        verdict: Verdict::Approved,
        reason: Some("looks good, q? see page 3".to_owned()),
    };
    assert_eq!(effects, [expected]);
    assert_eq!(desk.press(KeyCode::Enter), []);
    assert_eq!(update(&mut desk.state, action_ended()), [Effect::Poll]);
}

#[test]
fn nothing_is_decided_without_enter() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("nrno");
    assert_eq!(desk.press(KeyCode::Esc), []);
    assert_eq!(desk.state.overlay, None);
}

#[test]
fn what_is_past_is_not_answered() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("na");
    desk.see(sample_runs::waiting_of(&sample_runs::run("u1"), NodePhase::Succeeded));
    assert_eq!(desk.press(KeyCode::Enter), []);
    // Nor is what waits in another run of the same name.
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("na");
    desk.see(sample_runs::waiting_of(&sample_runs::run("u2"), NodePhase::Running));
    assert_eq!(desk.press(KeyCode::Enter), []);
    assert!(desk.screen().contains("submitted again"), "{}", desk.screen());
}

#[test]
fn only_a_gate_that_waits_is_asked_about() {
    let mut desk = Desk::new(sample_runs::in_progress(), 100, 30);
    desk.press(KeyCode::Down);
    desk.type_in("a");
    let said = desk.state.notice.clone().expect("a notice");
    assert_eq!(said.text, "`Initialize` is not a gate; no gate is waiting now");
    desk.type_in("n");
    assert_eq!(
        desk.state.notice.clone().map(|notice| notice.text).as_deref(),
        Some("no gate is waiting, and no step has failed")
    );
}

#[test]
fn a_stop_needs_its_own_key() {
    let mut desk = Desk::new(sample_runs::in_progress(), 100, 30);
    desk.type_in("X");
    assert_eq!(desk.press(KeyCode::Enter), []);
    let stop = Effect::Stop { run: sample_runs::run("u1"), mode: StopMode::Stop };
    assert_eq!(desk.type_in("y"), [stop]);
    assert_eq!(desk.type_in("y"), []);
    desk.type_in("T");
    let end = Effect::Stop { run: sample_runs::run("u1"), mode: StopMode::Terminate };
    assert_eq!(desk.type_in("y"), [end]);
}

#[test]
fn a_run_that_failed_is_resumed_and_not_stopped() {
    let mut desk = Desk::new(sample_runs::ended(NodePhase::Failed), 100, 30);
    for key in ["X", "T"] {
        desk.type_in(key);
        assert_eq!(desk.state.overlay, None);
    }
    assert_eq!(desk.type_in("R"), []);
    assert_eq!(desk.press(KeyCode::Esc), []);
    desk.type_in("R");
    assert_eq!(
        desk.type_in("y"),
        [Effect::Resume { run: sample_runs::ended(NodePhase::Failed).run() }]
    );

    let mut desk = Desk::new(sample_runs::ended(NodePhase::Succeeded), 100, 30);
    desk.type_in("R");
    assert_eq!(desk.state.overlay, None);
}

#[test]
fn what_is_past_is_not_done_to_a_run() {
    for see in [
        sample_runs::ended(NodePhase::Failed),
        sample_runs::waiting_of(&sample_runs::run("u2"), NodePhase::Running),
    ] {
        let mut desk = Desk::new(sample_runs::in_progress(), 100, 30);
        desk.type_in("T");
        desk.see(see);
        assert_eq!(desk.type_in("y"), []);
        assert!(desk.screen().contains("Esc closes this"), "{}", desk.screen());
    }
}

#[test]
fn who_leaves_waits_for_what_was_sent_unless_asked_twice() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    assert_eq!(desk.type_in("q"), [Effect::Leave(Exit::Done)]);
    desk.type_in("na");
    desk.press(KeyCode::Enter);
    assert_eq!(desk.type_in("q"), []);
    let mut twice = Desk { state: desk.state.clone() };
    assert_eq!(twice.control('c'), [Effect::Leave(Exit::Interrupted)]);
    assert_eq!(update(&mut desk.state, action_ended()), [Effect::Leave(Exit::Done)]);
}

#[test]
fn the_selected_node_stays_while_the_tree_changes() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("n");
    assert_eq!(desk.title(), GATE);
    desk.see(sample_runs::failed());
    // There is no such gate in that tree: what is in its place is selected.
    assert_ne!(desk.title(), "");
    desk.see(sample_runs::in_progress());
    desk.type_in("/restore");
    desk.press(KeyCode::Enter);
    desk.press(KeyCode::End);
    assert_eq!(desk.title(), "Restore Documents");
    let row = |desk: &Desk| desk.screen().lines().position(|line| line.starts_with('›'));
    desk.press(KeyCode::Esc);
    let before = row(&desk);
    desk.see(sample_runs::waiting());
    assert_eq!((desk.title(), row(&desk)), ("Restore Documents", before));
}

#[test]
fn groups_close_and_open() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 40);
    desk.type_in("n");
    desk.press(KeyCode::Left);
    assert_eq!(desk.title(), "everything-else");
    desk.press(KeyCode::Left);
    assert!(!desk.screen().contains(GATE));
    assert!(desk.screen().contains("▸ ▶ everything-else (Running)  1/6 done, 1 waiting"));
    desk.type_in("n");
    assert_eq!(desk.title(), GATE);
    desk.type_in("-");
    assert_eq!(desk.title(), "everything-else");
    desk.press(KeyCode::Right);
    desk.press(KeyCode::Right);
    assert_eq!(desk.title(), "Evaluate Metadata");
}

#[test]
fn a_filter_shows_what_it_says_and_where_that_is() {
    let mut desk = Desk::new(sample_runs::waiting(), 100, 24);
    desk.type_in("ss");
    let shown: Vec<&str> = desk
        .state
        .rows()
        .iter()
        .map(|row| desk.state.model.nodes[*row].display_name.as_str())
        .collect();
    assert_eq!(shown, ["migration-workflow", "everything-else", GATE]);
    desk.press(KeyCode::Esc);
    desk.type_in("/VERIFY");
    assert_eq!(desk.state.rows().len(), 5);
    desk.type_in(" orders");
    assert_eq!(desk.state.rows().len(), 3);
    desk.press(KeyCode::Esc);
    assert_eq!(desk.state.rows().len(), 19);
}

#[test]
fn lines_of_a_log_that_was_left_are_not_shown() {
    let mut desk = Desk::new(sample_runs::waiting(), 100, 24);
    desk.press(KeyCode::Down);
    let effects = desk.type_in("l");
    let node = Some("migration-workflow.shop-to-new.initialize".to_owned());
    assert_eq!(effects, [Effect::ReadLogs { reading: 1, run: sample_runs::run("u1"), node }]);
    let line = |text: &str| LogNews::Line(LogLine::new(None, text.to_owned()));
    update(&mut desk.state, Message::Log(1, line("first reading")));
    assert!(desk.screen().contains("first reading"));
    assert_eq!(desk.press(KeyCode::Esc), [Effect::LeaveLogs]);
    desk.type_in("l");
    update(&mut desk.state, Message::Log(1, line("first reading")));
    update(&mut desk.state, Message::Log(2, line("second reading")));
    let screen = desk.screen();
    assert!(screen.contains("second reading") && !screen.contains("first reading"), "{screen}");
}
