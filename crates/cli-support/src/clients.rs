//! How do the command lines connect to a cluster of a migration file? With the credentials that
//! are kept under the name of its secret.

use std::{collections::BTreeMap, env};

use cluster::Client;
use contract::{ClusterAccess, Credentials, variables};

/// Makes a client of a cluster. `entry` reads an entry of the cluster's secret, such as
/// `password`, and returns `None` for an absent one: a cluster may need no credentials.
pub fn client(
    access: &ClusterAccess,
    mut entry: impl FnMut(&str) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<Client> {
    let credentials = Credentials {
        username: entry("username")?,
        password: entry("password")?,
        certificate: entry("tls.crt")?,
        key: entry("tls.key")?,
        authority: entry("ca.crt")?,
    };
    let storage: BTreeMap<String, String> =
        env::vars().filter(|(name, _)| variables::is_storage(name)).collect();
    Ok(Client::new(access, &credentials, &storage)?)
}
