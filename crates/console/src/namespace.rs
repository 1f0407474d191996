//! Reads migration files and credentials that `workflow` stores in a namespace of a cluster.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cli_support::{KubernetesAccess, session_file};
use contract::{Exit, Failure};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// A namespace of a Kubernetes cluster.
pub(crate) struct Namespace {
    client: Client,
    name: String,
}

impl Namespace {
    /// Finds the API server and the namespace. Sends no request yet.
    pub(crate) async fn connect(access: &KubernetesAccess) -> anyhow::Result<Self> {
        let KubernetesAccess { kubeconfig, context, namespace, in_pod } = access;
        let config = if *in_pod {
            Config::incluster().context("reading the account of this pod")?
        } else {
            let options =
                KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
            let mut read = Kubeconfig::default();
            match kubeconfig {
                None => read = Kubeconfig::read()?,
                Some(files) => {
                    for file in std::env::split_paths(files) {
                        read = read.merge(Kubeconfig::read_from(file)?)?;
                    }
                }
            }
            Config::from_custom_kubeconfig(read, &options).await?
        };
        let name = namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        Ok(Self { client: Client::try_from(config)?, name })
    }

    /// Reads the migration file of a session.
    pub(crate) async fn session(&self, session: &str) -> anyhow::Result<String> {
        let object = session_file::object_name(session).map_err(Failure::from)?;
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.name);
        let map = maps.get_opt(&object).await.map_err(|error| self.refused("configmaps", error))?;
        if let Some(text) = map.and_then(|map| map.data?.remove(session_file::ENTRY)) {
            return Ok(text);
        }
        // A file with passwords is stored as a Secret.
        let mut entries = self.secret(&object).await?;
        entries.remove(session_file::ENTRY).ok_or_else(|| {
            let message = format!(
                "session `{session}` has no migration file in namespace `{}`; run `workflow \
                 configure sample --load` and `workflow configure edit`, or name a file",
                self.name
            );
            Failure::new(Exit::NotFound, message).into()
        })
    }

    /// Reads the entries of a Secret; an absent one has none.
    pub(crate) async fn secret(&self, name: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.name);
        let found = secrets.get_opt(name).await.map_err(|error| self.refused("secrets", error))?;
        let data = found.and_then(|secret| secret.data).unwrap_or_default();
        data.into_iter()
            .map(|(key, value)| {
                let text = String::from_utf8(value.0)
                    .with_context(|| format!("entry `{key}` of Secret `{name}` is not text"))?;
                Ok((key, text))
            })
            .collect()
    }

    fn refused(&self, resource: &str, error: kube::Error) -> anyhow::Error {
        let exit = match &error {
            kube::Error::Api(status) if status.code == 403 => Exit::NotPermitted,
            _ => Exit::Failed,
        };
        let message = format!(
            "reading `{resource}` in namespace `{}`: {:#}; a Role of that namespace needs the verb \
             `get` for them",
            self.name,
            anyhow::Error::new(error)
        );
        Failure::new(exit, message).into()
    }
}
