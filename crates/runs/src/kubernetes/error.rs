//! What can go wrong on a cluster, apart from a single request?

use argo::{NodePhase, UnknownPhase};
use contract::{Exit, Failure};
use kube::config::{InClusterError, KubeconfigError};
use thiserror::Error;
use tokio::task::JoinError;

use super::fault::Fault;

/// A fault of Argo Workflows, or of the cluster that it runs on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArgoError {
    /// A request to the API server.
    #[error(transparent)]
    Request(#[from] Fault),
    /// The service account of this pod.
    #[error("reading the account of this pod")]
    PodAccount(#[source] InClusterError),
    /// No kubeconfig that names a cluster.
    #[error(
        "no cluster to connect to: {}; name a file with `--kubeconfig`, a context in it with \
         `--context`, or run on this machine with `--engine local`",
        with_causes(cause)
    )]
    NoCluster {
        /// Why.
        cause: KubeconfigError,
    },
    /// The name of the namespace is not one.
    #[error("`{namespace}` cannot name a namespace")]
    Namespace {
        /// The name.
        namespace: String,
    },
    /// The configuration of the client.
    #[error("making a client of the API server")]
    Client(#[source] kube::Error),
    /// The nodes of a Workflow.
    #[error(transparent)]
    Nodes(#[from] UnpackError),
    /// The phase of a Workflow or of a node.
    #[error(transparent)]
    Phase(#[from] UnknownPhase),
    /// A manifest that is no JSON.
    #[error(transparent)]
    Manifest(#[from] serde_json::Error),
    /// A task that reads the log of a pod ended without a result.
    #[error(transparent)]
    Aborted(#[from] JoinError),
    /// Gates cannot be approved in advance.
    #[error("the manifests have no ConfigMap of decisions")]
    NoDecisions,
    /// The run was removed, or replaced by a newer one.
    #[error(
        "run `{uid}` of workflow `{name}` does not exist any more: it was removed or replaced; \
         `workflow status --all` lists the runs"
    )]
    Gone {
        /// The name of the workflow.
        name: String,
        /// The uid of the run.
        uid: String,
    },
    /// The ended run was not deleted in time.
    #[error(
        "workflow `{name}` is still being deleted (it waits for {finalizers}); check whether its \
         pods are still ending with `kubectl get pods -n {namespace} -l \
         workflows.argoproj.io/workflow={name}`, then try again"
    )]
    StillDeleting {
        /// The name of the workflow.
        name: String,
        /// The finalizers that the Workflow has left.
        finalizers: String,
        /// The namespace.
        namespace: String,
    },
    /// The pod of a step that runs again was not deleted in time.
    #[error("pod `{pod}` is still ending; try again when it is gone")]
    PodEnding {
        /// The name of the pod.
        pod: String,
    },
    /// A submission that did not finish cannot be resumed.
    #[error(
        "the submission of `{name}` did not finish, so there is nothing to resume; run `workflow \
         submit` again"
    )]
    HalfSubmitted {
        /// The name of the workflow.
        name: String,
    },
    /// The run cannot be resumed, because it did not fail.
    #[error(
        "workflow `{name}` is {phase}; only a failed workflow can be resumed, and `workflow \
         submit` starts it again"
    )]
    NotFailed {
        /// The name of the workflow.
        name: String,
        /// How far it is.
        phase: NodePhase,
    },
    /// The run cannot be resumed, because its nodes are in Argo's database.
    #[error(
        "Argo has moved the nodes of `{name}` to its database, which only Argo's own server can \
         change; run `argo retry {name}`, or `workflow submit` to start it again"
    )]
    Offloaded {
        /// The name of the workflow.
        name: String,
    },
    /// The run cannot be resumed, because it has no nodes.
    #[error(
        "workflow `{name}` failed before any step ran: {reason}; fix that and run `workflow submit`"
    )]
    NoSteps {
        /// The name of the workflow.
        name: String,
        /// What Argo says.
        reason: String,
    },
    /// The run changed between reading and writing.
    #[error(
        "another process changed workflow `{name}` at the same time; check it with `workflow \
         status {name}`, then run `workflow resume` again"
    )]
    Changed {
        /// The name of the workflow.
        name: String,
    },
    /// A termination that would leave workers behind.
    #[error(
        "nothing was ended: terminating would leave the workers of `{name}` running, because \
         this account may not end them. Run `workflow stop {name}`: its cleanup ends them and \
         needs no such right. What is missing is {fault}"
    )]
    FleetsForbidden {
        /// The name of the workflow.
        name: String,
        /// What is not permitted.
        fault: Fault,
    },
    /// The Workflow could not be terminated.
    #[error("terminating `{name}`{}", after(fleets))]
    Terminating {
        /// The name of the workflow.
        name: String,
        /// Descriptions of the fleets of workers that were ended before.
        fleets: Vec<String>,
        /// Why.
        source: Fault,
    },
    /// Objects of an installation are not permitted.
    #[error(
        "{}\n{applied} of {all} objects were applied; an administrator can apply the rest with \
         `workflow install --print --namespace {namespace} | kubectl apply -f -`",
        refusals.join("\n")
    )]
    InstallForbidden {
        /// What is missing, one entry for each kind of object.
        refusals: Vec<String>,
        /// The number of objects that were applied.
        applied: usize,
        /// The number of objects of the installation.
        all: usize,
        /// The namespace.
        namespace: String,
    },
    /// A Secret that is not ours is not deleted.
    #[error(
        "Secret `{name}` was not created by `workflow configure credentials`; if nothing else \
         needs it, run `kubectl delete secret {name} -n {namespace}`"
    )]
    ForeignSecret {
        /// The name of the Secret.
        name: String,
        /// The namespace.
        namespace: String,
    },
    /// An entry of a Secret is not text.
    #[error("entry `{key}` of Secret `{name}` is not UTF-8 text; create it again")]
    NotText {
        /// The name of the Secret.
        name: String,
        /// The entry.
        key: String,
    },
}

/// Packed nodes that cannot be unpacked.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// Not base64.
    #[error("the compressed nodes of the workflow are not base64")]
    Base64(#[from] base64::DecodeError),
    /// Not gzip.
    #[error("the compressed nodes of the workflow cannot be unpacked")]
    Gzip(#[from] std::io::Error),
    /// Not a map of nodes.
    #[error("the compressed nodes of the workflow are not a map of nodes")]
    Json(#[from] serde_json::Error),
}

impl ArgoError {
    /// Returns the code that a command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Request(fault) | Self::Terminating { source: fault, .. } => fault.exit(),
            Self::NoCluster { .. } | Self::Namespace { .. } | Self::NotText { .. } => Exit::Invalid,
            Self::Gone { .. } => Exit::NotFound,
            Self::StillDeleting { .. } | Self::PodEnding { .. } => Exit::TimedOut,
            Self::HalfSubmitted { .. }
            | Self::NotFailed { .. }
            | Self::NoSteps { .. }
            | Self::Changed { .. }
            | Self::ForeignSecret { .. } => Exit::Conflict,
            Self::FleetsForbidden { .. } | Self::InstallForbidden { .. } => Exit::NotPermitted,
            Self::PodAccount(_)
            | Self::Client(_)
            | Self::Nodes(_)
            | Self::Phase(_)
            | Self::Manifest(_)
            | Self::Aborted(_)
            | Self::NoDecisions
            | Self::Offloaded { .. } => Exit::Failed,
        }
    }
}

/// Says which fleets were ended before the request that failed.
fn after(fleets: &[String]) -> String {
    match fleets {
        [] => String::new(),
        fleets => format!(", after its workers were ended: {}", fleets.join(", ")),
    }
}

/// Returns the text of an error and of its causes.
fn with_causes(error: &KubeconfigError) -> String {
    Failure::of(Exit::Invalid, error).message
}
