//! `workflow log`: what the steps printed, in one stream with a prefix for each step.

use std::collections::{BTreeMap, BTreeSet};

use cli_support::output::{self, failure};
use contract::Exit;
use runs::{Backend, LogEvent, LogQuery};
use tokio::sync::mpsc;

use crate::{
    args::{Format, Log, LogFlags},
    view::log_line,
};

/// Lines between the reader and the printer.
const QUEUE: usize = 256;

/// Runs a `workflow log` command.
pub(crate) async fn run(
    backend: &dyn Backend,
    command: Log,
    format: Format,
) -> anyhow::Result<Exit> {
    let (labels, flags) = wanted(command)?;
    let run = backend.get(&flags.workflow_name).await?;
    let query = LogQuery { labels, node: None, follow: flags.follow };
    let mut printer = Printer { timestamps: flags.timestamps, format, steps: BTreeSet::new() };
    let (events, mut received) = mpsc::channel(QUEUE);
    let print = async {
        while let Some(event) = received.recv().await {
            printer.print(event)?;
        }
        anyhow::Ok(())
    };
    let read = async { anyhow::Ok(backend.logs(&run, &query, events).await?) };
    tokio::try_join!(read, print)?;
    if printer.steps.is_empty() {
        output::message("no step with these labels has started yet, or none printed anything");
        output::hint(&format!("workflow status {}", run.name));
    }
    Ok(Exit::Done)
}

/// Prints each line after the name of its step.
struct Printer {
    timestamps: bool,
    format: Format,
    steps: BTreeSet<String>,
}

impl Printer {
    fn print(&mut self, event: LogEvent) -> anyhow::Result<()> {
        let (source, at, text) = match event {
            LogEvent::Line { source, at, text } => (source, at, text),
            LogEvent::Remark(text) => {
                output::message(&text);
                return Ok(());
            }
        };
        if !self.steps.contains(&source.node) {
            self.steps.insert(source.node.clone());
        }
        output::result(&match self.format {
            Format::Text => log_line::text(&source, at.filter(|_| self.timestamps), &text),
            Format::Json => log_line::json(&source, at, &text),
        })
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
                    "`{resource}` is not a resource; write `group.NAME`, `migration.NAME` or \
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
                    failure(Exit::Invalid, format!("`{label}` is not a label; write `KEY=VALUE`"))
                })?;
                wanted.insert(key.to_owned(), value.to_owned());
            }
            flags
        }
    };
    Ok((wanted, flags))
}
