//! The cleanup step: are the clusters as they should be after the migration?
//!
//! |                         | complete           | partial (the migration failed)        |
//! |-------------------------|--------------------|---------------------------------------|
//! | settings of the target  | restored           | restored                              |
//! | state on the target     | logged and removed | stays: a second try goes on with it   |
//! | snapshot that we took   | deleted            | stays                                 |
//! | repository registration | taken away         | stays                                 |
//!
//! Whatever is gone already is fine, so the step can be killed and started again. The state on the
//! target goes last, for it says what is to be removed from the source. If the source cannot be
//! reached, the state stays; if the target cannot be reached, the source is cleaned of what this
//! run took. In both cases the step fails and says what is left.

mod leftover;
mod source;
mod target;

use contract::{
    Exit, Failure,
    cleanup::{CleanupAnswer, CleanupMode, CleanupRequest},
    exit::exit_of,
};
use step::Context;

/// Runs the step.
pub async fn run(request: CleanupRequest, context: Context) -> anyhow::Result<CleanupAnswer> {
    cleanup(&request, &context).await
}

async fn cleanup(request: &CleanupRequest, context: &Context) -> anyhow::Result<CleanupAnswer> {
    let mut done = Done::of_this_run(context);
    let found = target::look(request, context, &mut done).await;
    let source = match request.mode {
        CleanupMode::Complete => source::clean(request, context, &mut done).await,
        CleanupMode::Partial => {
            done.actions.push(source::kept(request, context));
            Ok(())
        }
    };
    let target = match (found, &source) {
        (Ok(found), Ok(())) if request.mode == CleanupMode::Complete => {
            target::remove(found, &mut done).await
        }
        (Ok(_), Err(_)) => {
            done.actions.push(
                "the state on the target stays: it says what is still to be removed from the \
                 source"
                    .to_owned(),
            );
            Ok(())
        }
        (found, _) => found.map(drop),
    };
    if target.is_err() || source.is_err() {
        // There will be no answer to say it.
        for action in &done.actions {
            tracing::info!("{action}");
        }
    }
    let error = match (target, source) {
        (Ok(()), Ok(())) => return Ok(CleanupAnswer { actions: done.actions }),
        (Err(error), Ok(())) | (Ok(()), Err(error)) => error,
        (Err(target), Err(source)) => {
            let message = format!("both clusters are not clean: {target:#}\nand: {source:#}");
            Failure::new(exit_of(&target), message).into()
        }
    };
    Err(match request.mode {
        CleanupMode::Complete => error,
        // The migration has failed already, as a rule because of the very cluster that cannot be
        // reached now. Trying for minutes would only keep the user from reading why.
        CleanupMode::Partial => Failure::new(Exit::Failed, format!("{error:#}")).into(),
    })
}

/// What was done so far.
#[derive(Debug)]
struct Done {
    /// A line each.
    actions: Vec<String>,
    /// The runs whose state was removed, this one and earlier ones of the same migration.
    runs: Vec<String>,
    /// The runs whose state was left, for they may be under way.
    left: Vec<String>,
}

impl Done {
    fn of_this_run(context: &Context) -> Self {
        Self { actions: Vec::new(), runs: vec![context.run.as_str().to_owned()], left: Vec::new() }
    }

    fn also(&mut self, run: &str) {
        if !self.runs.iter().any(|known| known == run) {
            self.runs.push(run.to_owned());
        }
    }
}
