//! The processes of the node: started with a log each, watched while we wait for something, and
//! all of them needed: when one ends, the node ends. One that was taken away on purpose is started
//! again instead, once it is wanted back:
//!
//! ```text
//! outside   makes `away/kubelet`   kills it                 removes `away/kubelet`
//! here                                      collects it                           starts it
//! ```

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use fs_err as fs;
use rustix::process::{WaitOptions, wait};

const WITHIN: Duration = Duration::from_mins(3);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The parts that were started.
pub(super) struct Parts {
    logs: PathBuf,
    started: Vec<Part>,
}

struct Part {
    name: String,
    command: Command,
    /// Nothing while it is away.
    child: Option<Child>,
}

impl Parts {
    /// None yet; their output goes to files in a folder.
    pub(super) fn new(logs: &Path) -> Result<Self> {
        fs::create_dir_all(logs)?;
        Ok(Self { logs: logs.to_path_buf(), started: Vec::new() })
    }

    /// Starts one.
    pub(super) fn start(&mut self, name: &str, mut command: Command) -> Result<()> {
        let log = fs::File::create(self.log(name))?.into_parts().0;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut part = Part { name: name.to_owned(), command, child: None };
        part.start()?;
        self.started.push(part);
        Ok(())
    }

    /// Waits until something holds; fails when a part ends before it does.
    pub(super) fn wait_until(&mut self, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !holds() {
            for Part { name, child, .. } in &mut self.started {
                let ended = child.as_mut().map(Child::try_wait).transpose()?.flatten();
                if let Some(status) = ended {
                    let said = end(&self.logs, name);
                    bail!("`{name}` has ended ({status}) before {what}:\n{said}");
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

    /// Collects every process that ends, as process 1 has to, until it is one of the parts. Those
    /// with a file of their name in the folder `away` are started again when it is removed.
    pub(super) fn until_one_ends(mut self, away: &Path) -> Error {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, _))) => {
                    let pid = pid.as_raw_nonzero().get();
                    let Some(part) = self.started.iter_mut().find(|part| part.is(pid)) else {
                        continue;
                    };
                    if !away.join(&part.name).exists() {
                        return anyhow!(
                            "`{}` has ended:\n{}",
                            part.name,
                            end(&self.logs, &part.name)
                        );
                    }
                    part.child = None;
                    continue;
                }
                Ok(None) => {}
                Err(error) => return anyhow!("no part is left: {error}"),
            }
            for part in self.started.iter_mut().filter(|part| part.child.is_none()) {
                if !away.join(&part.name).exists()
                    && let Err(error) = part.start()
                {
                    return error;
                }
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

impl Part {
    fn start(&mut self) -> Result<()> {
        let name = &self.name;
        let child = self.command.spawn().with_context(|| format!("cannot start `{name}`"))?;
        self.child = Some(child);
        Ok(())
    }

    fn is(&self, pid: i32) -> bool {
        self.child.as_ref().is_some_and(|child| i32::try_from(child.id()) == Ok(pid))
    }
}

/// The last lines of a part's log.
fn end(logs: &Path, name: &str) -> String {
    let bytes = fs::read(logs.join(format!("{name}.log"))).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
