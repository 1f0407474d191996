//! One case on the embedded engine.

use std::{collections::BTreeMap, future::pending, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use engine::{
    Clock, EngineOutcome, Existing, GateState, Options, Programs, Store, Submission, Verdict,
};
use futures::future::join_all;
use serde_json::Value;

use crate::parity::corpus::Case;

/// Who decides gates, on both sides.
pub(super) const WHO: &str = "tests";
const WITHIN: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(50);

/// Runs all cases concurrently; returns the status of each, in their order.
pub fn run(cases: &[Case], folder: &Path) -> Result<Vec<Value>> {
    let store = Store::open(folder, Clock::new(jiff::Timestamp::now))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = runtime.block_on(join_all(cases.iter().map(|case| run_one(&store, case))));
    cases
        .iter()
        .zip(all)
        .map(|(case, status)| status.with_context(|| format!("{} on the engine", case.name)))
        .collect()
}

async fn run_one(store: &Store, case: &Case) -> Result<Value> {
    let uid = case.name.replace('.', "-");
    store.submit(Submission {
        name: case.name.clone(),
        uid: uid.clone(),
        manifests: case.manifests.clone(),
        created_at: store.clock().now(),
        existing: Existing::Refuse,
    })?;
    let programs = Programs::in_folder("/nowhere").with_own_command("busybox");
    let child_env = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
    let grace = Duration::from_secs(2);
    let options = Options { child_env, grace, ..Options::new(programs) };
    let run = engine::run(store, &uid, options, pending());
    let ended = tokio::select! {
        ended = tokio::time::timeout(WITHIN, run) => ended,
        answered = answer(store, &uid, case) => return Err(answered),
    };
    match ended {
        Ok(Ok(EngineOutcome::Finished(status))) => Ok(serde_json::to_value(status)?),
        Ok(Ok(EngineOutcome::Interrupted(_))) => bail!("it was interrupted"),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let status = serde_json::to_value(store.status(&uid)?.status)?;
            bail!("not within {WITHIN:?}: {status:#}")
        }
    }
}

/// Answers gates until something goes wrong.
async fn answer(store: &Store, uid: &str, case: &Case) -> anyhow::Error {
    loop {
        if let Err(error) = answer_once(store, uid, case) {
            return error;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn answer_once(store: &Store, uid: &str, case: &Case) -> Result<()> {
    let gates = store.gates(uid)?;
    for gate in gates.iter().filter(|gate| gate.state == GateState::Waiting) {
        if let Some(shutdown) = case.steering.shutdown {
            store.request_stop(uid, shutdown)?;
            continue;
        }
        let is_rejected = case.steering.rejected.contains(&gate.name);
        let verdict = if is_rejected { Verdict::Rejected } else { Verdict::Approved };
        store.decide(uid, &gate.name, verdict, WHO, None)?;
    }
    Ok(())
}
