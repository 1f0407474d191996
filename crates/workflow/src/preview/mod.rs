//! What would a migration change, by the clusters as they are now? Nothing is written.
//!
//! ```text
//!  clients ---> look ---------------> migration --------> view::preview
//!               the edge: GET only    pure: the steps'    text
//!                                     own functions
//! ```

mod clients;
mod look;
mod migration;

use anyhow::Context as _;
use generator::{Output, plan::PlannedMigration};
use session::StateDir;

pub(crate) use self::migration::{
    ClusterView, GroupView, IndexView, MigrationView, OnTarget, TemplateView,
};

/// Looks at the clusters of all migrations. What cannot be looked at is said in the view.
pub(crate) fn run(state: &StateDir, output: &Output) -> anyhow::Result<Vec<MigrationView>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let mut views = Vec::new();
        for planned in &output.plan.migrations {
            views.push(one(state, output, planned).await);
        }
        Ok(views)
    })
}

async fn one(state: &StateDir, output: &Output, planned: &PlannedMigration) -> MigrationView {
    let client = |access, secret: &Option<String>| {
        clients::client(state, output, access, secret.as_deref()).map_err(|error| told(&error))
    };
    let groups = migration::groups(planned);
    let source = async {
        let Some(access) = &planned.source else {
            return Err("the file gives it no endpoint".to_owned());
        };
        let client = client(access, &planned.source_secret)?;
        look::source(&client, &groups).await.map_err(|error| told(&error.into()))
    };
    let target = async {
        let client = client(&planned.target, &planned.target_secret)?;
        look::target(&client, &groups).await.map_err(|error| told(&error.into()))
    };
    let (source, target) = tokio::join!(source, target);
    migration::view(planned, source, target)
}

fn told(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
