//! `workflow manage`: a run on the screen, with its gates, its logs, and the keys to steer it.
//!
//! ```text
//!              +--------------- pure ---------------+
//!  workers --> | message --update--> state --draw--> | --> terminal
//!     ^        |                 \                   |
//!     |        +------------------\------------------+
//!     +----------- effects -------+
//! ```
//!
//! [`Snapshot`](crate::view::snapshot::Snapshot) is what is known of the run, made of the same look
//! that `workflow status` prints; [`state`] is what the person made of it; [`update`] and [`draw`]
//! are functions. Only [`run`], [`workers`] and [`terminal`] touch the world, and none of them makes
//! the keys wait.

mod draw;
mod field;
mod filter;
mod keys;
mod layout;
mod logbook;
mod plain;
mod run;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod update;
mod workers;

use std::time::Duration;

use argo::NodePhase;
use contract::Exit;

use runs::{Backend, DEFAULT_WORKFLOW};

use crate::{
    args::{Format, Manage},
    output::{self, failure},
};

/// Runs `workflow manage`.
pub(crate) fn run(backend: &dyn Backend, flags: &Manage, format: Format) -> anyhow::Result<Exit> {
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let name = named.map_or(DEFAULT_WORKFLOW, String::as_str);
    if format == Format::Json {
        let message = format!(
            "`workflow manage` draws on a terminal and prints nothing; use `workflow status {name} \
             --output json`"
        );
        return Err(failure(Exit::Invalid, message));
    }
    let every = Duration::try_from_secs_f64(flags.interval).ok().filter(|every| !every.is_zero());
    let Some(every) = every else {
        let message =
            format!("`--interval {}` is no time to wait; give seconds, as in 0.5", flags.interval);
        return Err(failure(Exit::Invalid, message));
    };
    terminal::check(name, flags.term.as_deref())?;
    let first = workers::look(backend, name)?;
    let user = flags.by.clone().unwrap_or_else(|| backend.user());
    let (exit, last) = run::run(backend, first, &user, every)?;
    if !last.run.is_complete {
        output::message(&format!("workflow `{name}` goes on without this terminal"));
    } else if last.phase == NodePhase::Succeeded {
        output::message(&format!("workflow `{name}` succeeded"));
    } else {
        output::message(&format!("workflow `{name}` did not succeed"));
    }
    if let Some(next) = last.nodes.first().and_then(|root| root.commands.first()) {
        output::hint(next);
    }
    Ok(exit)
}
