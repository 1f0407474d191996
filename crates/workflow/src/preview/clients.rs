//! How is a cluster of the plan talked to? With the credentials in the file or kept here.

use std::collections::BTreeMap;

use cluster::{Client, Patience};
use engine::environment::Secrets;
use generator::Output;
use session::StateDir;
use step_api::{ClusterAccess, Credentials, process::variables};

/// Makes a client that asks a few seconds long, as a person waits.
pub(crate) fn client(
    state: &StateDir,
    output: &Output,
    access: &ClusterAccess,
    secret: Option<&str>,
) -> anyhow::Result<Client> {
    let secrets = Secrets::in_folder(state.path().join("secrets"));
    let entry = |key: &str| {
        let name = secret?;
        let in_file = output.secrets.iter().find(|secret| secret.name == name);
        match in_file.and_then(|secret| secret.data.get(key)) {
            Some(value) => Some(value.clone()),
            None => secrets.read(name, key).ok(),
        }
    };
    let credentials = Credentials {
        username: entry("username"),
        password: entry("password"),
        certificate: entry("tls.crt"),
        key: entry("tls.key"),
        authority: entry("ca.crt"),
    };
    let storage: BTreeMap<String, String> =
        std::env::vars().filter(|(name, _)| variables::is_storage(name)).collect();
    Ok(Client::new(access, &credentials, &storage)?.with_patience(Patience::LOOKING))
}
