//! Every command and flag of `console`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use cli_support::CommonFlags;
pub(crate) use cli_support::Format;

mod snapshot;

pub(crate) use snapshot::{Documents, RepositoryFlags, Snapshot};

/// Reads the clusters of a migration, and snapshots.
#[derive(Debug, Parser)]
#[command(
    name = "console",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  console clusters connection-check              can both clusters be reached?
  console clusters cat-indices --refresh         what is on them?
  console clusters curl target /_cluster/health  send any request to one of them
  console snapshot list --repo s3://bucket/path  which snapshots are there?
  console snapshot show --repo file:///mnt/backup --snapshot nightly
                                                 what is in it, and what cannot be migrated?

The clusters are those of the session's migration file (`workflow configure edit`), or of the file
that `--config-file` names. `console snapshot` needs no cluster and no file.

Exit codes: 0 done, 1 failed, 2 wrong usage or invalid file, 3 not found, 5 not permitted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    #[command(flatten)]
    pub(crate) common: CommonFlags,
    /// The migration file that names the clusters [default: the session's].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// The session whose migration file names the clusters.
    #[arg(long, global = true, default_value = "default", value_name = "NAME")]
    pub(crate) session: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The clusters of the migration.
    #[command(subcommand)]
    Clusters(Clusters),
    /// The snapshots of a repository.
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clusters {
    /// Connect to each cluster, log in, and print its version.
    ConnectionCheck {
        /// `source`, `target` or a cluster's name; all when absent.
        #[arg(long, value_name = "CLUSTER")]
        cluster: Option<String>,
    },
    /// List the indices with their document counts.
    CatIndices {
        /// `source`, `target` or a cluster's name; all when absent.
        #[arg(long, value_name = "CLUSTER")]
        cluster: Option<String>,
        /// Refresh the indices first, so that the counts are up to date.
        #[arg(long)]
        refresh: bool,
    },
    /// Send one request to a cluster.
    Curl {
        /// `source`, `target` or a cluster's name.
        cluster: String,
        /// The path and query, as in `/logs/_search?size=5`.
        path: String,
        /// The method.
        #[arg(short = 'X', long, default_value = "GET")]
        request: String,
        /// The body, JSON.
        #[arg(short, long)]
        data: Option<String>,
    },
}
