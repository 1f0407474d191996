//! What do the two command lines share? What they keep on this machine (the state directory, and the
//! migration file of each session), and how they print.
//!
//! ```text
//! <state>/sessions/<name>.yaml   the migration file of a session
//! <state>/secrets/, <state>/runs/, <state>/argosy.db   the embedded engine's
//! ```

mod file;
pub mod output;
mod state_dir;

pub use file::{path, read, write};
pub use output::Format;
pub use state_dir::{StateDir, StateDirFlags};
