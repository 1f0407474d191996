//! How is a cluster reached, and with which credentials?
//!
//! [`ClusterAccess`] travels in requests and manifests and never holds a secret;
//! [`Credentials`] come from the environment of the step (filled from a Secret) and are never
//! serialised.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::version::ServerVersion;

/// Where a cluster is and how it wants to be addressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterAccess {
    /// The cluster's name in the migration file, for messages.
    pub name: String,
    /// A plain `http` or `https` URL, without credentials, query or fragment.
    pub endpoint: String,
    /// The version the user wrote; a contradiction with the detected one is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ServerVersion>,
    /// Accept any server certificate.
    #[serde(default)]
    pub allow_insecure: bool,
    /// How requests are authenticated.
    #[serde(default)]
    pub auth: Auth,
}

/// How requests to a cluster are authenticated; the secrets themselves are [`Credentials`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Auth {
    /// No authentication.
    #[default]
    None,
    /// User name and password.
    Basic,
    /// AWS Signature Version 4, with credentials of the standard AWS chain.
    Sigv4 {
        /// The AWS region, as in `us-east-1`.
        region: String,
        /// `es` (managed domain) or `aoss` (serverless collection).
        service: String,
    },
    /// A client certificate.
    Mtls,
}

/// The secrets for one cluster, as read from the environment of the process.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User name for [`Auth::Basic`].
    pub username: Option<String>,
    /// Password for [`Auth::Basic`].
    pub password: Option<String>,
    /// PEM client certificate for [`Auth::Mtls`].
    pub certificate: Option<String>,
    /// PEM private key for [`Auth::Mtls`].
    pub key: Option<String>,
    /// PEM certificate authority to trust beside the built-in ones.
    pub authority: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |value: &Option<String>| if value.is_some() { "(given)" } else { "(absent)" };
        formatter
            .debug_struct("Credentials")
            .field("username", &given(&self.username))
            .field("password", &given(&self.password))
            .field("certificate", &given(&self.certificate))
            .field("key", &given(&self.key))
            .field("authority", &given(&self.authority))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let credentials =
            Credentials { password: Some("hunter2".to_owned()), ..Credentials::default() };
        let text = format!("{credentials:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("(given)"), "{text}");
    }
}
