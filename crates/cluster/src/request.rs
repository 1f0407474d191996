//! What is sent to a cluster, as a value that tests can compare?

use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// All characters except those that RFC 3986 leaves unencoded, as SigV4 requires.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request: method, path, query and body.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path below the endpoint, with a leading `/`; see [`path`].
    pub path: String,
    /// Names and values of the query, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Whether it may be sent again when it is unknown whether it was executed.
    pub repeat: Repeat,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// No body.
    None,
    /// One JSON value.
    Json(Value),
    /// Lines of JSON, each with its newline.
    Ndjson(Bytes),
}

/// Whether a request may be sent again when it is unknown whether it was executed.
///
/// A request that certainly was not executed (no connection, 429, 503) is always sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A second execution changes nothing.
    Safe,
    /// A second execution changes something.
    Unsafe,
}

impl Request {
    /// Makes a request without query and body; a `POST` is [`Repeat::Unsafe`], all others are safe.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let repeat = if method == Method::POST { Repeat::Unsafe } else { Repeat::Safe };
        Self { method, path: path.into(), query: Vec::new(), body: Body::None, repeat }
    }

    /// Makes a `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Makes a `HEAD`.
    pub fn head(path: impl Into<String>) -> Self {
        Self::new(Method::HEAD, path)
    }

    /// Makes a `PUT`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Makes a `POST`, which is [`Repeat::Unsafe`].
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Makes a `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a name and a value to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Sets a body of JSON lines.
    #[must_use]
    pub fn ndjson(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Ndjson(body.into());
        self
    }

    /// Sets whether the request may be executed twice.
    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Returns path and query as written in the request line.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (position, (name, value)) in self.query.iter().enumerate() {
            let separator = if position == 0 { '?' } else { '&' };
            let name = utf8_percent_encode(name, ENCODED);
            let value = utf8_percent_encode(value, ENCODED);
            // Writing to a string cannot fail.
            let _ = write!(target, "{separator}{name}={value}");
        }
        target
    }
}

/// Method and path, as messages name a request.
impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

/// Makes a path of segments: `path(&["logs 1", "_doc", "a/b"])` is `/logs%201/_doc/a%2Fb`.
pub fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ENCODED));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded() {
        let request = Request::get(path(&["a b", "_doc", "x/y?z#é+*,"]))
            .query("routing", "k&v=1 2")
            .query("refresh", "true");
        assert_eq!(
            request.target(),
            "/a%20b/_doc/x%2Fy%3Fz%23%C3%A9%2B%2A%2C?routing=k%26v%3D1%202&refresh=true"
        );
    }

    #[test]
    fn only_a_post_is_not_repeated_by_itself() {
        assert_eq!(Request::get("/").repeat, Repeat::Safe);
        assert_eq!(Request::put("/a").repeat, Repeat::Safe);
        assert_eq!(Request::post("/_bulk").repeat, Repeat::Unsafe);
    }
}
