//! What is known, as text: runs, gates, plans, previews, log lines. All of it is pure.

pub(crate) mod answer;
pub(crate) mod gate;
pub(crate) mod log_line;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod text;
