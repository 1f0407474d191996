//! How is a cluster of a migration file talked to? With the credentials under its secret's name.

use std::collections::BTreeMap;

use cluster::Client;
use contract::{ClusterAccess, Credentials, variables};

/// Makes a client of a cluster. `entry` reads an entry of the secret, as in `password`; what is not
/// there is `None`, for a cluster may need none.
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
        std::env::vars().filter(|(name, _)| variables::is_storage(name)).collect();
    Ok(Client::new(access, &credentials, &storage)?)
}
