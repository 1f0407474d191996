//! How does a migration file describe its clusters?

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kinds::snapshot::file::SnapshotRepo;

/// A cluster to read from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceCluster {
    /// An `http` or `https` URL. It may be absent when `snapshotRepo.snapshotName` names an
    /// existing snapshot: the cluster is then not needed.
    pub endpoint: Option<String>,
    /// The version in quotes, as in `"7.10.2"`, `ES 7.10` or `OS 1.3`. Detected when absent; a
    /// contradiction is an error.
    pub version: Option<String>,
    /// Accept any server certificate.
    pub allow_insecure: Option<bool>,
    /// How requests are authenticated; requests have no credentials when absent.
    pub auth_config: Option<AuthConfig>,
    /// The repository of its snapshots. When absent, it is a folder of its own in the
    /// installation's default repository.
    pub snapshot_repo: Option<SnapshotRepo>,
}

/// A cluster to write to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetCluster {
    /// An `http` or `https` URL.
    #[schemars(required)]
    pub endpoint: Option<String>,
    /// The version in quotes, as in `"2.19.0"` or `OS 2.19`. Detected when absent; a contradiction
    /// is an error.
    pub version: Option<String>,
    /// Accept any server certificate.
    pub allow_insecure: Option<bool>,
    /// How requests are authenticated; requests have no credentials when absent.
    pub auth_config: Option<AuthConfig>,
}

/// How requests to a cluster are authenticated: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AuthConfig {
    /// User name and password.
    pub basic: Option<BasicAuth>,
    /// AWS Signature Version 4, with the credentials of the pod or the environment.
    pub sigv4: Option<Sigv4Auth>,
    /// A client certificate.
    pub mtls: Option<MtlsAuth>,
}

/// User name and password, from a Secret or, for trials, in clear text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BasicAuth {
    /// A Secret with the keys `username` and `password`, and optionally `ca.crt`.
    pub secret_name: Option<String>,
    /// The user's name in clear text; prefer `secretName`.
    pub username: Option<String>,
    /// The password in clear text; prefer `secretName`.
    pub password: Option<String>,
}

/// AWS Signature Version 4.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sigv4Auth {
    /// The AWS region, as in `us-east-1`.
    #[schemars(required)]
    pub region: Option<String>,
    /// `es` for a managed domain, which is the default, or `aoss` for a serverless collection.
    pub service: Option<String>,
}

/// A client certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MtlsAuth {
    /// A Secret with the keys `tls.crt` and `tls.key`, and optionally `ca.crt`.
    #[schemars(required)]
    pub secret_name: Option<String>,
}
