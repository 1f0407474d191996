//! The step program `argosy-metadata`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(metadata_step::run)
}
