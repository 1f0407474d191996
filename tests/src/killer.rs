//! Ends programs of a running migration at random, as a machine that loses its power would: with
//! no chance to tidy up.

use std::{path::Path, process::Command};

use anyhow::Result;
use fs_err as fs;

/// A program of the migration that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// The name of the program, such as `argosy-rfs`.
    pub name: String,
}

impl Running {
    /// Whether this is the engine, which has to be started again by hand.
    pub fn is_engine(&self) -> bool {
        self.name == "workflow"
    }

    /// Ends it immediately; false if it had ended by itself in the meantime.
    pub fn kill(&self) -> Result<bool> {
        let killed = Command::new("kill").args(["-9", &self.pid.to_string()]).output()?;
        Ok(killed.status.success())
    }
}

/// The engines and steps among the programs of a folder that run now.
pub fn running(programs: &Path) -> Result<Vec<Running>> {
    let mut running = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        let Some(pid) = folder.file_name().and_then(|name| name.to_str()?.parse().ok()) else {
            continue;
        };
        // A process may end while it is inspected.
        let Ok(program) = fs::read_link(folder.join("exe")) else { continue };
        let Ok(arguments) = fs::read(folder.join("cmdline")) else { continue };
        let Some(name) = name_below(programs, &program) else { continue };
        let is_engine = name == "workflow"
            && arguments.split(|byte| *byte == 0).any(|argument| argument == b"engine-run");
        if is_engine || name.starts_with("argosy-") {
            running.push(Running { pid, name });
        }
    }
    running.sort_by(|one, other| (&one.name, one.pid).cmp(&(&other.name, other.pid)));
    Ok(running)
}

fn name_below(folder: &Path, program: &Path) -> Option<String> {
    let is_inside = program.parent() == Some(folder);
    let name = program.file_name()?.to_str()?;
    is_inside.then(|| name.to_owned())
}
