//! The program `argosy-cleanup`: its one argument is the request as JSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(cleanup_step::run)
}
