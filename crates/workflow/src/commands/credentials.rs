//! `workflow configure credentials`: user names and passwords by name.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
};

use anyhow::Context as _;
use engine::environment::Secrets;
use serde_json::json;
use session::StateDir;
use step_api::Exit;

use super::configure::ask;
use crate::{
    args::{Credential, Credentials, Format, Installation},
    input, local,
    output::{self, failure},
};

/// Runs a `configure credentials` command.
pub(crate) fn run(state: &StateDir, command: Credentials, format: Format) -> anyhow::Result<Exit> {
    let secrets = local::open(state)?.secrets();
    match command {
        Credentials::List { session, installation } => {
            list(state, &secrets, &session.session, &installation, format)?;
        }
        Credentials::Create(credential) => {
            if names(&secrets)?.contains(&credential.name) {
                let message = format!(
                    "credentials `{}` exist; use `workflow configure credentials update`",
                    credential.name
                );
                return Err(failure(Exit::Conflict, message));
            }
            store(&secrets, &credential)?;
        }
        Credentials::Update(credential) => {
            if !names(&secrets)?.contains(&credential.name) {
                let message = format!(
                    "no credentials `{}`; use `workflow configure credentials create`",
                    credential.name
                );
                return Err(failure(Exit::NotFound, message));
            }
            store(&secrets, &credential)?;
        }
        Credentials::Delete { name, yes } => {
            if yes || ask(&format!("forget credentials `{name}`?"), "--yes")? {
                if !secrets.remove(&name)? {
                    let message = format!(
                        "no credentials `{name}`; `workflow configure credentials list` shows them"
                    );
                    return Err(failure(Exit::NotFound, message));
                }
                output::tell("forgotten");
            }
        }
    }
    Ok(Exit::Done)
}

fn names(secrets: &Secrets) -> anyhow::Result<Vec<String>> {
    Ok(secrets.list()?.into_iter().map(|(name, _)| name).collect())
}

fn list(
    state: &StateDir,
    secrets: &Secrets,
    session: &str,
    installation: &Installation,
    format: Format,
) -> anyhow::Result<()> {
    let kept = names(secrets)?;
    let needed = if session::path(state, session)?.exists() {
        let text = session::read(state, session)?;
        let compiled = input::compile_text(&text, "migration.yaml", installation);
        compiled.secret_names()
    } else {
        Vec::new()
    };
    let missing: Vec<&String> = needed.iter().filter(|name| !kept.contains(name)).collect();
    if format == Format::Json {
        return output::json(&json!({ "kept": kept, "needed": needed, "missing": missing }));
    }
    if kept.is_empty() {
        output::tell("no credentials are kept");
    }
    for name in &kept {
        let used = if needed.contains(name) { "  (named by the session's file)" } else { "" };
        output::result(&format!("{name}{used}"))?;
    }
    for name in missing {
        output::tell(&format!("missing: `{name}`; workflow configure credentials create {name}"));
    }
    Ok(())
}

fn store(secrets: &Secrets, credential: &Credential) -> anyhow::Result<()> {
    let Credential { name, stdin, certificate, key, authority } = credential;
    let mut entries = BTreeMap::new();
    for (entry, file) in [("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority)] {
        if let Some(file) = file {
            entries.insert(entry.to_owned(), fs_err::read_to_string(file)?);
        }
    }
    if *stdin || certificate.is_none() {
        let (username, password) = if *stdin { from_stdin()? } else { from_terminal()? };
        entries.insert("username".to_owned(), username);
        entries.insert("password".to_owned(), password);
    }
    // Entries of an older secret that are not given again must not stay.
    secrets.remove(name)?;
    for (key, value) in &entries {
        secrets.write(name, key, value.as_bytes())?;
    }
    output::tell(&format!(
        "kept as `{name}`; name it in the migration file by `secretName: {name}`"
    ));
    Ok(())
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
        let message = "nobody can type a password here; use `--stdin` with `USER:PASSWORD`";
        return Err(failure(Exit::Invalid, message));
    }
    output::tell("user name:");
    let mut username = String::new();
    std::io::stdin().read_line(&mut username)?;
    let password = rpassword::prompt_password("password (not shown): ")?;
    Ok((username.trim().to_owned(), password))
}
