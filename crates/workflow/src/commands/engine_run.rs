//! `workflow engine-run`: the process that runs one run. `submit` and `resume` start it.

use std::{collections::BTreeMap, env, io};

use anyhow::Context as _;
use cli_support::{StateDir, output};
use contract::{Exit, variables};
use engine::{EngineOutcome, Options, Programs};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::EngineRun;

/// Variables that steps inherit beside those of their manifest.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    variables::LOG,
];

/// Runs the engine until the run has ended or a signal comes.
pub(crate) async fn run(state: &StateDir, flags: &EngineRun) -> anyhow::Result<Exit> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let store = runs::open_store(state)?;
    let program = env::current_exe().context("finding this program")?;
    let folder = program.parent().context("finding the folder of this program")?;
    let options = Options { child_env: inherited(), ..Options::new(Programs::in_folder(folder)) };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // The terminal that started this process may close; the migration continues.
    let _hangup = signal(SignalKind::hangup())?;
    let interrupted = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let outcome = engine::run(&store, &flags.uid, options, interrupted).await?;
    Ok(match outcome {
        EngineOutcome::Finished(status) if status.phase == argo::NodePhase::Succeeded => Exit::Done,
        EngineOutcome::Finished(_) => Exit::Failed,
        EngineOutcome::Interrupted(_) => {
            output::message("interrupted; `workflow resume` continues where it stopped");
            Exit::Interrupted
        }
    })
}

fn inherited() -> BTreeMap<String, String> {
    env::vars()
        .filter(|(name, _)| INHERITED.contains(&name.as_str()) || variables::is_storage(name))
        .collect()
}
