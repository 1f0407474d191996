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
use cluster::Client;
use generator::{Output, plan::PlannedMigration};

pub use self::migration::{
    ClusterView, GroupView, IndexView, MigrationView, OnTarget, TemplateView,
};
use crate::backend::Keep;

/// Looks at the clusters of all migrations. What cannot be looked at is said in the view.
pub fn run(keep: &dyn Keep, output: &Output) -> anyhow::Result<Vec<MigrationView>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let one = |planned| {
        let clients = Clients::new(keep, output, planned);
        runtime.block_on(one(clients, planned))
    };
    Ok(output.plan.migrations.iter().map(one).collect())
}

/// The clients of a migration's clusters, or why there is none.
struct Clients {
    source: Result<Client, String>,
    target: Result<Client, String>,
}

impl Clients {
    fn new(keep: &dyn Keep, output: &Output, planned: &PlannedMigration) -> Self {
        let client = |access, secret: &Option<String>| {
            clients::client(keep, output, access, secret.as_deref()).map_err(|error| told(&error))
        };
        let source = match &planned.source {
            Some(access) => client(access, &planned.source_secret),
            None => Err("the file gives it no endpoint".to_owned()),
        };
        Self { source, target: client(&planned.target, &planned.target_secret) }
    }
}

async fn one(clients: Clients, planned: &PlannedMigration) -> MigrationView {
    let groups = migration::groups(planned);
    let Clients { source, target } = clients;
    let source =
        async { look::source(&source?, &groups).await.map_err(|error| told(&error.into())) };
    let target =
        async { look::target(&target?, &groups).await.map_err(|error| told(&error.into())) };
    let (source, target) = tokio::join!(source, target);
    migration::view(planned, source, target)
}

fn told(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
