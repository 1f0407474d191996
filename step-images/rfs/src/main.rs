//! The step program `argosy-rfs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(rfs_step::run)
}
