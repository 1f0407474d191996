//! The container images of the product: which ones there are, what each one holds, and how an image
//! is written as an OCI archive without a container engine.

mod build;
pub mod oci;
mod program;
mod shell;

pub use self::{
    build::{Archive, build_command, steps, write_all},
    shell::busybox,
};
