//! Do the step templates try again exactly the exit codes that [`Exit`] means to be tried again?
//!
//! The templates spell it as an expression, once each. It is evaluated here, as the engine does,
//! for every code that a process can end with.

use contract::Exit;
use serde_json::Value as Json;

use crate::expression::{self, Dialect, Value};

/// What Argo's executor reports for a pod without an exit code.
const NO_CODE: i32 = -1;

const EXITS: [Exit; 9] = [
    Exit::Done,
    Exit::Failed,
    Exit::Invalid,
    Exit::NotFound,
    Exit::Conflict,
    Exit::NotPermitted,
    Exit::TimedOut,
    Exit::Temporary,
    Exit::Interrupted,
];

/// Returns whether another attempt may succeed although no person changed anything. A code that is no
/// [`Exit`] means a signal or a lost pod, which may not happen to another attempt.
fn can_help(code: i32) -> bool {
    let exit = EXITS.into_iter().find(|exit| i32::from(exit.code()) == code);
    exit.is_none_or(|exit| match exit {
        Exit::Done
        | Exit::Failed
        | Exit::Invalid
        | Exit::NotFound
        | Exit::Conflict
        | Exit::NotPermitted
        | Exit::Interrupted => false,
        Exit::TimedOut | Exit::Temporary => true,
    })
}

/// Returns the retry expressions of all step templates, with the name of the file.
fn expressions() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflow-templates");
    let mut found = Vec::new();
    for file in fs_err::read_dir(folder).expect("the templates") {
        let path = file.expect("a file").path();
        let text = fs_err::read_to_string(&path).expect("a template");
        let object = argo::yaml::read_value(&text).expect("YAML");
        for template in object.pointer("/spec/templates").and_then(Json::as_array).expect("a list")
        {
            if let Some(retry) = template.get("retryStrategy") {
                assert_eq!(retry.get("retryPolicy").and_then(Json::as_str), Some("Always"));
                let expression = retry.get("expression").and_then(Json::as_str);
                let expression = expression.expect("an expression").to_owned();
                found.push((path.display().to_string(), expression));
            }
        }
    }
    found
}

#[test]
fn the_templates_try_again_what_the_exit_codes_mean_to_be_tried_again() {
    let expressions = expressions();
    assert_eq!(expressions.len(), 7, "one a step");
    for (file, text) in expressions {
        let parsed = expression::parse(&text, Dialect::Retry).expect("an expression");
        for code in NO_CODE..=255 {
            let exit_code =
                |name: &str| (name == "lastRetry.exitCode").then(|| Value::Text(code.to_string()));
            let is_tried_again = parsed.is_true(&exit_code).expect("a truth value");
            assert_eq!(is_tried_again, can_help(code), "{file}: exit code {code}");
        }
    }
}
