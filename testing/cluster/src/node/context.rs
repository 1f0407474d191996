//! What every part of the node is started with: the programs, the keys, the port of the API.

use std::{path::PathBuf, process::Command};

use super::{keys::Keys, parts::Parts};

/// The node while it starts.
pub(super) struct Node {
    pub(super) programs: PathBuf,
    pub(super) images: PathBuf,
    pub(super) argo_source: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) keys: Keys,
    pub(super) parts: Parts,
    /// The port of the API: in the node's network the same as outside, so that one kubeconfig
    /// serves in both.
    pub(super) port: u16,
}

impl Node {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    pub(super) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program(name));
        command.args(arguments);
        command
    }

    pub(super) fn kubectl(&self) -> Command {
        let mut command = Command::new(self.program("kubectl"));
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", "/run/node");
        command
    }
}
