//! What do the command lines keep on this machine? The state directory, and the migration file
//! of each session.
//!
//! ```text
//! <state>/sessions/<name>.yaml   the migration file of a session
//! <state>/secrets/, <state>/runs/, <state>/argosy.db   the embedded engine's
//! ```

mod file;
mod state_dir;

pub use file::{path, read, write};
pub use state_dir::{StateDir, StateDirFlags};
