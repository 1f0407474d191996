//! Which kinds of migration are there? A folder each: its part of the migration file, its checks,
//! its tasks.

pub(crate) mod snapshot;

use crate::{config::Config, installation::Installation, plan::Plan};

/// Plans a migration file.
pub(crate) fn plan(config: &Config, installation: &Installation) -> Plan {
    let Config { parallelism, migrations, secrets: _ } = config;
    let mut plan = Plan {
        workflow: installation.workflow_name.clone(),
        parallelism: *parallelism,
        tasks: Vec::new(),
        at_exit: Vec::new(),
        migrations: Vec::new(),
    };
    for migration in migrations {
        snapshot::plan::add(migration, &mut plan);
    }
    plan
}
