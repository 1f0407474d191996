//! How do the command lines connect to a cluster of a migration file? With the credentials that
//! are kept under the name of its secret.

use std::{collections::BTreeMap, env};

use cluster::{Client, ClusterError};
use contract::{ClusterAccess, Credentials, variables};

/// The entries of a secret with credentials for a cluster.
pub const CREDENTIAL_ENTRIES: [&str; 5] = ["username", "password", "tls.crt", "tls.key", "ca.crt"];

/// Makes a client of a cluster. `entry` reads an entry of the cluster's secret, such as
/// `password`, and returns `None` for an absent one: a cluster may need no credentials.
pub fn client<E: From<ClusterError>>(
    access: &ClusterAccess,
    mut entry: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<Client, E> {
    let [username, password, certificate, key, authority] = CREDENTIAL_ENTRIES;
    let credentials = Credentials {
        username: entry(username)?,
        password: entry(password)?,
        certificate: entry(certificate)?,
        key: entry(key)?,
        authority: entry(authority)?,
    };
    let storage: BTreeMap<String, String> =
        env::vars().filter(|(name, _)| variables::is_storage(name)).collect();
    Ok(Client::new(access, &credentials, &storage)?)
}
