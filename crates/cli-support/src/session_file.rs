//! The migration file that a session keeps between commands.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use contract::{Exit, Failure};
use thiserror::Error;

use crate::state_dir::StateDir;

/// A migration file of a session that cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The name of the session is not one.
    #[error("`{session}` is not a valid session name; use lower-case letters, digits and `-`")]
    Name {
        /// The name.
        session: String,
    },
    /// The session has no migration file.
    #[error(
        "session `{session}` has no migration file; run `workflow configure sample --load` and \
         `workflow configure edit`, or name a file"
    )]
    Missing {
        /// The session.
        session: String,
    },
    /// The file or its folder.
    #[error(transparent)]
    Files(#[from] io::Error),
    /// The new file could not replace the old one.
    #[error("writing the migration file")]
    Replace(#[source] tempfile::PersistError),
}

impl SessionError {
    /// Returns the code that a command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } => Exit::Invalid,
            Self::Missing { .. } => Exit::NotFound,
            Self::Files(_) | Self::Replace(_) => Exit::Failed,
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::of(error.exit(), &error)
    }
}

/// Returns the path of a session's migration file, whether the file exists or not.
pub fn path(state: &StateDir, session: &str) -> Result<PathBuf, SessionError> {
    check(session)?;
    Ok(state.sessions().join(format!("{session}.yaml")))
}

/// The key that holds the migration file in a session's ConfigMap or Secret.
pub const ENTRY: &str = "migration.yaml";

/// Returns the name of the ConfigMap that holds a session's migration file on a cluster. A file
/// with passwords is in a Secret of the same name instead.
pub fn object_name(session: &str) -> Result<String, SessionError> {
    check(session)?;
    Ok(format!("argosy-session-{session}"))
}

fn check(session: &str) -> Result<(), SessionError> {
    if argo::names::is_allowed(session) {
        return Ok(());
    }
    Err(SessionError::Name { session: session.to_owned() })
}

/// Reads a session's migration file.
pub fn read(state: &StateDir, session: &str) -> Result<String, SessionError> {
    let path = path(state, session)?;
    if !path.exists() {
        return Err(SessionError::Missing { session: session.to_owned() });
    }
    Ok(fs_err::read_to_string(path)?)
}

/// Writes a session's migration file, readable by its owner only. The old file is replaced when
/// the new one is complete.
pub fn write(state: &StateDir, session: &str, text: &str) -> Result<(), SessionError> {
    let path = path(state, session)?;
    fs_err::create_dir_all(state.sessions())?;
    let mut new = tempfile::NamedTempFile::new_in(state.sessions())?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(SessionError::Replace)?;
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
