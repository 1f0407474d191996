//! The program `argosy-cleanup`: its one argument is the request as JSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(cleanup_step::run)
}
