//! What do the two command lines share? Their common flags, what they keep on this machine (the
//! state directory, and the migration file of each session), how they connect to the clusters of
//! that file, and how they print.
//!
//! ```text
//! <state>/sessions/<name>.yaml   the migration file of a session
//! <state>/secrets/, <state>/runs/, <state>/argosy.db   the embedded engine's
//! ```

mod clients;
mod flags;
pub mod output;
pub mod session_file;
mod state_dir;

pub use clients::{CREDENTIAL_ENTRIES, client};
pub use flags::{CommonFlags, EngineChoice, EngineFlags, KubernetesAccess};
pub use output::Format;
pub use state_dir::{StateDir, StateDirFlags};
