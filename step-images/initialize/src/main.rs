//! The program `argosy-initialize`: its one argument is the request as JSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(initialize_step::run)
}
