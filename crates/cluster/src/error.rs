//! What can go wrong between us and a cluster, and what should the user do?
//!
//! Every message names the cluster, its URL, the cause and the fix. Secrets have no way in: the
//! URL is the endpoint without user information, and headers are never shown.

use std::{error::Error as StdError, fmt, io};

use contract::{Exit, Failure};
use thiserror::Error;

/// Why a cluster gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host name does not resolve.
    Dns,
    /// Nothing listens there.
    Refused,
    /// No secure connection: an untrusted or wrong certificate, or no TLS at all.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke, or no route leads there.
    Lost,
}

/// A fault in talking to a cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The description of the cluster cannot be used.
    #[error("cluster `{cluster}` at `{url}` cannot be addressed: {problem}")]
    Configuration {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// There was no answer.
    #[error("cluster `{cluster}` at `{url}` cannot be reached: {cause}: {detail}; {}", cause.fix(detail, url))]
    Unreachable {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// The kind of fault.
        cause: Cause,
        /// What the network said.
        detail: String,
    },
    /// Status 401.
    #[error(
        "cluster `{cluster}` at `{url}` does not accept the credentials (status 401: {reason}); \
         check `authConfig` of this cluster and the Secret or `workflow configure credentials` \
         behind it"
    )]
    Unauthorized {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// What the cluster said.
        reason: String,
    },
    /// Status 403.
    #[error(
        "cluster `{cluster}` at `{url}` does not permit `{request}` (status 403: {reason}); give \
         the user of `authConfig` this permission"
    )]
    Forbidden {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// Method and path.
        request: String,
        /// What the cluster said.
        reason: String,
    },
    /// Any other status that is no success.
    #[error("cluster `{cluster}` at `{url}` answered `{request}` with status {status}: {reason}")]
    Refused {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The type of the error, such as `index_not_found_exception`.
        kind: Option<String>,
        /// What the cluster said.
        reason: String,
    },
    /// The answer is not what this API answers.
    #[error(
        "cluster `{cluster}` at `{url}` answered `{request}` (status {status}) with something \
         else than expected; is a proxy or another service at this address?"
    )]
    NotUnderstood {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
    /// The answer came, but does not cover all that was asked for.
    #[error("cluster `{cluster}` at `{url}` answered `{request}` in part only: {problem}")]
    Incomplete {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// Method and path.
        request: String,
        /// What is missing.
        problem: String,
    },
}

impl ClusterError {
    /// Returns whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { cause, .. } => *cause != Cause::Tls,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::Incomplete { .. } => true,
            Self::Configuration { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotUnderstood { .. } => false,
        }
    }

    /// Returns whether the cluster said that what was asked for does not exist.
    pub fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// Returns the HTTP status, if the cluster answered with one that is an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::Refused { status, .. } => Some(*status),
            Self::Configuration { .. }
            | Self::Unreachable { .. }
            | Self::NotUnderstood { .. }
            | Self::Incomplete { .. } => None,
        }
    }

    /// Returns the type of error that the cluster told, such as `repository_missing_exception`.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => kind.as_deref(),
            _ => None,
        }
    }

    /// Returns why there was no answer, if there was none.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unreachable { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// Returns the code that a step or command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            _ if self.is_temporary() => Exit::Temporary,
            Self::Configuration { .. } => Exit::Invalid,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Exit::NotPermitted,
            _ => Exit::Failed,
        }
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let mut message = error.to_string();
        let mut source = StdError::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::new(error.exit(), message)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dns => "its host name does not resolve (DNS)",
            Self::Refused => "the connection was refused",
            Self::Tls => "no secure connection (TLS)",
            Self::Timeout => "no answer in time",
            Self::Lost => "the connection failed",
        })
    }
}

impl Cause {
    /// Finds the kind of fault in an error of the HTTP library.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        let mut texts = String::new();
        while let Some(cause) = next {
            if is_tls(cause) {
                return Self::Tls;
            }
            if let Some(input) = cause.downcast_ref::<io::Error>()
                && input.kind() == io::ErrorKind::ConnectionRefused
            {
                return Self::Refused;
            }
            texts.push_str(&cause.to_string());
            texts.push('\n');
            next = cause.source();
        }
        if error.is_connect() && texts.contains("dns error") {
            Self::Dns
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Lost
        }
    }

    /// Returns what to do about it.
    fn fix(self, detail: &str, url: &str) -> &'static str {
        match self {
            Self::Dns => "check the host name in `endpoint`, and that it resolves from here",
            Self::Refused => {
                "check host and port in `endpoint`, and that the cluster runs and may be reached \
                 from here"
            }
            Self::Tls if detail.contains("InvalidContentType") => {
                "the server speaks no TLS: is `endpoint` an `http://` one?"
            }
            Self::Tls if detail.contains("UnknownIssuer") => {
                "give its certificate authority as `ca.crt` in the Secret of `authConfig`, or set \
                 `allowInsecure: true`"
            }
            Self::Tls if detail.contains("CertificateRequired") => {
                "the server wants a client certificate: set `authConfig.mtls`"
            }
            Self::Tls => {
                "check that the certificate is valid and names this host, or set \
                 `allowInsecure: true`"
            }
            Self::Timeout => {
                "check firewalls and security groups between here and the cluster, and its load"
            }
            Self::Lost if url.starts_with("http://") => {
                "check that it runs and may be reached from here; if the server speaks TLS, \
                 `endpoint` must begin with `https://`"
            }
            Self::Lost => "check that it runs and may be reached from here",
        }
    }
}

/// Returns whether the TLS library speaks; I/O errors hide their inner errors from `source`, and
/// are wrapped in one another.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        next = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
    }
    false
}

/// Returns the innermost texts of an error of the HTTP library; its URL is not among them.
pub(crate) fn detail_of(error: &reqwest::Error) -> String {
    let mut detail = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        detail = cause.to_string();
        next = cause.source();
    }
    // The resolver goes on with its query in its own words.
    match detail.split_once(" for Query {") {
        Some((reason, _)) => reason.to_owned(),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(cause: Cause, detail: &str) -> ClusterError {
        ClusterError::Unreachable {
            cluster: "legacy".to_owned(),
            url: "https://source:9200".to_owned(),
            cause,
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn a_message_names_cluster_url_cause_and_fix() {
        let text = unreachable(Cause::Tls, "invalid peer certificate: UnknownIssuer").to_string();
        for part in ["`legacy`", "`https://source:9200`", "TLS", "UnknownIssuer", "`ca.crt`"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_tls_fault_is_found_inside_wrapped_input_errors() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let outer = io::Error::other(inner);
        assert!(is_tls(&outer));
        assert!(!is_tls(&io::Error::other("something else")));
    }

    #[test]
    fn passing_faults_end_with_a_code_that_is_tried_again() {
        assert_eq!(unreachable(Cause::Refused, "").exit(), Exit::Temporary);
        assert_eq!(unreachable(Cause::Tls, "").exit(), Exit::Failed);
        let refused = |status| ClusterError::Refused {
            cluster: String::new(),
            url: String::new(),
            request: String::new(),
            status,
            kind: None,
            reason: String::new(),
        };
        assert_eq!(refused(503).exit(), Exit::Temporary);
        assert_eq!(refused(400).exit(), Exit::Failed);
        assert!(refused(404).is_missing());
    }
}
