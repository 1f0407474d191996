//! Is a text a plain `http` or `https` URL, as clusters and object stores are addressed?

use thiserror::Error;
use url::Url;

/// Why a text is no plain URL.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum EndpointError {
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
    #[error("it names no host")]
    Host,
    /// A user name or password.
    #[error("it holds credentials, which would be seen in logs and manifests")]
    Credentials,
    /// A query or a fragment.
    #[error("it has a `{0}` part, which requests cannot keep")]
    Rest(char),
}

/// Returns the URL without a slash at its end.
pub(crate) fn plain(text: &str) -> Result<String, EndpointError> {
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err(EndpointError::Space);
    }
    let url = Url::parse(text).map_err(EndpointError::Syntax)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError::Scheme(url.scheme().to_owned()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(EndpointError::Host);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    if url.query().is_some() {
        return Err(EndpointError::Rest('?'));
    }
    if url.fragment().is_some() {
        return Err(EndpointError::Rest('#'));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_urls_stay_as_they_are() {
        assert_eq!(plain("https://source:9200").as_deref(), Ok("https://source:9200"));
        assert_eq!(plain("http://[::1]:9200/es/").as_deref(), Ok("http://[::1]:9200/es"));
    }

    #[test]
    fn other_texts_are_refused() {
        assert!(matches!(plain("source:9200"), Err(EndpointError::Scheme(_))));
        assert!(matches!(plain("source"), Err(EndpointError::Syntax(_))));
        assert_eq!(plain("https://me:secret@a"), Err(EndpointError::Credentials));
        assert_eq!(plain("https://a/?pretty"), Err(EndpointError::Rest('?')));
        assert_eq!(plain("https://a/#x"), Err(EndpointError::Rest('#')));
        assert_eq!(plain(" https://a"), Err(EndpointError::Space));
        assert_eq!(plain("https://a\n"), Err(EndpointError::Space));
    }
}
