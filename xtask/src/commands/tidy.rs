//! `cargo xtask tidy`: prints every finding about the sources.

use anyhow::{Result, bail};
use test_machine::{Machine, terminal::say};

/// Runs the command.
pub(crate) fn run(machine: &Machine) -> Result<()> {
    let findings = tidy::findings(&machine.workspace)?;
    for finding in &findings {
        say(finding.to_string());
    }
    if !findings.is_empty() {
        bail!("{} findings; each one says what to do", findings.len());
    }
    say("the sources are tidy");
    Ok(())
}
