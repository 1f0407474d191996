//! What does the file mean, if it is correct? The proved types.
//!
//! A check returns what it proved: URLs are plain, versions and patterns are parsed, references are
//! resolved, defaults are filled in. Where something cannot be proved there is a finding, and no
//! [`Config`].

use std::collections::BTreeMap;

use crate::{
    check::{approvals, migrations},
    clusters::{self, auth::ClearTextSecret},
    file::MigrationFile,
    findings::report::Report,
    installation::Installation,
    kinds::{self, Migration},
};

/// A migration file that can be carried out.
#[derive(Debug)]
pub(crate) struct Config {
    pub parallelism: u32,
    pub migrations: Vec<Migration>,
    pub secrets: Vec<ClearTextSecret>,
}

/// The maximum number of concurrent pods when the file does not say.
const DEFAULT_PARALLELISM: u32 = 100;

/// Proves the file.
pub(crate) fn prove(
    file: &MigrationFile,
    installation: &Installation,
    report: &mut Report<'_>,
) -> Option<Config> {
    approvals::check(file, report);
    migrations::check(file, report);
    let ends = clusters::reference::prove(file, report);
    let clusters = clusters::prove(file, &installation.workflow_name, report);
    let migrations = kinds::prove(file, &clusters, ends, installation, report)?;
    let clusters = migrations.iter().flat_map(Migration::clusters);
    let secrets = clusters.filter_map(|cluster| cluster.clear_text.clone());
    let secrets: BTreeMap<String, ClearTextSecret> =
        secrets.map(|secret| (secret.name.clone(), secret)).collect();
    Some(Config {
        parallelism: file.parallelism.unwrap_or(DEFAULT_PARALLELISM),
        migrations,
        secrets: secrets.into_values().collect(),
    })
}
