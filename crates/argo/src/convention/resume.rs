//! The annotation of a template that says how a failed run is resumed.

/// Nothing inside the template is kept: when the run is resumed, the template runs again as a
/// whole, because its later steps read what its first steps write.
pub const WHOLE: (&str, &str) = ("argosy.dev/retry", "whole");
