//! The cleanup step: are the clusters as they should be after the migration?
//!
//! |                         | complete           | partial (the migration failed)        |
//! |-------------------------|--------------------|---------------------------------------|
//! | settings of the target  | restored           | restored                              |
//! | state on the target     | logged and removed | stays: a later run continues with it  |
//! | snapshot that we took   | deleted            | stays                                 |
//! | repository registration | removed            | stays                                 |
//!
//! Whatever is gone already is fine, so the step can be killed and started again. The state on the
//! target goes last, because it says what is to be removed from the source. If the source cannot be
//! reached, the state stays; if the target cannot be reached, the source is cleaned of what this
//! run took. In both cases the step fails and says what is left.

mod failed_runs;
mod report;
mod source;
mod target;

use contract::{
    Exit, Failure,
    cleanup::{CleanupAnswer, CleanupMode, CleanupRequest},
};
use step::Context;

use crate::report::CleanupReport;

/// Runs the step.
pub async fn run(request: CleanupRequest, context: Context) -> anyhow::Result<CleanupAnswer> {
    Ok(cleanup(&request, &context).await?)
}

/// Every fault is turned into a [`Failure`] where it leaves a library, so that it keeps its code.
async fn cleanup(request: &CleanupRequest, context: &Context) -> Result<CleanupAnswer, Failure> {
    let mut report = CleanupReport::of_this_run(context);
    let found = target::read(request, context, &mut report).await;
    let source = match request.mode {
        CleanupMode::Complete => source::clean(request, context, &mut report).await,
        CleanupMode::Partial => {
            report.actions.push(source::kept(request, context));
            Ok(())
        }
    };
    let target = match (found, &source) {
        (Ok(found), Ok(())) if request.mode == CleanupMode::Complete => {
            target::remove(found, &mut report).await
        }
        (Ok(_), Err(_)) => {
            report.actions.push(
                "the state on the target stays: it says what is still to be removed from the \
                 source"
                    .to_owned(),
            );
            Ok(())
        }
        (found, _) => found.map(drop),
    };
    if target.is_err() || source.is_err() {
        // There will be no answer that lists them.
        for action in &report.actions {
            tracing::info!("{action}");
        }
    }
    let failure = match (target, source) {
        (Ok(()), Ok(())) => return Ok(CleanupAnswer { actions: report.actions }),
        (Err(failure), Ok(())) | (Ok(()), Err(failure)) => failure,
        (Err(target), Err(source)) => {
            let message = format!("neither cluster could be cleaned up: {target}\nand: {source}");
            Failure::new(target.exit, message)
        }
    };
    Err(match request.mode {
        CleanupMode::Complete => failure,
        // The migration has failed already, as a rule because of the very cluster that cannot be
        // reached now. Trying for minutes would only keep the user from reading why.
        CleanupMode::Partial => Failure::new(Exit::Failed, failure.message),
    })
}
