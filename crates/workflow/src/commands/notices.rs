//! What the engines report while a command is under way.

use cli_support::output;
use runs::Notices;

/// Shows it on standard error.
pub(super) fn shown() -> Notices {
    Notices::new(output::message)
}
