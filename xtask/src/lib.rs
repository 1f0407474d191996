//! What the project's commands and its real-server tests share: how to get Java and the servers,
//! start and stop them, fill them with data, and talk to them.

pub mod cluster;
pub mod commands;
pub mod dataset;
pub mod distribution;
pub mod http;
pub mod images;
pub mod java;
pub mod machine;
pub mod maven;
pub mod oci;
pub(crate) mod packages;
pub(crate) mod python_package;
pub mod release;
pub mod s3;
pub mod scroll;
pub mod server;
pub mod shell;
pub mod terminal;
pub mod test_area;
pub mod tidy;
