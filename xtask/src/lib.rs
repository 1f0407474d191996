//! What the project's commands and its real-server tests share: how to get Java and the servers,
//! start and stop them, fill them with data, and talk to them.

pub mod commands;
pub mod dataset;
pub mod distribution;
pub mod http;
pub mod java;
pub mod machine;
pub mod maven;
pub mod release;
pub mod server;
pub mod shell;
pub mod terminal;
pub mod test_area;
pub mod tidy;
