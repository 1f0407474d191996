//! `workflow manage` as a person has it: the built program on a real terminal, and a real run of
//! the embedded engine behind it.

mod person;
mod place;

use std::process::Stdio;

use person::Person;
use place::Place;
use serde_json::Value;

#[test]
fn a_gate_is_found_approved_with_a_reason_and_the_end_is_seen() {
    let place = Place::new();
    let _engine = place.start();
    let mut person = Person::sit_down(place.manage().env("TERM", "xterm-256color"), 100, 30);
    person.see("Waiting for approval");
    person.press("n");
    person.see("workflow approve step look-at-it");

    person.press("a");
    person.see("Reason:");
    person.press("looked at the report");
    person.see("looked at the report");
    person.press("\r");
    person.see("✓ approved look-at-it");
    person.see("main  Succeeded");
    person.see("approved by ann");

    // The log of the first step, below the workflow itself.
    person.press("gj");
    person.see("documents: 12,000");
    person.press("l");
    person.see("three indices are there");
    person.see("this is all, the run has ended");
    person.press("\u{1b}");
    person.see("? help  n next");

    assert!(person.has_colours());
    person.press("q");
    assert_eq!(person.wait_for_end(), Some(0));
    person.see("workflow `main` succeeded");
    person.has_the_terminal_back();

    let status = place.status();
    assert_eq!(status["phase"], "Succeeded");
    let gate = &status["gates"][0];
    let kept = ["name", "state", "by", "reason"].map(|key| gate[key].as_str().unwrap_or_default());
    assert_eq!(kept, ["look-at-it", "approved", "ann", "looked at the report"]);
}

#[test]
fn a_run_is_stopped_and_what_comes_too_late_is_said() {
    let place = Place::new();
    let _engine = place.start();
    let mut person = Person::sit_down(place.manage().env("NO_COLOR", "1"), 80, 24);
    person.see("Waiting for approval");
    person.press("na");
    person.see("Reason:");
    // Another person is faster.
    place.workflow(&["reject", "step", "look-at-it", "--workflow-name", "main", "--by", "bob"]);
    person.see("It is not waiting any more: rejected by bob");
    person.press("\r\u{1b}");
    person.see("nothing was decided");
    person.see("main  Failed");
    assert!(!person.has_colours());
    person.press("X");
    person.see("`main` has ended already");
    person.press("q");
    assert_eq!(person.wait_for_end(), Some(0));

    let place = Place::new();
    let _engine = place.start();
    let mut person = Person::sit_down(&mut place.manage(), 80, 24);
    person.see("Waiting for approval");
    person.press("X");
    person.see("Stop `main`?");
    person.press("y");
    person.see("main  Failed");
    person.press("q");
    assert_eq!(person.wait_for_end(), Some(0));
}

#[test]
fn a_run_is_terminated_and_resumed() {
    let place = Place::new();
    let _engine = place.start();
    let mut person = Person::sit_down(&mut place.manage(), 100, 30);
    person.see("Waiting for approval");
    person.press("T");
    person.see("Terminate `main`?");
    person.press("y");
    person.see("main  Failed");
    person.see("R resume");
    person.press("R");
    person.see("Resume `main`?");
    person.press("y");
    person.see("this is tried again: look-at-it");
    person.see("main  Running");
    person.see("1 gate waits for you");
    person.press("na");
    person.see("Reason:");
    person.press("\r");
    person.see("main  Succeeded");
    person.press("R");
    person.see("only a failed workflow can be resumed");
    person.press("q");
    assert_eq!(person.wait_for_end(), Some(0));
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let place = Place::new();
    let _engine = place.start();
    let leave: [fn(&mut Person); 2] = [|person| person.press("\u{3}"), Person::terminate];
    for leave in leave {
        let mut person = Person::sit_down(&mut place.manage(), 100, 30);
        person.see("Waiting for approval");
        leave(&mut person);
        assert_eq!(person.wait_for_end(), Some(130));
        person.see("workflow `main` continues without this terminal");
        person.has_the_terminal_back();
    }
    assert_eq!(place.status()["phase"], "Running");
}

#[test]
fn the_screen_has_the_size_of_the_terminal() {
    let place = Place::new();
    let _engine = place.start();
    let mut person = Person::sit_down(&mut place.manage(), 120, 35);
    person.see("Waiting for approval");
    for (width, height) in [(80, 24), (40, 10), (10, 3), (140, 50)] {
        person.resize(width, height);
        // Draws everything again, and a key at this moment hides the event of the new size.
        person.press("\u{c}");
        person.see(if width < 20 { "terminal" } else { "main  Running" });
    }
    person.see("look-at-it (Waiting for approval)");
    person.press("q");
    assert_eq!(person.wait_for_end(), Some(0));
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let output =
            place.command(arguments).stdin(Stdio::null()).output().expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), output.stdout)
    };
    let (code, said, _) = run(&["manage", "main"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("this is no terminal; use `workflow status main`"), "{said}");
    let (code, _, printed) = run(&["manage", "main", "--output", "json"]);
    assert_eq!(code, Some(2));
    let error: Value = serde_json::from_slice(&printed).expect("JSON");
    assert_eq!(error["error"]["kind"], "invalid");

    let mut person = Person::sit_down(&mut place.command(&["manage", "other"]), 80, 24);
    assert_eq!(person.wait_for_end(), Some(3));
    person.see("there is no run `other`");
}
