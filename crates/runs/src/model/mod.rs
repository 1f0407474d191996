//! What is known of a run at one moment: one model, which the command line prints, the screen draws
//! and a page can serve.
//!
//! ```text
//!  manifests ------> outline --+
//!  Argo's status --------------+--> tree --> RunModel: nodes, gates, what each node waits for
//!  progress, pods, gates ------+
//! ```
//!
//! All of it is pure: [`Observation`] is what an engine knows of a run, [`RunModel::new`] joins it.

mod assembly;
mod node;
mod observation;
mod outline;
mod plain;
mod run_model;
mod schema;
mod tree;

pub use self::{
    node::{NodeState, NodeValue, NodeWaiting, RunNode, StepCounts},
    observation::{Observation, Trouble},
    outline::{GatePlace, Outline},
    plain::plain,
    run_model::{EngineKind, RunModel},
    tree::Branch,
};
