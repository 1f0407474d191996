//! The step program `argosy-metadata`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step_api::process::main(metadata_step::run)
}
