//! The migration file that a session keeps between commands.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use contract::{Exit, Failure};

use crate::state_dir::StateDir;

/// Returns the file of a session, whether it is there or not.
pub fn path(state: &StateDir, session: &str) -> anyhow::Result<PathBuf> {
    check(session)?;
    Ok(state.sessions().join(format!("{session}.yaml")))
}

/// Under which key a ConfigMap or Secret of a cluster holds the migration file of a session.
pub const ENTRY: &str = "migration.yaml";

/// Returns the name of the ConfigMap of a cluster that holds a session's file; or of the Secret,
/// when the file holds passwords.
pub fn object(session: &str) -> anyhow::Result<String> {
    check(session)?;
    Ok(format!("argosy-session-{session}"))
}

fn check(session: &str) -> Result<(), Failure> {
    if argo::names::is_allowed(session) {
        return Ok(());
    }
    let message =
        format!("`{session}` cannot name a session; use lower-case letters, digits and `-`");
    Err(Failure::new(Exit::Invalid, message))
}

/// Reads the session's migration file.
pub fn read(state: &StateDir, session: &str) -> anyhow::Result<String> {
    let path = path(state, session)?;
    if !path.exists() {
        let message = format!(
            "session `{session}` has no migration file; run `workflow configure sample --load` \
             and `workflow configure edit`, or name a file"
        );
        return Err(Failure::new(Exit::NotFound, message).into());
    }
    Ok(fs_err::read_to_string(path)?)
}

/// Keeps a migration file, readable by the user alone; the old one stays until the new one is
/// whole.
pub fn write(state: &StateDir, session: &str, text: &str) -> anyhow::Result<()> {
    let path = path(state, session)?;
    fs_err::create_dir_all(state.sessions())?;
    let mut beside = tempfile::NamedTempFile::new_in(state.sessions())?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    beside.persist(&path).context("keeping the migration file")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_a_name() {
        assert_eq!(object("default").expect("a name"), "argosy-session-default");
        assert!(object("a/b").is_err());
    }
}
