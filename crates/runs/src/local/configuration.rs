//! Migration files and credentials in the state directory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cli_support::{StateDir, session_file};
use engine::secrets::{SecretError, Secrets};
use generator::Steps;

use super::{Local, error::LocalError};
use crate::{backend::Configuration, error::BackendError};

#[async_trait]
impl Configuration for Local {
    fn steps(&self) -> Steps {
        Steps::Processes
    }

    fn session_location(&self, session: &str) -> Result<String, BackendError> {
        Ok(session_file::path(&self.state, session)?.display().to_string())
    }

    async fn session(&self, session: &str) -> Result<Option<String>, BackendError> {
        if !session_file::path(&self.state, session)?.exists() {
            return Ok(None);
        }
        Ok(Some(session_file::read(&self.state, session)?))
    }

    async fn save_session(
        &self,
        session: &str,
        text: &str,
        _has_passwords: bool,
    ) -> Result<(), BackendError> {
        Ok(session_file::write(&self.state, session, text)?)
    }

    async fn delete_session(&self, session: &str) -> Result<bool, BackendError> {
        let path = session_file::path(&self.state, session)?;
        let exists = path.exists();
        if exists {
            fs_err::remove_file(path).map_err(LocalError::Files)?;
        }
        Ok(exists)
    }

    async fn credentials(&self) -> Result<Vec<String>, BackendError> {
        Ok(secrets(&self.state)
            .list()
            .map_err(LocalError::Secrets)?
            .into_iter()
            .map(|(name, _)| name)
            .collect())
    }

    async fn has_credentials(&self, name: &str) -> Result<bool, BackendError> {
        Ok(self.credentials().await?.iter().any(|known| known == name))
    }

    async fn credential(&self, name: &str, key: &str) -> Result<Option<String>, BackendError> {
        match secrets(&self.state).read(name, key) {
            Err(SecretError::Missing { .. }) => Ok(None),
            read => Ok(Some(read.map_err(LocalError::Secrets)?)),
        }
    }

    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), BackendError> {
        let secrets = secrets(&self.state);
        secrets.remove(name).map_err(LocalError::Secrets)?;
        for (key, value) in entries {
            secrets.write(name, key, value.as_bytes()).map_err(LocalError::Secrets)?;
        }
        Ok(())
    }

    async fn delete_credentials(&self, name: &str) -> Result<bool, BackendError> {
        Ok(secrets(&self.state).remove(name).map_err(LocalError::Secrets)?)
    }
}

fn secrets(state: &StateDir) -> Secrets {
    Secrets::in_folder(state.path().join("secrets"))
}
