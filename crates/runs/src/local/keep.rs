//! Migration files and credentials in the state directory.

use std::collections::BTreeMap;

use cli_support::{StateDir, session_file};
use engine::secrets::{SecretError, Secrets};
use generator::Steps;

use crate::backend::Keep;

impl Keep for StateDir {
    fn steps(&self) -> Steps {
        Steps::Processes
    }

    fn session_place(&self, session: &str) -> anyhow::Result<String> {
        Ok(session_file::path(self, session)?.display().to_string())
    }

    fn session(&self, session: &str) -> anyhow::Result<Option<String>> {
        if !session_file::path(self, session)?.exists() {
            return Ok(None);
        }
        session_file::read(self, session).map(Some)
    }

    fn keep_session(&self, session: &str, text: &str, _has_passwords: bool) -> anyhow::Result<()> {
        session_file::write(self, session, text)
    }

    fn forget_session(&self, session: &str) -> anyhow::Result<bool> {
        let path = session_file::path(self, session)?;
        let exists = path.exists();
        if exists {
            fs_err::remove_file(path)?;
        }
        Ok(exists)
    }

    fn credentials(&self) -> anyhow::Result<Vec<String>> {
        Ok(secrets(self).list()?.into_iter().map(|(name, _)| name).collect())
    }

    fn has_credentials(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.credentials()?.iter().any(|kept| kept == name))
    }

    fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>> {
        match secrets(self).read(name, key) {
            Err(SecretError::Missing { .. }) => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    fn keep_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let secrets = secrets(self);
        secrets.remove(name)?;
        for (key, value) in entries {
            secrets.write(name, key, value.as_bytes())?;
        }
        Ok(())
    }

    fn forget_credentials(&self, name: &str) -> anyhow::Result<bool> {
        Ok(secrets(self).remove(name)?)
    }
}

fn secrets(state: &StateDir) -> Secrets {
    Secrets::in_folder(state.path().join("secrets"))
}
