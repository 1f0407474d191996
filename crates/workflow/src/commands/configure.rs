//! `workflow configure`: the session's migration file.

use std::{
    io::{IsTerminal as _, Read as _, Write as _},
    process::Command,
};

use anyhow::Context as _;
use contract::Exit;
use runs::Keep;
use serde_json::json;

use super::credentials;
use crate::{
    args::{Configure, Format, Installation},
    input,
    output::{self, failure},
};

/// The file that `configure sample` prints.
pub(crate) const SAMPLE: &str = include_str!("../../../../examples/minimal.yaml");

/// Runs a `configure` command.
pub(crate) fn run(keep: &dyn Keep, command: Configure, format: Format) -> anyhow::Result<Exit> {
    match command {
        Configure::Sample { load: false, .. } => show(SAMPLE, format)?,
        Configure::Sample { load: true, session } => {
            let session = session.session;
            if keep.session(&session)?.is_some() {
                let message = format!(
                    "session `{session}` has a migration file already; run `workflow configure \
                     clear` first, or name another with `--session`"
                );
                return Err(failure(Exit::Conflict, message));
            }
            keep.keep_session(&session, SAMPLE, false)?;
            output::message(&format!("the sample is now the file of session `{session}`"));
            output::hint("workflow configure edit");
        }
        Configure::Edit { stdin: true, session, installation, editor: _ } => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
            return keep_valid(keep, &session.session, &text, &installation, format);
        }
        Configure::Edit { stdin: false, editor, session, installation } => {
            return edit(keep, &session.session, &editor, &installation);
        }
        Configure::View { session } => {
            show(&input::session_file(keep, &session.session)?, format)?;
        }
        Configure::Clear { confirm, session } => {
            let session = session.session;
            if keep.session(&session)?.is_none() {
                output::message("there is nothing to clear");
            } else if confirm
                || ask(&format!("forget the file of session `{session}`?"), "--confirm")?
            {
                keep.forget_session(&session)?;
                output::message("cleared");
            }
        }
        Configure::Credentials(command) => return credentials::run(keep, command, format),
    }
    Ok(Exit::Done)
}

/// Prints a migration file.
fn show(text: &str, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Text => output::result(text),
        Format::Json => output::json(&json!({ "file": text })),
    }
}

/// Keeps the file if it is valid. A file with errors is not kept, for the next `submit` would
/// only find the same.
fn keep_valid(
    keep: &dyn Keep,
    session: &str,
    text: &str,
    installation: &Installation,
    format: Format,
) -> anyhow::Result<Exit> {
    let compiled = input::compile_text(text, "standard input", installation, keep.steps());
    match format {
        Format::Json => {
            output::json(&generator::findings::json(&compiled.compiled.findings, text))?;
        }
        Format::Text => compiled.show_findings(),
    }
    if compiled.has_errors() {
        output::message("the file has errors and was not kept");
        return Ok(Exit::Invalid);
    }
    keep.keep_session(session, text, compiled.has_passwords())?;
    output::message(&format!("kept as the file of session `{session}`"));
    output::hint("workflow plan");
    Ok(Exit::Done)
}

fn edit(
    keep: &dyn Keep,
    session: &str,
    editor: &str,
    installation: &Installation,
) -> anyhow::Result<Exit> {
    let before = keep.session(session)?.unwrap_or_else(|| SAMPLE.to_owned());
    let draft = tempfile::Builder::new().prefix("migration-").suffix(".yaml").tempfile()?;
    fs_err::write(draft.path(), &before)?;
    loop {
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let status = Command::new(program).args(words).arg(draft.path()).status();
        let status = status.with_context(|| {
            format!("starting the editor `{program}`; set EDITOR, or use `configure edit --stdin`")
        })?;
        if !status.success() {
            return Err(failure(Exit::Failed, "the editor failed; nothing was changed"));
        }
        let text = fs_err::read_to_string(draft.path())?;
        let compiled = input::compile_text(&text, "migration.yaml", installation, keep.steps());
        compiled.show_findings();
        if !compiled.has_errors() {
            keep.keep_session(session, &text, compiled.has_passwords())?;
            output::message(&format!("kept as the file of session `{session}`"));
            output::hint("workflow plan");
            return Ok(Exit::Done);
        }
        match choose("the file has errors: (s)ave anyway, (e)dit again, (d)iscard?")? {
            's' => {
                // Who knows what is in a file that has errors.
                keep.keep_session(session, &text, true)?;
                return Ok(Exit::Invalid);
            }
            'd' => return Ok(Exit::Invalid),
            _ => {}
        }
    }
}

/// Asks a yes-or-no question; without a terminal the answer is an error that names the flag.
pub(crate) fn ask(question: &str, flag: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        let message = format!("{question} nobody can answer here; add `{flag}`");
        return Err(failure(Exit::Invalid, message));
    }
    Ok(choose(&format!("{question} (y/n)"))? == 'y')
}

fn choose(question: &str) -> anyhow::Result<char> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line)?;
    if read == 0 {
        return Err(failure(Exit::Interrupted, "no answer; nothing was changed"));
    }
    Ok(line.trim().chars().next().map_or(' ', |letter| letter.to_ascii_lowercase()))
}
