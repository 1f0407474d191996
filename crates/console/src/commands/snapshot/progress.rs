//! Progress bars of long reads, on standard error if that is a terminal.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Documents,
    Indices,
    Shards,
    Snapshots,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Documents => "{prefix} {wide_bar} {human_pos}/{human_len} documents, {eta} left",
            Self::Indices => "{prefix} {wide_bar} {human_pos}/{human_len} indices",
            Self::Shards => "{prefix} {wide_bar} {human_pos}/{human_len} shards",
            Self::Snapshots => "{prefix} {wide_bar} {human_pos}/{human_len} snapshots",
        }
    }
}

/// Returns a bar for work that prints its result at the end.
pub(super) fn bar(doing: &str, total: u64, unit: Unit) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(unit.template()) {
        bar.set_style(style);
    }
    bar.with_prefix(doing.to_owned())
}

/// Returns a bar for work that prints its result meanwhile. Hidden if the result goes to the same
/// terminal.
pub(super) fn bar_beside_output(doing: &str, unit: Unit) -> ProgressBar {
    if io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    bar(doing, 0, unit)
}
