//! The processes of the node: started with a log each, watched while we wait for something, and
//! all of them needed: when one ends, the node ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use fs_err as fs;
use rustix::process::{WaitOptions, wait};

const WITHIN: Duration = Duration::from_mins(3);

/// The parts that were started.
pub(super) struct Parts {
    logs: PathBuf,
    started: Vec<(String, Child)>,
}

impl Parts {
    /// None yet; their output goes to files in a folder.
    pub(super) fn new(logs: &Path) -> Result<Self> {
        fs::create_dir_all(logs)?;
        Ok(Self { logs: logs.to_path_buf(), started: Vec::new() })
    }

    /// Starts one.
    pub(super) fn start(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let log = fs::File::create(self.log(name))?.into_parts().0;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        self.started.push((name.to_owned(), child));
        Ok(())
    }

    /// Waits until something holds; fails when a part ends before it does.
    pub(super) fn wait_until(&mut self, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !holds() {
            let logs = self.logs.clone();
            for (name, child) in &mut self.started {
                if let Some(status) = child.try_wait()? {
                    bail!("`{name}` has ended ({status}) before {what}:\n{}", end(&logs, name));
                }
            }
            if started.elapsed() > WITHIN {
                bail!("gave up on this after {} s: {what}", WITHIN.as_secs());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Waits until a part has printed a text.
    pub(super) fn wait_until_it_says(&mut self, name: &str, text: &str) -> Result<()> {
        let log = self.log(name);
        self.wait_until(&format!("`{name}` says `{text}`"), || {
            fs::read(&log).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
        })
    }

    /// Collects every process that ends, as process 1 has to, until it is one of the parts.
    pub(super) fn until_one_ends(self) -> Error {
        loop {
            let ended = match wait(WaitOptions::empty()) {
                Ok(Some((pid, _))) => pid.as_raw_nonzero().get(),
                Ok(None) => continue,
                Err(error) => return anyhow!("no part is left: {error}"),
            };
            let part =
                self.started.iter().find(|(_, child)| i32::try_from(child.id()) == Ok(ended));
            if let Some((name, _)) = part {
                return anyhow!("`{name}` has ended:\n{}", end(&self.logs, name));
            }
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

/// The last lines of a part's log.
fn end(logs: &Path, name: &str) -> String {
    let bytes = fs::read(logs.join(format!("{name}.log"))).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
