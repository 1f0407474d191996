//! What a person sees, as text.

use argo::NodePhase;
use insta::assert_snapshot;
use ratatui::crossterm::event::KeyCode;

use super::{Desk, sample_runs};
use crate::manage::{
    logbook::LogLine,
    state::Notice,
    update::{LogNews, Message, update},
};

#[test]
fn a_run_in_progress() {
    let mut desk = Desk::new(sample_runs::in_progress(), 100, 28);
    desk.type_in("/restore");
    desk.press(KeyCode::Enter);
    desk.press(KeyCode::End);
    desk.press(KeyCode::Esc);
    assert_eq!(desk.title(), "Restore Documents");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_run_in_progress_on_eighty_columns() {
    let mut desk = Desk::new(sample_runs::in_progress(), 80, 24);
    desk.type_in("/documents (running");
    desk.press(KeyCode::Enter);
    desk.press(KeyCode::End);
    assert_snapshot!(desk.screen());
}

#[test]
fn a_gate_that_waits() {
    let mut desk = Desk::new(sample_runs::waiting(), 100, 24);
    desk.type_in("n");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_gate_is_approved_with_a_reason() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("nalooked at the report");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_gate_that_somebody_else_answered_meanwhile() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 24);
    desk.type_in("nrnot yet");
    desk.see(sample_runs::waiting_of(&sample_runs::run("u1"), NodePhase::Succeeded));
    assert_snapshot!(desk.screen());
}

#[test]
fn a_failure_and_a_dead_engine() {
    let mut desk = Desk::new(sample_runs::failed(), 100, 24);
    desk.type_in("n");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_stop_asks_first() {
    let mut desk = Desk::new(sample_runs::in_progress(), 80, 20);
    desk.type_in("X");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_termination_asks_first_and_says_what_is_lost() {
    let mut desk = Desk::new(sample_runs::in_progress(), 80, 20);
    desk.type_in("T");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_run_that_failed_asks_before_it_is_resumed() {
    let mut desk = Desk::new(sample_runs::ended(NodePhase::Failed), 80, 20);
    let offered = desk.screen();
    desk.type_in("R");
    assert_snapshot!(format!("{offered}---\n{}", desk.screen()));
}

#[test]
fn a_log_that_is_followed() {
    let mut desk = Desk::new(sample_runs::in_progress(), 80, 16);
    desk.type_in("l");
    for number in 1..40 {
        let text = match number {
            38 => "[everything-else/workers/1] ERROR bulk request refused, and a long sentence \
                   about it that does not fit into one row status=429"
                .to_owned(),
            _ => format!("[everything-else/workers/0] INFO  shard {number} done"),
        };
        let line = LogLine::new(Some(sample_runs::at("04:47:02.5")), text);
        update(&mut desk.state, Message::Log(1, LogNews::Line(line)));
    }
    assert_snapshot!(desk.screen());
}

#[test]
fn help_lists_every_key() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 32);
    desk.type_in("?");
    assert_snapshot!(desk.screen());
}

#[test]
fn a_small_terminal() {
    let mut desk = Desk::new(sample_runs::waiting(), 40, 10);
    let tree = desk.type_in("n").is_empty().then(|| desk.screen()).expect("no effect");
    desk.press(KeyCode::Enter);
    let detail = desk.screen();
    desk.type_in("afine");
    let asked = desk.screen();
    desk.press(KeyCode::Esc);
    desk.type_in("?");
    let help = desk.screen();
    assert_snapshot!(format!("{tree}---\n{detail}---\n{asked}---\n{help}"));
}

#[test]
fn no_room_at_all() {
    assert_snapshot!(Desk::new(sample_runs::waiting(), 12, 3).screen());
}

#[test]
fn an_engine_that_cannot_be_asked() {
    let mut desk = Desk::new(sample_runs::waiting(), 80, 12);
    let why = "the API server at https://10.0.0.1 cannot be reached: connection refused";
    update(&mut desk.state, Message::PollFailed(why.to_owned()));
    update(&mut desk.state, Message::Tick(sample_runs::at("04:48:12")));
    let refused = Notice { is_bad: true, text: "the gate was not answered".to_owned() };
    update(&mut desk.state, Message::ActionEnded(refused));
    assert_snapshot!(desk.screen());
}
