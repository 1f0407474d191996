//! `console snapshot`: what does a snapshot repository hold? No cluster is needed.

use contract::Exit;

use self::access::open;
use crate::args::{Format, Snapshot};

mod access;
mod documents;
mod line;
mod list;
mod metadata;
mod progress;
mod report;
mod show;
mod text;

/// Runs a command.
pub(crate) async fn run(command: Snapshot, format: Format) -> anyhow::Result<Exit> {
    match command {
        Snapshot::List(flags) => list::run(&open(&flags)?, &flags.typed(), format).await,
        Snapshot::Show { repository, snapshot, quick } => {
            show::run(&open(&repository)?, &snapshot.name, quick, format).await
        }
        Snapshot::Documents(flags) => documents::run(&open(&flags.repository)?, &flags).await,
        Snapshot::Metadata { repository, snapshot } => {
            metadata::run(&open(&repository)?, &snapshot.name).await
        }
    }
}
