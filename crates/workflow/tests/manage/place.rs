//! A folder with the program, a step beside it, and a run of the embedded engine.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use engine::{Clock, Existing, Store, Submission};
use serde_json::Value;
use tempfile::TempDir;

/// The program that stands for the image `argosy-step`.
const STEP: &str = r#"#!/bin/sh
echo '{"level":"INFO","fields":{"message":"three indices are there"}}' >&2
echo '{"documents": 12000, "indices": ["a", "b", "c"]}' > "$ARGOSY_ANSWER_FILE"
"#;

const MANIFESTS: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: main}
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - {name: evaluate-metadata, template: step}
          - {name: gate, template: look-at-it, depends: evaluate-metadata}
          - {name: restore-documents, template: step, depends: gate}
    - name: look-at-it
      inputs:
        parameters:
          - name: decision
            valueFrom:
              configMapKeyRef: {name: "{{workflow.name}}-decisions", key: look-at-it, optional: true}
              default: pending
      steps:
        - - name: look-at-it
            template: wait
            when: '"{{inputs.parameters.decision}}" != "approved"'
    - {name: wait, suspend: {}}
    - name: step
      volumes: [{name: argosy, emptyDir: {}}]
      container:
        image: argosy-step
        command: [/argosy-step]
        env: [{name: ARGOSY_ANSWER_FILE, value: /argosy/answer.json}]
        volumeMounts: [{name: argosy, mountPath: /argosy}]
      outputs: {parameters: [{name: answer, valueFrom: {path: /argosy/answer.json}}]}
"#;

/// The folder.
pub(crate) struct Place {
    folder: TempDir,
}

/// An engine at work; it ends with this value at the latest.
pub(crate) struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Place {
    /// Makes the folder, where programs may be linked.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let step = folder.path().join("argosy-step");
        fs_err::write(&step, STEP).expect("a program");
        let mode = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(&step, mode).expect("a program");
        let place = Self { folder };
        fs_err::hard_link(env!("CARGO_BIN_EXE_workflow"), place.program()).expect("the program");
        place
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("workflow")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Submits the run, and starts its engine.
    pub(crate) fn start(&self) -> Engine {
        let store = Store::open(self.state(), Clock::new(jiff::Timestamp::now)).expect("a store");
        let value = argo::yaml::read_value(MANIFESTS).expect("YAML");
        let submission = Submission {
            name: "main".to_owned(),
            uid: "u1".to_owned(),
            manifests: engine::read(&[value]).expect("manifests"),
            created_at: jiff::Timestamp::now(),
            existing: Existing::Refuse,
        };
        store.submit(submission).expect("submitted");
        let mut command = self.command(&["engine-run", "u1"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Engine(command.spawn().expect("an engine"))
    }

    /// A command of the program.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("ARGOSY_STATE_DIR", self.state());
        command
    }

    /// The command that is tested.
    pub(crate) fn manage(&self) -> Command {
        self.command(&["manage", "main", "--by", "ann", "--interval", "0.1"])
    }

    /// Runs a command to its end, which must be a good one.
    pub(crate) fn workflow(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns what `workflow status` says.
    pub(crate) fn status(&self) -> Value {
        let printed = self.workflow(&["status", "main", "--output", "json"]);
        serde_json::from_str(&printed).expect("JSON")
    }
}
