//! What would a migration change, by the clusters as they are now? Nothing is written.
//!
//! ```text
//!  clients ---> read ---------------> migration --------> MigrationPreview
//!               the edge: GET only    pure: the steps'
//!                                     own functions
//! ```

mod clients;
mod migration;
mod read;

use cluster::{Client, ClusterError};
use contract::{ClusterAccess, Failure};
use generator::{Output, plan::PlannedMigration};

pub use self::migration::{
    ClusterPreview, GroupPreview, IndexPreview, MigrationPreview, OnTarget, TemplatePreview,
};
use crate::backend::Configuration;

/// Reads the clusters of all migrations. What cannot be read is listed in the preview.
pub async fn run(configuration: &dyn Configuration, output: &Output) -> Vec<MigrationPreview> {
    let mut previews = Vec::with_capacity(output.plan.migrations.len());
    for planned in &output.plan.migrations {
        let clients = Clients::new(configuration, output, planned).await;
        previews.push(one(clients, planned).await);
    }
    previews
}

/// The clients of a migration's clusters, or why there is none.
struct Clients {
    source: Result<Client, String>,
    target: Result<Client, String>,
}

impl Clients {
    async fn new(
        configuration: &dyn Configuration,
        output: &Output,
        planned: &PlannedMigration,
    ) -> Self {
        let source = match &planned.source {
            Some(access) => {
                client(configuration, output, access, planned.source_secret.as_deref()).await
            }
            None => Err("the migration file has no `endpoint` for it".to_owned()),
        };
        let secret = planned.target_secret.as_deref();
        Self { source, target: client(configuration, output, &planned.target, secret).await }
    }
}

async fn client(
    configuration: &dyn Configuration,
    output: &Output,
    access: &ClusterAccess,
    secret: Option<&str>,
) -> Result<Client, String> {
    clients::client(configuration, output, access, secret).await.map_err(|failure| failure.message)
}

async fn one(clients: Clients, planned: &PlannedMigration) -> MigrationPreview {
    let groups = migration::groups(planned);
    let Clients { source, target } = clients;
    let source = async { read::source(&source?, &groups).await.map_err(reason) };
    let target = async { read::target(&target?, &groups).await.map_err(reason) };
    let (source, target) = tokio::join!(source, target);
    migration::preview(planned, source, target)
}

fn reason(error: ClusterError) -> String {
    Failure::from(error).message
}
