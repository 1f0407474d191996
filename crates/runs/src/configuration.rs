//! Where are migration files and credentials stored between commands?

use std::collections::BTreeMap;

use async_trait::async_trait;
use generator::Steps;

/// Migration files by session, and credentials by the name that migration files use.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// Returns what the steps of a migration run as.
    fn steps(&self) -> Steps;

    /// Returns what messages call the migration file of a session.
    fn session_location(&self, session: &str) -> anyhow::Result<String>;

    /// Reads the migration file of a session.
    async fn session(&self, session: &str) -> anyhow::Result<Option<String>>;

    /// Stores the migration file of a session. A file with passwords is readable by the user alone.
    async fn save_session(
        &self,
        session: &str,
        text: &str,
        has_passwords: bool,
    ) -> anyhow::Result<()>;

    /// Deletes the migration file of a session; returns whether there was one.
    async fn delete_session(&self, session: &str) -> anyhow::Result<bool>;

    /// Returns the names of the credentials that were stored by [`Self::save_credentials`].
    async fn credentials(&self) -> anyhow::Result<Vec<String>>;

    /// Returns whether there are credentials of that name, also if something else stored them.
    async fn has_credentials(&self, name: &str) -> anyhow::Result<bool>;

    /// Reads an entry of credentials, as in `password`.
    async fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>>;

    /// Stores credentials. They replace all entries that had the same name.
    async fn save_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()>;

    /// Deletes credentials; returns whether there were any.
    async fn delete_credentials(&self, name: &str) -> anyhow::Result<bool>;
}
