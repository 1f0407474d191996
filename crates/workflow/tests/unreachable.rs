//! A cluster that is not there: every command that asks it ends with the same code, and says which
//! server was asked, whose word that was, and what to do.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a kubeconfig whose server listens nowhere.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "contexts": [{ "name": "prod", "context": { "cluster": "c", "user": "u" } }],
            "clusters": [{ "name": "c", "cluster": { "server": "http://127.0.0.1:1" } }],
            "users": [{ "name": "u", "user": {} }],
        });
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        place.write("kubeconfig", &kubeconfig.to_string());
        place
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs_err::write(&file, text).expect("written");
        file
    }

    /// Runs a command; returns its exit code and the error as JSON.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_workflow"))
            .args(arguments)
            .args(["--engine", "argo", "--output", "json", "--kubeconfig"])
            .arg(self.folder.path().join("kubeconfig"))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ARGOSY_STATE_DIR", self.folder.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let printed = serde_json::from_str(&text);
        (output.status.code(), printed.unwrap_or_else(|_| panic!("{arguments:?}: {output:?}")))
    }
}

#[test]
fn every_command_says_which_server_cannot_be_reached_and_what_to_do() {
    let place = Place::new();
    let file = include_str!("../../../examples/minimal.yaml");
    let file = place.write("migration.yaml", file).display().to_string();
    let asked: [&[&str]; 14] = [
        &["status", "w"],
        &["submit", &file],
        &["submit"],
        &["approve", "step", "g"],
        &["reject", "step", "g", "--reason", "no"],
        &["stop", "w"],
        &["stop", "--terminate", "w"],
        &["resume", "w"],
        &["show"],
        &["log", "all"],
        &["reset", "w", "--yes"],
        &["install", "--create-namespace"],
        &["configure", "view"],
        &["configure", "credentials", "list"],
    ];
    for words in asked {
        let (code, printed) = place.run(words);
        assert_eq!(code, Some(1), "{words:?}: {printed}");
        let message = printed["error"]["message"].as_str().unwrap_or_default();
        for said in [
            "the API server at http://127.0.0.1:1/ (context `prod` of /",
            "/kubeconfig) cannot be reached",
            "check that the cluster is running",
            "`--context` and `--kubeconfig` choose another",
        ] {
            assert!(message.contains(said), "{words:?}: {message}");
        }
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_wrong_usage() {
    let place = Place::new();
    fs_err::remove_file(place.folder.path().join("kubeconfig")).expect("removed");
    let (code, printed) = place.run(&["status", "w"]);
    assert_eq!(code, Some(2), "{printed}");
    let message = printed["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("--kubeconfig"), "{message}");
}
