//! `cargo xtask tidy`: prints every finding about the sources.

use anyhow::{Result, bail};

use crate::machine::Machine;
use crate::terminal::say;
use crate::tidy;

/// Runs the command.
pub fn run(machine: &Machine) -> Result<()> {
    let findings = tidy::findings(&machine.workspace)?;
    for finding in &findings {
        say(finding.to_string());
    }
    if !findings.is_empty() {
        bail!("{} findings; each line says what to do", findings.len());
    }
    say("the sources are tidy");
    Ok(())
}
