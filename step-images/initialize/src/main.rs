//! The program `argosy-initialize`: its one argument is the request as JSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(initialize_step::run)
}
