//! The step program `argosy-register`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(|request, context| register_step::run(&request, &context))
}
