//! Which clusters does a migration file name, and how are they reached?

use cli_support::{EngineChoice, StateDir, session_file};
use cluster::Client;
use contract::{ClusterAccess, Exit, Failure};
use engine::secrets::{SecretError, Secrets};
use generator::{
    Cluster, Clusters, Installation,
    findings::{self, Colour},
};

use crate::{args::Global, namespace::Namespace};

/// Whether a cluster is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Target,
}

impl Role {
    /// Returns the word for it in commands.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// A cluster of the file.
pub(crate) struct NamedCluster {
    /// Whether it is read or written.
    pub(crate) role: Role,
    /// Its name in the file.
    pub(crate) name: String,
    /// The client to reach it with.
    pub(crate) client: Client,
}

/// Where migration files and credentials are storage.
enum Storage {
    /// The state directory of this machine.
    Local(StateDir),
    /// A namespace of a Kubernetes cluster.
    Namespace(Namespace),
}

impl Storage {
    async fn open(global: &Global) -> anyhow::Result<Self> {
        Ok(match global.common.engine.choose()? {
            EngineChoice::Local => Self::Local(StateDir::choose(&global.common.state)?),
            EngineChoice::Argo(access) => Self::Namespace(Namespace::connect(&access).await?),
        })
    }

    async fn session(&self, session: &str) -> anyhow::Result<String> {
        match self {
            Self::Local(state) => Ok(session_file::read(state, session).map_err(Failure::from)?),
            Self::Namespace(namespace) => namespace.session(session).await,
        }
    }

    /// Makes a client of a cluster, with the credentials of that name.
    async fn client(&self, access: &ClusterAccess, secret: Option<&str>) -> anyhow::Result<Client> {
        match (self, secret) {
            (_, None) => cli_support::client(access, |_| Ok(None)),
            (Self::Local(state), Some(name)) => {
                let secrets = Secrets::in_folder(state.path().join("secrets"));
                cli_support::client(access, |key| match secrets.read(name, key) {
                    Err(SecretError::Missing { .. }) => Ok(None),
                    read => Ok(Some(read?)),
                })
            }
            (Self::Namespace(namespace), Some(name)) => {
                let entries = namespace.secret(name).await?;
                cli_support::client(access, |key| Ok(entries.get(key).cloned()))
            }
        }
    }
}

/// Returns the clusters of the migration file that `wanted` selects: `source`, `target`, a name, or
/// all of them.
pub(crate) async fn open(
    global: &Global,
    wanted: Option<&str>,
) -> anyhow::Result<Vec<NamedCluster>> {
    let storage = Storage::open(global).await?;
    let (text, name) = match &global.config_file {
        Some(path) => (fs_err::read_to_string(path)?, path.display().to_string()),
        None => (storage.session(&global.session).await?, "migration.yaml".to_owned()),
    };
    let in_file = clusters(&text, &name)?;
    let sources = in_file.sources().map(|cluster| (Role::Source, cluster));
    let targets = in_file.targets().map(|cluster| (Role::Target, cluster));
    let mut clusters = Vec::new();
    for (role, Cluster { access, secret, .. }) in sources.chain(targets) {
        if wanted.is_none_or(|wanted| wanted == role.word() || wanted == access.name) {
            let client = storage.client(access, secret.as_deref()).await?;
            clusters.push(NamedCluster { role, name: access.name.clone(), client });
        }
    }
    if clusters.is_empty() {
        let wanted = wanted.unwrap_or("any cluster");
        let message =
            format!("`{name}` has no cluster `{wanted}`; use `source`, `target` or a name");
        return Err(Failure::new(Exit::NotFound, message).into());
    }
    Ok(clusters)
}

fn clusters(text: &str, name: &str) -> anyhow::Result<Clusters> {
    let read = generator::clusters(text, &Installation::default());
    read.clusters.ok_or_else(|| {
        let printed = findings::text(&read.findings, text, name, Colour::Never);
        Failure::new(Exit::Invalid, format!("{name} has errors\n{printed}")).into()
    })
}
