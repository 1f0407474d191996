//! What can go wrong in a request to a cluster, and what should the user do?
//!
//! Every message names the cluster, its URL, the cause and the fix. Secrets cannot get into a
//! message: the URL is the endpoint without user information, and headers are never shown.

use std::{error::Error as StdError, fmt, io};

use contract::{Exit, Failure};
use thiserror::Error;

/// Why a cluster did not respond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The host name does not resolve.
    Dns,
    /// Nothing listens there.
    Refused,
    /// No secure connection: an untrusted or wrong certificate, or no TLS at all.
    Tls,
    /// No response in time.
    Timeout,
    /// The connection broke, or there is no route to the host.
    Lost,
}

/// A failed request to a cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The configuration of the cluster is not usable.
    #[error("cluster `{cluster}` at `{url}` is not configured correctly: {problem}")]
    Configuration {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// There was no response.
    #[error("cluster `{cluster}` at `{url}` cannot be reached: {cause}: {detail}; {}", cause.fix(detail, url))]
    Unreachable {
        /// The cluster's name.
        cluster: String,
        /// Its endpoint.
        url: String,
        /// The kind of fault.
        cause: Cause,
        /// The error of the network or TLS library.
        detail: String,
    },
    /// Status 401.
    #[error(
        "cluster `{cluster}` at `{url}` does not accept the credentials (status 401: {reason}); \
         check `authConfig` of this cluster, and the user name and password in the Secret that it \
         names (`workflow configure credentials`)"
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
        "cluster `{cluster}` at `{url}` does not permit `{request}` (status 403: {reason}); grant \
         this permission to the user of `authConfig`"
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
    /// Any other status that is not 2xx.
    #[error(
        "cluster `{cluster}` at `{url}` responded to `{request}` with status {status}: {reason}"
    )]
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
    /// The response does not have the form that this API returns.
    #[error(
        "cluster `{cluster}` at `{url}` responded to `{request}` (status {status}) in an unexpected \
         form; check that `endpoint` is the cluster itself, and not a proxy or another service"
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
        /// The part that could not be decoded.
        #[source]
        source: serde_json::Error,
    },
    /// The response does not cover everything that was requested.
    #[error("cluster `{cluster}` at `{url}` responded to `{request}` incompletely: {problem}")]
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
    /// Returns whether a later attempt may succeed.
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

    /// Returns whether the cluster said that the requested object does not exist.
    pub fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// Returns the HTTP status if the cluster responded with an error status.
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

    /// Returns the error type in the response, such as `repository_missing_exception`.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => kind.as_deref(),
            _ => None,
        }
    }

    /// Returns why there was no response, if there was none.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unreachable { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// Returns the exit code of a step or command that fails with this error.
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
        Self::of(error.exit(), &error)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Dns => "its host name does not resolve (DNS)",
            Self::Refused => "the connection was refused",
            Self::Tls => "no secure connection (TLS)",
            Self::Timeout => "no response in time",
            Self::Lost => "the connection failed",
        })
    }
}

impl Cause {
    /// Classifies an error of the HTTP library.
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

    /// Returns what the user should do.
    fn fix(self, detail: &str, url: &str) -> &'static str {
        match self {
            Self::Dns => "check the host name in `endpoint`, and that it resolves from here",
            Self::Refused => {
                "check host and port in `endpoint`, and that the cluster is running and can be \
                 reached from here"
            }
            Self::Tls if detail.contains("InvalidContentType") => {
                "the server probably does not use TLS; then `endpoint` must begin with `http://`"
            }
            Self::Tls if detail.contains("UnknownIssuer") => {
                "add its certificate authority as `ca.crt` to the Secret of `authConfig`, or set \
                 `allowInsecure: true`"
            }
            Self::Tls if detail.contains("CertificateRequired") => {
                "the server requires a client certificate: set `authConfig.mtls`"
            }
            Self::Tls => {
                "check that the certificate is valid for this host name, or set \
                 `allowInsecure: true`"
            }
            Self::Timeout => {
                "check the firewalls and security groups on the way to the cluster, and its load"
            }
            Self::Lost if url.starts_with("http://") => {
                "check that it is running and can be reached from here; if the server uses TLS, \
                 `endpoint` must begin with `https://`"
            }
            Self::Lost => "check that it is running and can be reached from here",
        }
    }
}

/// Returns whether an error comes from the TLS library. I/O errors are nested, and do not show
/// their inner error as `source`.
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

/// Returns the innermost text of an error of the HTTP library; it does not contain the URL.
pub(crate) fn detail_of(error: &reqwest::Error) -> String {
    let mut detail = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        detail = cause.to_string();
        next = cause.source();
    }
    // The resolver appends its query in a debug format.
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
    fn transient_faults_end_with_a_code_that_is_tried_again() {
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
