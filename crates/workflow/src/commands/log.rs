//! `workflow log`: what the steps printed, in one stream with a prefix a step.

use std::collections::{BTreeMap, BTreeSet};

use contract::Exit;
use jiff::Timestamp;
use runs::{Backend, LogQuery, LogSink, LogSource};

use crate::{
    args::{Format, Log, LogFlags},
    output::{self, failure},
    view::log_line,
};

/// Runs a `workflow log` command.
pub(crate) fn run(backend: &dyn Backend, command: Log, format: Format) -> anyhow::Result<Exit> {
    let (labels, flags) = wanted(command)?;
    let run = backend.run(&flags.workflow_name)?;
    let query = LogQuery { labels, node: None, follow: flags.follow };
    let mut printer = Printer { timestamps: flags.timestamps, format, seen: BTreeSet::new() };
    backend.logs(&run, &query, &mut printer)?;
    if printer.seen.is_empty() {
        output::message("no step with these labels has started yet, or none printed anything");
        output::hint(&format!("workflow status {}", run.name));
    }
    Ok(Exit::Done)
}

/// Prints each line behind the name of its step.
struct Printer {
    timestamps: bool,
    format: Format,
    seen: BTreeSet<String>,
}

impl LogSink for Printer {
    fn line(
        &mut self,
        source: &LogSource,
        at: Option<Timestamp>,
        text: &str,
    ) -> anyhow::Result<()> {
        if !self.seen.contains(&source.node) {
            self.seen.insert(source.node.clone());
        }
        output::result(&match self.format {
            Format::Text => log_line::text(source, at.filter(|_| self.timestamps), text),
            Format::Json => log_line::json(source, at, text),
        })
    }

    fn remark(&mut self, text: &str) {
        output::message(text);
    }
}

/// Returns the labels that are asked for.
fn wanted(command: Log) -> anyhow::Result<(BTreeMap<String, String>, LogFlags)> {
    let mut wanted = BTreeMap::new();
    let flags = match command {
        Log::All(flags) => flags,
        Log::Resource { resource, flags } => {
            let (kind, name) = resource.split_once('.').ok_or_else(|| {
                let message = format!(
                    "`{resource}` names no resource; write `group.NAME`, `migration.NAME` or \
                     `task.NAME`"
                );
                failure(Exit::Invalid, message)
            })?;
            wanted.insert(kind.to_owned(), name.to_owned());
            flags
        }
        Log::Filter { source, target, snapshot, task, label, flags } => {
            let named =
                [("source", source), ("target", target), ("snapshot", snapshot), ("task", task)];
            for (key, value) in named {
                wanted.extend(value.map(|value| (key.to_owned(), value)));
            }
            for label in label {
                let (key, value) = label.split_once('=').ok_or_else(|| {
                    failure(Exit::Invalid, format!("`{label}` is no label; write `KEY=VALUE`"))
                })?;
                wanted.insert(key.to_owned(), value.to_owned());
            }
            flags
        }
    };
    Ok((wanted, flags))
}
