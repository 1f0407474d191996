//! A real Kubernetes of one node, with Argo on it, on this machine and apart from it: for tests of
//! what runs on a cluster, on machines that have no container engine. It needs root.

mod cluster;
mod control_groups;
mod definitions;
mod go;
mod layout;
pub mod node;
pub mod outage;
mod running;
pub mod tools;

pub use self::{cluster::Cluster, definitions::Definitions, layout::ADDRESS, running::Running};
