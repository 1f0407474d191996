//! Is an endpoint a plain `http` or `https` URL? Clusters and object stores are addressed so.

use thiserror::Error;
use url::Url;

use crate::{
    findings::report::Report,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[NOT_PLAIN];

/// Not a plain URL.
const NOT_PLAIN: Rule = Rule {
    id: "cluster::endpoint",
    severity: Severity::Error,
    summary: "an endpoint is not a plain `http` or `https` URL",
    docs: "An endpoint is scheme, host, port and, if need be, a path. Credentials in it would be \
           visible in logs and manifests: write them under `authConfig`. A query or fragment is \
           refused, because requests add their own path.",
};

/// A plain URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The URL without a slash at its end.
    pub url: String,
    /// The host in it.
    pub host: String,
}

/// Why a text is no plain URL.
#[derive(Debug, PartialEq, Eq, Error)]
enum EndpointError {
    /// A space, which readers of URLs drop at the ends and nowhere else.
    #[error("it has a space in it")]
    Space,
    /// It cannot be read as a URL.
    #[error("it is not a URL: {0}")]
    Syntax(url::ParseError),
    /// Another scheme.
    #[error("its scheme is `{0}`, not `http` or `https`")]
    Scheme(String),
    /// No host.
    #[error("it has no host")]
    Host,
    /// A user name or password.
    #[error("it contains credentials, which would be visible in logs and manifests")]
    Credentials,
    /// A query or a fragment.
    #[error("it has a `{0}`, which is not allowed, because each request adds its own path")]
    Rest(char),
}

/// Proves an endpoint.
pub(crate) fn prove(text: &str, path: &Pointer, report: &mut Report<'_>) -> Option<Endpoint> {
    let error = match parse(text) {
        Ok(endpoint) => return Some(endpoint),
        Err(error) => error,
    };
    let help = match &error {
        EndpointError::Credentials => "take them out, and name a Secret in `authConfig.basic`",
        EndpointError::Rest(_) => "end the URL before it",
        EndpointError::Space
        | EndpointError::Syntax(_)
        | EndpointError::Scheme(_)
        | EndpointError::Host => "write it as in `https://search.example.com:9200`",
    };
    // The message does not repeat the value: it may hold a password.
    report.value(&NOT_PLAIN, path, format!("this endpoint cannot be used: {error}")).help(help);
    None
}

/// Reads a URL.
fn parse(text: &str) -> Result<Endpoint, EndpointError> {
    if text.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(EndpointError::Space);
    }
    let url = Url::parse(text).map_err(EndpointError::Syntax)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError::Scheme(url.scheme().to_owned()));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(EndpointError::Host)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    if url.query().is_some() {
        return Err(EndpointError::Rest('?'));
    }
    if url.fragment().is_some() {
        return Err(EndpointError::Rest('#'));
    }
    Ok(Endpoint { url: text.trim_end_matches('/').to_owned(), host: host.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::printed;

    fn url(text: &str) -> Result<String, EndpointError> {
        parse(text).map(|endpoint| endpoint.url)
    }

    #[test]
    fn plain_urls_stay_as_they_are() {
        assert_eq!(url("https://source:9200").as_deref(), Ok("https://source:9200"));
        assert_eq!(url("http://[::1]:9200/es/").as_deref(), Ok("http://[::1]:9200/es"));
    }

    #[test]
    fn other_texts_are_refused() {
        assert!(matches!(url("source:9200"), Err(EndpointError::Scheme(_))));
        assert!(matches!(url("source"), Err(EndpointError::Syntax(_))));
        assert_eq!(url("https://me:secret@a"), Err(EndpointError::Credentials));
        assert_eq!(url("https://a/?pretty"), Err(EndpointError::Rest('?')));
        assert_eq!(url("https://a/#x"), Err(EndpointError::Rest('#')));
        assert_eq!(url(" https://a"), Err(EndpointError::Space));
        assert_eq!(url("https://a\n"), Err(EndpointError::Space));
    }

    #[test]
    fn credentials_and_queries_do_not_belong_into_an_endpoint() {
        let source = r#"
sourceClusters:
  old: { endpoint: "https://me:secret@source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } }
targetClusters: { new: { endpoint: "https://target:9200/?pretty" } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::endpoint]: this endpoint cannot be used: it contains credentials, which would be visible in logs and manifests
         --> migration.yaml:3:20
          |
        3 |   old: { endpoint: "https://*********@source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } }
          |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: take them out, and name a Secret in `authConfig.basic`

        error[cluster::endpoint]: this endpoint cannot be used: it has a `?`, which is not allowed, because each request adds its own path
         --> migration.yaml:4:36
          |
        4 | targetClusters: { new: { endpoint: "https://target:9200/?pretty" } }
          |                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: end the URL before it
        "#);
    }

    #[test]
    fn a_host_without_a_scheme_is_no_url() {
        let source = r#"
sourceClusters: { old: { endpoint: "source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } } }
targetClusters: { new: { endpoint: target } }
migrations:
  - { sourceCluster: old, targetCluster: new, snapshotMigrations: [ { indices: ["*"] } ] }
"#;
        insta::assert_snapshot!(printed(source), @r#"
        error[cluster::endpoint]: this endpoint cannot be used: its scheme is `source`, not `http` or `https`
         --> migration.yaml:2:36
          |
        2 | sourceClusters: { old: { endpoint: "source:9200", snapshotRepo: { repoPathUri: "gs://b/p" } } }
          |                                    ^^^^^^^^^^^^^
          |
          = help: write it as in `https://search.example.com:9200`

        error[cluster::endpoint]: this endpoint cannot be used: it is not a URL: relative URL without a base
         --> migration.yaml:3:36
          |
        3 | targetClusters: { new: { endpoint: target } }
          |                                    ^^^^^^
          |
          = help: write it as in `https://search.example.com:9200`
        "#);
    }
}
