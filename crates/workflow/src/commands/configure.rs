//! `workflow configure`: the session's migration file.

use std::{io::Read as _, process::Command};

use anyhow::Context as _;
use cli_support::output::{self, failure};
use contract::Exit;
use runs::Configuration;
use serde_json::json;

use super::{ask, credentials};
use crate::{
    args::{Configure, Format, Installation},
    input,
};

/// The file that `configure sample` prints.
pub(crate) const SAMPLE: &str = include_str!("../../../../examples/minimal.yaml");

/// Runs a `configure` command.
pub(crate) async fn run(
    configuration: &dyn Configuration,
    command: Configure,
    format: Format,
) -> anyhow::Result<Exit> {
    match command {
        Configure::Sample { load: false, .. } => show(SAMPLE, format)?,
        Configure::Sample { load: true, session } => {
            let session = session.session;
            if configuration.session(&session).await?.is_some() {
                let message = format!(
                    "session `{session}` has a migration file already; run `workflow configure \
                     clear` first, or name another with `--session`"
                );
                return Err(failure(Exit::Conflict, message));
            }
            configuration.save_session(&session, SAMPLE, false).await?;
            output::message(&format!("the sample is now the file of session `{session}`"));
            output::hint("workflow configure edit");
        }
        Configure::Edit { stdin: true, session, installation, editor: _ } => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
            return save_valid(configuration, &session.session, &text, &installation, format).await;
        }
        Configure::Edit { stdin: false, editor, session, installation } => {
            return edit(configuration, &session.session, &editor, &installation).await;
        }
        Configure::View { session } => {
            show(&input::session_file(configuration, &session.session).await?, format)?;
        }
        Configure::Clear { confirm, session } => {
            let session = session.session;
            if configuration.session(&session).await?.is_none() {
                output::message("there is nothing to clear");
            } else if confirm
                || ask::confirm(&format!("delete the file of session `{session}`?"), "--confirm")?
            {
                configuration.delete_session(&session).await?;
                output::message("cleared");
            }
        }
        Configure::Credentials(command) => {
            return credentials::run(configuration, command, format).await;
        }
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

/// Saves the file if it is valid. A file with errors is not saved, because the next `submit` would
/// only report the same errors.
async fn save_valid(
    configuration: &dyn Configuration,
    session: &str,
    text: &str,
    installation: &Installation,
    format: Format,
) -> anyhow::Result<Exit> {
    let compiled = input::compile_text(text, "standard input", installation, configuration.steps());
    match format {
        Format::Json => {
            output::json(&generator::findings::json(&compiled.compiled.findings, text))?;
        }
        Format::Text => compiled.show_findings(),
    }
    if compiled.has_errors() {
        output::message("the file has errors and was not saved");
        return Ok(Exit::Invalid);
    }
    configuration.save_session(session, text, compiled.has_passwords()).await?;
    output::message(&format!("saved as the file of session `{session}`"));
    output::hint("workflow plan");
    Ok(Exit::Done)
}

async fn edit(
    configuration: &dyn Configuration,
    session: &str,
    editor: &str,
    installation: &Installation,
) -> anyhow::Result<Exit> {
    let before = configuration.session(session).await?.unwrap_or_else(|| SAMPLE.to_owned());
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
        let compiled =
            input::compile_text(&text, "migration.yaml", installation, configuration.steps());
        compiled.show_findings();
        if !compiled.has_errors() {
            configuration.save_session(session, &text, compiled.has_passwords()).await?;
            output::message(&format!("saved as the file of session `{session}`"));
            output::hint("workflow plan");
            return Ok(Exit::Done);
        }
        match ask::choose("the file has errors: (s)ave anyway, (e)dit again, (d)iscard?")? {
            's' => {
                // A file with errors may contain a password in an unexpected place.
                configuration.save_session(session, &text, true).await?;
                return Ok(Exit::Invalid);
            }
            'd' => return Ok(Exit::Invalid),
            _ => {}
        }
    }
}
