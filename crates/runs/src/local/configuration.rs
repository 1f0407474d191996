//! Migration files and credentials in the state directory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cli_support::{StateDir, session_file};
use engine::secrets::{SecretError, Secrets};
use generator::Steps;

use super::Local;
use crate::backend::Configuration;

#[async_trait]
impl Configuration for Local {
    fn steps(&self) -> Steps {
        Steps::Processes
    }

    fn session_location(&self, session: &str) -> anyhow::Result<String> {
        Ok(session_file::path(&self.state, session)?.display().to_string())
    }

    async fn session(&self, session: &str) -> anyhow::Result<Option<String>> {
        if !session_file::path(&self.state, session)?.exists() {
            return Ok(None);
        }
        session_file::read(&self.state, session).map(Some)
    }

    async fn save_session(
        &self,
        session: &str,
        text: &str,
        _has_passwords: bool,
    ) -> anyhow::Result<()> {
        session_file::write(&self.state, session, text)
    }

    async fn delete_session(&self, session: &str) -> anyhow::Result<bool> {
        let path = session_file::path(&self.state, session)?;
        let exists = path.exists();
        if exists {
            fs_err::remove_file(path)?;
        }
        Ok(exists)
    }

    async fn credentials(&self) -> anyhow::Result<Vec<String>> {
        Ok(secrets(&self.state).list()?.into_iter().map(|(name, _)| name).collect())
    }

    async fn has_credentials(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.credentials().await?.iter().any(|known| known == name))
    }

    async fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>> {
        match secrets(&self.state).read(name, key) {
            Err(SecretError::Missing { .. }) => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let secrets = secrets(&self.state);
        secrets.remove(name)?;
        for (key, value) in entries {
            secrets.write(name, key, value.as_bytes())?;
        }
        Ok(())
    }

    async fn delete_credentials(&self, name: &str) -> anyhow::Result<bool> {
        Ok(secrets(&self.state).remove(name)?)
    }
}

fn secrets(state: &StateDir) -> Secrets {
    Secrets::in_folder(state.path().join("secrets"))
}
