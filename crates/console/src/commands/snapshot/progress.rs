//! How far is a long read? A bar on standard error, where that is a terminal.

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

/// A bar for work whose result is printed at its end.
pub(super) fn bar(doing: &str, total: u64, unit: Unit) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(unit.template()) {
        bar.set_style(style);
    }
    bar.with_prefix(doing.to_owned())
}

/// A bar for work whose result is printed meanwhile; hidden where the result would run through it.
pub(super) fn bar_beside_output(doing: &str, unit: Unit) -> ProgressBar {
    if io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    bar(doing, 0, unit)
}
