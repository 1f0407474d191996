//! The step program `argosy-verify`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(verify_step::run)
}
