//! `workflow configure credentials`: user names and passwords by name.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
};

use anyhow::Context as _;
use serde_json::json;
use step_api::Exit;

use super::configure::ask;
use crate::{
    args::{Credential, Credentials, Format, Installation},
    backend::Keep,
    input,
    output::{self, failure},
};

/// Runs a `configure credentials` command.
pub(crate) fn run(keep: &dyn Keep, command: Credentials, format: Format) -> anyhow::Result<Exit> {
    match command {
        Credentials::List { session, installation } => {
            list(keep, &session.session, &installation, format)?;
        }
        Credentials::Create(credential) => {
            if keep.has_credentials(&credential.name)? {
                let message = format!(
                    "credentials `{}` exist; use `workflow configure credentials update`",
                    credential.name
                );
                return Err(failure(Exit::Conflict, message));
            }
            store(keep, &credential)?;
        }
        Credentials::Update(credential) => {
            if !keep.has_credentials(&credential.name)? {
                let message = format!(
                    "no credentials `{}`; use `workflow configure credentials create`",
                    credential.name
                );
                return Err(failure(Exit::NotFound, message));
            }
            store(keep, &credential)?;
        }
        Credentials::Delete { name, yes } => {
            if yes || ask(&format!("forget credentials `{name}`?"), "--yes")? {
                if !keep.forget_credentials(&name)? {
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

fn list(
    keep: &dyn Keep,
    session: &str,
    installation: &Installation,
    format: Format,
) -> anyhow::Result<()> {
    let mut kept = keep.credentials()?;
    let needed = match keep.session(session)? {
        Some(text) => input::compile_text(&text, "migration.yaml", installation).secret_names(),
        None => Vec::new(),
    };
    // Others may have made some of them.
    for name in &needed {
        if !kept.contains(name) && keep.has_credentials(name)? {
            kept.push(name.clone());
        }
    }
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

fn store(keep: &dyn Keep, credential: &Credential) -> anyhow::Result<()> {
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
    keep.keep_credentials(name, &entries)?;
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
