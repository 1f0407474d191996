//! How does a preview connect to a cluster? With the credentials in the migration file, or with stored
//! ones.

use std::collections::BTreeMap;

use cli_support::CREDENTIAL_ENTRIES;
use cluster::{Client, RetryPolicy};
use contract::{ClusterAccess, Failure};
use generator::Output;

use crate::backend::Configuration;

/// Makes a client that retries for a few seconds only, because a person waits.
pub(super) async fn client(
    configuration: &dyn Configuration,
    output: &Output,
    access: &ClusterAccess,
    secret: Option<&str>,
) -> Result<Client, Failure> {
    let mut entries: BTreeMap<&str, String> = BTreeMap::new();
    if let Some(name) = secret {
        let in_file = output.secrets.iter().find(|secret| secret.name == name);
        for key in CREDENTIAL_ENTRIES {
            let value = match in_file.and_then(|secret| secret.data.get(key)) {
                Some(value) => Some(value.clone()),
                None => configuration.credential(name, key).await?,
            };
            entries.extend(value.map(|value| (key, value)));
        }
    }
    let client = cli_support::client(access, |key| Ok::<_, Failure>(entries.get(key).cloned()))?;
    Ok(client.with_retry_policy(RetryPolicy::BRIEF))
}
