//! Argo on the node: its definitions, accounts and roles as its own manifests give them, and its
//! controller as a process that has no more rights than they grant.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use fs_err as fs;
use test_machine::shell;

use super::{context::Node, keys::Credential};
use crate::{definitions::Definitions, tools};

/// What the controller prints once it reconciles workflows.
const READY: &str = "Started workflow garbage collection";

/// The name of the controller among the parts.
const CONTROLLER: &str = "workflow-controller";

/// Makes the objects that Argo's own manifests consist of.
pub(super) fn install(node: &Node, definitions: Definitions) -> Result<()> {
    let manifests = node.argo_source.join("manifests");
    let folder = manifests.join("base/crds").join(definitions.name());
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("argoproj.io_") {
            files.push(path);
        }
    }
    files.sort();
    // Not `apply`: it would add each definition once more as an annotation, and the full ones are
    // longer than an annotation may be.
    let mut create = node.kubectl();
    create.arg("create");
    for file in &files {
        create.arg("--filename").arg(file);
    }
    shell::output(&mut create)?;
    shell::output(node.kubectl().args(["create", "namespace", "argo"]))?;
    let accounts = manifests.join(tools::OUR_KUSTOMIZATION);
    shell::output(node.kubectl().args(["apply", "--server-side", "--kustomize"]).arg(accounts))?;
    Ok(())
}

/// Starts the controller and waits until it reconciles workflows.
pub(super) fn start(node: &mut Node) -> Result<()> {
    // A definition is accepted before its kind is served, and the controller gives up when it
    // does not find its kind.
    let mut served = node.kubectl();
    served.args(["get", "--raw", "/apis/argoproj.io/v1alpha1/workflows?limit=1"]);
    node.parts.wait_until("workflows are served", || shell::output(&mut served).is_ok())?;
    let token = shell::output(
        node.kubectl()
            .args(["create", "token", "argo", "--namespace", "argo"])
            .args(["--duration", "720h"]),
    )?;
    let config = Path::new("/run/node/keys/argo.conf");
    node.keys.kubeconfig(config, node.port, &Credential::Token(token.trim()))?;
    let mut controller = Command::new(node.program(CONTROLLER));
    controller
        .arg("--kubeconfig")
        .arg(config)
        .args(["--namespace", "argo", "--executor-image", tools::EXECUTOR_IMAGE])
        .env("LEADER_ELECTION_DISABLE", "true")
        // It reconciles a workflow again after this time at the earliest, and its default of ten
        // seconds makes every step wait.
        .env("DEFAULT_REQUEUE_TIME", "100ms")
        // It sets how often executors have to read a step's progress and to report it; by default
        // that is each minute, which is longer than a step of a test.
        .env("ARGO_PROGRESS_FILE_TICK_DURATION", "1s")
        .env("ARGO_PROGRESS_PATCH_TICK_DURATION", "2s");
    node.parts.start(CONTROLLER, controller)?;
    node.parts.wait_until_it_says(CONTROLLER, READY)
}
