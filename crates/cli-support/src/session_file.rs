//! The migration file that a session keeps between commands.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use contract::{Exit, Failure};

use crate::state_dir::StateDir;

/// Returns the path of a session's migration file, whether the file exists or not.
pub fn path(state: &StateDir, session: &str) -> anyhow::Result<PathBuf> {
    check(session)?;
    Ok(state.sessions().join(format!("{session}.yaml")))
}

/// The key that holds the migration file in a session's ConfigMap or Secret.
pub const ENTRY: &str = "migration.yaml";

/// Returns the name of the ConfigMap that holds a session's migration file on a cluster. A file
/// with passwords is in a Secret of the same name instead.
pub fn object_name(session: &str) -> anyhow::Result<String> {
    check(session)?;
    Ok(format!("argosy-session-{session}"))
}

fn check(session: &str) -> Result<(), Failure> {
    if argo::names::is_allowed(session) {
        return Ok(());
    }
    let message =
        format!("`{session}` is not a valid session name; use lower-case letters, digits and `-`");
    Err(Failure::new(Exit::Invalid, message))
}

/// Reads a session's migration file.
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

/// Writes a session's migration file, readable by its owner only. The old file is replaced when
/// the new one is complete.
pub fn write(state: &StateDir, session: &str, text: &str) -> anyhow::Result<()> {
    let path = path(state, session)?;
    fs_err::create_dir_all(state.sessions())?;
    let mut new = tempfile::NamedTempFile::new_in(state.sessions())?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(&path).context("writing the migration file")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_a_name() {
        assert_eq!(object_name("default").expect("a name"), "argosy-session-default");
        assert!(object_name("a/b").is_err());
    }
}
