//! How is a cluster of the plan talked to? With the credentials in the file or kept by us.

use cluster::{Client, RetryPolicy};
use contract::ClusterAccess;
use generator::Output;

use crate::backend::Keep;

/// Makes a client that asks a few seconds long, as a person waits.
pub(super) fn client(
    keep: &dyn Keep,
    output: &Output,
    access: &ClusterAccess,
    secret: Option<&str>,
) -> anyhow::Result<Client> {
    let client = cli_support::client(access, |key| {
        let Some(name) = secret else { return Ok(None) };
        let in_file = output.secrets.iter().find(|secret| secret.name == name);
        match in_file.and_then(|secret| secret.data.get(key)) {
            Some(value) => Ok(Some(value.clone())),
            None => keep.credential(name, key),
        }
    })?;
    Ok(client.with_retry_policy(RetryPolicy::BRIEF))
}
