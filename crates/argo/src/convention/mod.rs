//! Which names and words do our manifests share? Labels, the ConfigMap of decisions, the shape of
//! a gate, the annotation for resuming.
//!
//! The compiler writes them; the embedded engine and the command line recognise them. Both sides
//! use this module, so they cannot differ:
//!
//! ```text
//!   label        argosy.dev/workflow, argosy.dev/group, ...   on every object, pod and Job
//!   decisions    <workflow>-decisions                         a ConfigMap: gate name -> decision
//!   gate         a `steps` template that asks for a decision  see `gate`
//!   resume       argosy.dev/retry: whole                      on a template
//! ```
//!
//! The words of phases are those of [`NodePhase`](crate::NodePhase).

pub mod decisions;
pub mod gate;
pub mod label;
pub mod resume;
