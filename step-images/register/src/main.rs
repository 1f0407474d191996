//! The step program `argosy-register`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(register_step::run)
}
