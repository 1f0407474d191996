//! A lane's output: kept in a file, shown when the lane fails, and ended when it hangs.

use std::{
    borrow::BorrowMut,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use test_machine::{Machine, shell, terminal::say};

/// How much of a failed lane's output is shown; all of it is in the file.
const SHOWN_LINES: usize = 400;

/// Where a lane's commands write.
pub(super) struct Log {
    file: PathBuf,
}

impl Log {
    /// An empty log.
    pub(super) fn new(machine: &Machine, lane: &str) -> Result<Self> {
        let file = machine.area.folder("logs")?.join(format!("{lane}.log"));
        fs::write(&file, "")?;
        Ok(Self { file })
    }

    /// Runs a command; its output is shown if it fails, or if it takes longer than the limit.
    pub(super) fn run(&self, mut command: impl BorrowMut<Command>, limit: Duration) -> Result<()> {
        let command = command.borrow_mut();
        let shown = shell::shown(command);
        say(format!("$ {shown}"));
        let output = fs::OpenOptions::new().append(true).open(&self.file)?.into_parts().0;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if started.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                self.show_end()?;
                bail!("`{shown}` took longer than {} minutes", limit.as_secs() / 60);
            }
            thread::sleep(Duration::from_millis(100));
        };
        if !status.success() {
            self.show_end()?;
            bail!("`{shown}` failed ({status})");
        }
        Ok(())
    }

    fn show_end(&self) -> Result<()> {
        let bytes = fs::read(&self.file)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        say(lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default().join("\n"));
        say(format!("all of it: {}", self.file.display()));
        Ok(())
    }
}
