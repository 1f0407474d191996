//! The step program `argosy-verify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(|request, context| verify_step::run(&request, &context))
}
