//! Where are migration files and credentials kept between commands?

use std::collections::BTreeMap;

use generator::Steps;

/// Keeps migration files by session, and credentials by the name that files call them by.
pub trait Keep {
    /// Returns what the steps of a migration are that is submitted from here.
    fn steps(&self) -> Steps;

    /// Returns what messages call the place of a session's file.
    fn session_place(&self, session: &str) -> anyhow::Result<String>;

    /// Reads a session's file.
    fn session(&self, session: &str) -> anyhow::Result<Option<String>>;

    /// Keeps a session's file. One that holds passwords is for the user alone.
    fn keep_session(&self, session: &str, text: &str, has_passwords: bool) -> anyhow::Result<()>;

    /// Forgets a session's file; returns whether there was one.
    fn forget_session(&self, session: &str) -> anyhow::Result<bool>;

    /// Returns the names of the credentials that were kept by us.
    fn credentials(&self) -> anyhow::Result<Vec<String>>;

    /// Returns whether there are credentials of that name, whoever keeps them.
    fn has_credentials(&self, name: &str) -> anyhow::Result<bool>;

    /// Reads an entry, as in `password`.
    fn credential(&self, name: &str, key: &str) -> anyhow::Result<Option<String>>;

    /// Keeps credentials; entries of older ones do not stay.
    fn keep_credentials(
        &self,
        name: &str,
        entries: &BTreeMap<String, String>,
    ) -> anyhow::Result<()>;

    /// Forgets credentials; returns whether there were any.
    fn forget_credentials(&self, name: &str) -> anyhow::Result<bool>;
}
