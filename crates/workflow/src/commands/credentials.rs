//! `workflow configure credentials`: user names and passwords by name.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
};

use anyhow::Context as _;
use cli_support::output::{self, failure};
use contract::{Exit, variables};
use runs::Configuration;
use serde_json::json;

use super::ask;
use crate::{
    args::{Credential, Credentials, Format, Installation},
    input::{self, Source},
};

/// Runs a `configure credentials` command.
pub(crate) async fn run(
    configuration: &dyn Configuration,
    command: Credentials,
    format: Format,
) -> anyhow::Result<Exit> {
    match command {
        Credentials::List { session, installation } => {
            list(configuration, &session.session, &installation, format).await?;
        }
        Credentials::Create(credential) => {
            if configuration.has_credentials(&credential.name).await? {
                let message = format!(
                    "credentials `{}` exist; use `workflow configure credentials update`",
                    credential.name
                );
                return Err(failure(Exit::Conflict, message));
            }
            store(configuration, &credential).await?;
        }
        Credentials::Update(credential) => {
            if !configuration.has_credentials(&credential.name).await? {
                let message = format!(
                    "no credentials `{}`; use `workflow configure credentials create`",
                    credential.name
                );
                return Err(failure(Exit::NotFound, message));
            }
            store(configuration, &credential).await?;
        }
        Credentials::Delete { name, yes } => {
            if yes || ask::confirm(&format!("delete credentials `{name}`?"), "--yes")? {
                if !configuration.delete_credentials(&name).await? {
                    let message = format!(
                        "no credentials `{name}`; `workflow configure credentials list` shows them"
                    );
                    return Err(failure(Exit::NotFound, message));
                }
                output::message("deleted");
            }
        }
    }
    Ok(Exit::Done)
}

async fn list(
    configuration: &dyn Configuration,
    session: &str,
    installation: &Installation,
    format: Format,
) -> anyhow::Result<()> {
    let mut kept = configuration.credentials().await?;
    let text = configuration.session(session).await?;
    let file = text.map(|text| {
        input::compile_text(&text, "migration.yaml", installation, configuration.steps())
    });
    let needed = file.as_ref().map(Source::secret_names).unwrap_or_default();
    // Some of them may have been created elsewhere.
    for name in &needed {
        if !kept.contains(name) && configuration.has_credentials(name).await? {
            kept.push(name.clone());
        }
    }
    let missing: Vec<&String> = needed.iter().filter(|name| !kept.contains(name)).collect();
    if format == Format::Json {
        return output::json(&json!({ "kept": kept, "needed": needed, "missing": missing }));
    }
    if kept.is_empty() {
        output::message("no credentials are stored");
    }
    for name in &kept {
        let used = if needed.contains(name) { "  (named by the session's file)" } else { "" };
        output::result(&format!("{name}{used}"))?;
    }
    for name in missing {
        let command = file.as_ref().map(|file| file.command_for(name)).unwrap_or_default();
        output::message(&format!("missing: `{name}`; {command}"));
    }
    Ok(())
}

async fn store(configuration: &dyn Configuration, credential: &Credential) -> anyhow::Result<()> {
    let Credential { name, stdin, storage, certificate, key, authority } = credential;
    let mut entries = BTreeMap::new();
    if *storage {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
        entries = storage_keys(&text).map_err(|message| failure(Exit::Invalid, message))?;
    }
    for (entry, file) in [("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority)] {
        if let Some(file) = file {
            entries.insert(entry.to_owned(), fs_err::read_to_string(file)?);
        }
    }
    if *stdin || (certificate.is_none() && !storage) {
        let (username, password) = if *stdin { from_stdin()? } else { from_terminal()? };
        entries.insert("username".to_owned(), username);
        entries.insert("password".to_owned(), password);
    }
    configuration.save_credentials(name, &entries).await?;
    output::message(&format!(
        "stored as `{name}`; name it in the migration file by `secretName: {name}`"
    ));
    Ok(())
}

/// Reads lines as `env` prints them; settings of object stores are taken, nothing else.
fn storage_keys(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut entries = BTreeMap::new();
    for (position, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself may hold a key, and is not repeated.
        let number = position + 1;
        let (name, value) = line.split_once('=').ok_or_else(|| {
            format!("line {number} is not `NAME=VALUE`; write one key on each line")
        })?;
        if !variables::is_storage(name) {
            return Err(format!(
                "line {number} is not a setting of an object store; names begin with `AWS_`, \
                 `GOOGLE_` or `AZURE_`"
            ));
        }
        entries.insert(name.to_owned(), value.to_owned());
    }
    if entries.is_empty() {
        return Err("there are no keys; write for example `AWS_ACCESS_KEY_ID=...` and \
                    `AWS_SECRET_ACCESS_KEY=...` on standard input"
            .to_owned());
    }
    Ok(entries)
}

fn from_stdin() -> anyhow::Result<(String, String)> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
    let line = text.trim_end_matches(['\n', '\r']);
    let (username, password) = line
        .split_once(':')
        .ok_or_else(|| failure(Exit::Invalid, "expected `USER:PASSWORD` on standard input"))?;
    Ok((username.to_owned(), password.to_owned()))
}

fn from_terminal() -> anyhow::Result<(String, String)> {
    if !std::io::stdin().is_terminal() {
        let message = "there is no terminal to type a password; add `--stdin` and write `USER:PASSWORD` to \
             standard input";
        return Err(failure(Exit::Invalid, message));
    }
    output::message("user name:");
    let mut username = String::new();
    std::io::stdin().read_line(&mut username)?;
    let password = rpassword::prompt_password("password (not shown): ")?;
    Ok((username.trim().to_owned(), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lines_with_the_names_of_settings() {
        let text = "# S3\nAWS_ACCESS_KEY_ID=key\n\nAWS_SECRET_ACCESS_KEY=a=b/c+d\n";
        let expected = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "a=b/c+d")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(storage_keys(text), Ok(expected.into()));
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for text in ["", "hunter2", "PATH=hunter2", "AWS_REGION=a\nhunter2"] {
            let message = storage_keys(text).expect_err("refused");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
