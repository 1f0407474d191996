//! The program `argosy-snapshot`: its one argument is the request as JSON.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(snapshot_step::run)
}
