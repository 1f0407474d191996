//! `workflow manage`: a run on the screen, with its gates, its logs, and the keys that act on it.
//!
//! ```text
//!              +--------------- pure ---------------+
//!  tasks ----> | message --update--> state --draw--> | --> terminal
//!     ^        |                 \                   |
//!     |        +------------------\------------------+
//!     +----------- effects -------+
//! ```
//!
//! [`RunModel`](runs::RunModel) is what is known of the run, the same as `workflow status` prints;
//! [`state`] is what the user made of it; [`update`] and [`draw`] are pure functions. Only [`run`],
//! [`tasks`] and [`terminal`] have effects, and none of them makes the keys wait.

mod draw;
mod field;
mod filter;
mod keys;
mod layout;
mod logbook;
mod plain;
mod run;
mod state;
mod tasks;
mod terminal;
#[cfg(test)]
mod tests;
mod update;

use std::{sync::Arc, time::Duration};

use argo::NodePhase;
use cli_support::output::{self, failure};
use contract::Exit;

use runs::{Backend, DEFAULT_WORKFLOW};

use crate::args::{Format, Manage};

/// Runs `workflow manage`.
pub(crate) async fn run(
    backend: &Arc<dyn Backend>,
    flags: &Manage,
    format: Format,
) -> anyhow::Result<Exit> {
    let named = flags.name.as_ref().or(flags.workflow_name.as_ref());
    let name = named.map_or(DEFAULT_WORKFLOW, String::as_str);
    if format == Format::Json {
        let message = format!(
            "`workflow manage` draws on a terminal and prints nothing; use `workflow status {name} \
             --output json`"
        );
        return Err(failure(Exit::Invalid, message));
    }
    let interval = Duration::try_from_secs_f64(flags.interval).ok();
    let Some(interval) = interval.filter(|interval| !interval.is_zero()) else {
        let message = format!(
            "`--interval {}` is not a time; give seconds above zero, as in 0.5",
            flags.interval
        );
        return Err(failure(Exit::Invalid, message));
    };
    terminal::check(name, flags.term.as_deref())?;
    let first = backend.model(&backend.get(name).await?).await?;
    let user = match &flags.by {
        Some(by) => by.clone(),
        None => backend.process_user().await,
    };
    let (exit, last) = run::run(backend, first, &user, interval).await?;
    if !last.has_ended() {
        output::message(&format!("workflow `{name}` continues without this terminal"));
    } else if last.phase == NodePhase::Succeeded {
        output::message(&format!("workflow `{name}` succeeded"));
    } else {
        output::message(&format!("workflow `{name}` did not succeed"));
    }
    output::hint(&last.next_command);
    Ok(exit)
}
