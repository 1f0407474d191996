//! The step program `argosy-rfs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    step::main(rfs_step::run)
}
