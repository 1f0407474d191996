//! How commands are run: shown before they start, in words that can be pasted into a shell, and
//! failing with what they wrote.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::terminal;

/// Shows a command, runs it, and lets it write to our own terminal.
pub fn run(command: &mut Command) -> Result<()> {
    terminal::say(format!("$ {}", shown(command)));
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Shows a command and runs it in silence; when it fails, its output is in the error.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    terminal::say(format!("$ {}", shown(command)));
    output(command).map(drop)
}

/// Runs a command without showing it and returns what it wrote to stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}):\n{stdout}{stderr}", shown(command), output.status);
    }
    Ok(stdout)
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; is it installed?", command.get_program().display())
}

/// A command as a line that a person can paste into a shell.
pub fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.display(), quoted(value)))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::shown;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("workflow");
        command.args(["approve", "step", "it's a *"]).env("STATE", "/tmp/x y");
        assert_eq!(shown(&command), r"STATE='/tmp/x y' workflow approve step 'it'\''s a *'");
    }
}
