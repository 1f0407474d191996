//! Which flags do all commands of both command lines take?

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use contract::{Exit, Failure};

use crate::{output::Format, state_dir::StateDirFlags};

/// Where Kubernetes mounts the token of a pod's service account.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct CommonFlags {
    /// Where state is kept on this machine.
    #[command(flatten)]
    pub state: StateDirFlags,
    /// What runs the migrations.
    #[command(flatten)]
    pub engine: EngineFlags,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// The flags and variables that say what runs the migrations.
#[derive(Clone, Debug, Args)]
pub struct EngineFlags {
    /// What runs the migrations [default: argo inside a pod with a service account, else local].
    #[arg(long, env = "ARGOSY_ENGINE", global = true, value_enum)]
    engine: Option<EngineName>,
    /// The context of the kubeconfig file, for `--engine argo` [default: its current one].
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The namespace, for `--engine argo` [default: that of the context or of the pod].
    #[arg(short, long, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// The kubeconfig file, for `--engine argo` [default: ~/.kube/config, or the pod's account].
    #[arg(long, env = "KUBECONFIG", global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    #[arg(long, env = "KUBERNETES_SERVICE_HOST", hide = true, global = true)]
    kubernetes_service_host: Option<String>,
}

/// The value of `--engine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// The embedded engine, on this machine.
    Local,
    /// Argo Workflows, on a Kubernetes cluster.
    Argo,
}

/// What runs the migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// The embedded engine, on this machine.
    Local,
    /// Argo Workflows, on a Kubernetes cluster.
    Argo(KubernetesAccess),
}

/// How to reach a Kubernetes cluster, and which namespace to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesAccess {
    /// The kubeconfig files as in `KUBECONFIG`: one, or several separated by `:`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// Whether to use the service account of the pod that this process runs in.
    pub in_pod: bool,
}

impl EngineFlags {
    /// Returns the engine that the flags name. The default is Argo inside a pod with a service
    /// account, and the embedded engine elsewhere.
    pub fn choose(&self) -> Result<EngineChoice, Failure> {
        self.choose_with(Path::new(POD_TOKEN).exists())
    }

    /// Returns the Kubernetes cluster that the flags name, for commands that need one whatever the
    /// engine is.
    pub fn access(&self) -> KubernetesAccess {
        self.access_with(Path::new(POD_TOKEN).exists())
    }

    fn access_with(&self, has_token: bool) -> KubernetesAccess {
        let Self { engine: _, context, namespace, kubeconfig, kubernetes_service_host } = self;
        let has_account = has_token && kubernetes_service_host.is_some();
        KubernetesAccess {
            kubeconfig: kubeconfig.clone(),
            context: context.clone(),
            namespace: namespace.clone(),
            in_pod: has_account && kubeconfig.is_none() && context.is_none(),
        }
    }

    fn choose_with(&self, has_token: bool) -> Result<EngineChoice, Failure> {
        let Self { engine, context, namespace, kubeconfig: _, kubernetes_service_host } = self;
        let has_account = has_token && kubernetes_service_host.is_some();
        let default = if has_account { EngineName::Argo } else { EngineName::Local };
        if engine.unwrap_or(default) == EngineName::Argo {
            return Ok(EngineChoice::Argo(self.access_with(has_token)));
        }
        for (flag, value) in [("--context", context), ("--namespace", namespace)] {
            if value.is_some() {
                let message = format!(
                    "`{flag}` is about a cluster, and the embedded engine runs on this machine; \
                     add `--engine argo` or set ARGOSY_ENGINE=argo"
                );
                return Err(Failure::new(Exit::Invalid, message));
            }
        }
        Ok(EngineChoice::Local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> EngineFlags {
        EngineFlags {
            engine: None,
            context: None,
            namespace: None,
            kubeconfig: None,
            kubernetes_service_host: None,
        }
    }

    #[test]
    fn a_pod_with_an_account_uses_argo_and_a_laptop_does_not() {
        let in_pod =
            EngineFlags { kubernetes_service_host: Some("10.0.0.1".to_owned()), ..flags() };
        let access = KubernetesAccess { in_pod: true, ..KubernetesAccess::default() };
        assert_eq!(in_pod.choose_with(true).expect("a choice"), EngineChoice::Argo(access));
        assert_eq!(in_pod.choose_with(false).expect("a choice"), EngineChoice::Local);
        assert_eq!(flags().choose_with(false).expect("a choice"), EngineChoice::Local);
        let asked = EngineFlags { engine: Some(EngineName::Local), ..in_pod };
        assert_eq!(asked.choose_with(true).expect("a choice"), EngineChoice::Local);
    }

    #[test]
    fn a_flag_about_a_cluster_is_not_silently_ignored() {
        let wrong = EngineFlags { namespace: Some("ma".to_owned()), ..flags() };
        let error = wrong.choose_with(false).expect_err("no cluster");
        assert!(error.message.contains("--namespace"), "{}", error.message);
        let right = EngineFlags { engine: Some(EngineName::Argo), ..wrong };
        let access =
            KubernetesAccess { namespace: Some("ma".to_owned()), ..KubernetesAccess::default() };
        assert_eq!(right.choose_with(false).expect("a choice"), EngineChoice::Argo(access));
    }
}
