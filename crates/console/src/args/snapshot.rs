//! The commands and flags of `console snapshot`.

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser as _},
};

use cli_support::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// List the snapshots of a repository.
    #[command(after_help = "\
Examples:
  console snapshot list --repo file:///mnt/backup
  console snapshot list --repo s3://backups/search --region eu-west-1")]
    List(RepositoryFlags),
    /// Show what a snapshot holds, and what of it cannot be migrated and why.
    #[command(after_help = "\
Every document is read and counted; nothing is written anywhere. In the counts, `live` are the
documents that a search finds, `nested` the hidden ones that nested fields make of them, `deleted`
those that a merge has not dropped yet, and `no source` those of `live` that have no `_source`.

Examples:
  console snapshot show --repo file:///mnt/backup --snapshot nightly
  console snapshot show --repo s3://backups/search --snapshot nightly --quick --output json")]
    Show {
        #[command(flatten)]
        repository: RepositoryFlags,
        #[command(flatten)]
        snapshot: SnapshotFlag,
        /// Read no documents: the counts that need it are left out.
        #[arg(long)]
        quick: bool,
    },
    /// Print the documents of an index, one JSON object a line.
    #[command(after_help = "\
A line has `_index`, `_id`, `_type` (of a server that has types), `_routing`, `_parent` and
`_source`, whose number literals are those that were sent. A document without source is printed
without it. Documents come shard by shard, in the order in which they are stored.

Examples:
  console snapshot documents --repo file:///mnt/backup --snapshot nightly --index orders | head
  console snapshot documents --repo gs://backups --snapshot nightly --index orders --shard 0")]
    Documents(Documents),
    /// Print settings, mappings, aliases and templates as JSON, as the APIs of the server show them.
    #[command(after_help = "\
Examples:
  console snapshot metadata --repo file:///mnt/backup --snapshot nightly > metadata.json")]
    Metadata {
        #[command(flatten)]
        repository: RepositoryFlags,
        #[command(flatten)]
        snapshot: SnapshotFlag,
    },
}

/// Where a repository is.
#[derive(Debug, Args)]
pub(crate) struct RepositoryFlags {
    /// The repository: a folder, `s3://bucket/base-path`, `gs://bucket/base-path` or
    /// `az://container/base-path`. Credentials come from the environment (`AWS_*`, `GOOGLE_*`,
    /// `AZURE_*`).
    #[arg(long, value_name = "URI")]
    pub(crate) repo: String,
    /// The URL of a store other than the public one, such as an S3-compatible server.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The region of an S3 bucket.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

impl RepositoryFlags {
    /// The flags as one types them again.
    pub(crate) fn typed(&self) -> String {
        let Self { repo, endpoint, region } = self;
        let mut typed = format!("--repo {repo}");
        for (flag, value) in [("endpoint", endpoint), ("region", region)] {
            if let Some(value) = value {
                typed.push_str(&format!(" --{flag} {value}"));
            }
        }
        typed
    }
}

/// Which snapshot.
#[derive(Debug, Args)]
pub(crate) struct SnapshotFlag {
    /// The snapshot's name; `console snapshot list` shows them.
    #[arg(long = "snapshot", value_name = "NAME")]
    pub(crate) name: String,
}

/// Which documents.
#[derive(Debug, Args)]
pub(crate) struct Documents {
    #[command(flatten)]
    pub(crate) repository: RepositoryFlags,
    #[command(flatten)]
    pub(crate) snapshot: SnapshotFlag,
    /// The index; `console snapshot show` lists them.
    #[arg(long, value_name = "NAME")]
    pub(crate) index: String,
    /// This shard alone, counted from 0.
    #[arg(long, value_name = "N")]
    pub(crate) shard: Option<u32>,
    /// Print what is there although the snapshot lacks some shards.
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Print the documents without source although the server would show one that it rebuilds
    /// (synthetic or derived source).
    #[arg(long)]
    pub(crate) allow_missing_source: bool,
    /// How documents are printed: one JSON object a line (`ndjson`, also `text`), or one JSON array.
    // In place of the common flag of this name, so it must have the same type.
    #[arg(
        id = "output",
        long = "output",
        value_name = "OUTPUT",
        default_value = "ndjson",
        value_parser = PossibleValuesParser::new(["ndjson", "text", "json"]).map(|word| match word.as_str() {
            "json" => Format::Json,
            _ => Format::Text,
        })
    )]
    pub(crate) output: Format,
}
