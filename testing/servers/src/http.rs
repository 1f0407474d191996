//! How the project's commands and tests talk to a test server: plain requests over loopback, one
//! after the other.
//!
//! Kept apart from the product's own client on purpose: what checks the product must not share
//! its mistakes.

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A server's address and the connection to it. Not to be used inside an async runtime.
#[derive(Debug)]
pub struct Http {
    base: String,
    client: reqwest::Client,
    runtime: Runtime,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Http {
    /// Prepares to talk to a server at an address such as `http://127.0.0.1:9200`.
    pub fn new(base: &str) -> Result<Self> {
        // A second installation is refused, and the first one serves.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client: reqwest::Client::builder().no_proxy().build()?,
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends any request and returns any answer.
    pub fn send(
        &self,
        method: &Method,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Reply> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method.clone(), &url);
        if !body.is_empty() {
            request = request.header("content-type", content_type).body(body);
        }
        self.runtime
            .block_on(async {
                let response = request.header("accept", "application/json").send().await?;
                let status = response.status().as_u16();
                Ok::<_, reqwest::Error>(Reply { status, body: response.bytes().await?.to_vec() })
            })
            .with_context(|| format!("no answer to `{method} {url}`"))
    }

    /// Sends a request that must succeed and returns its JSON.
    pub fn json(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let reply = self.send(method, path, "application/json", bytes)?;
        reply.accepted(method, path)?;
        serde_json::from_slice(&reply.body)
            .with_context(|| format!("the answer to `{method} {path}` is not JSON"))
    }

    /// `GET` that must succeed.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.json(&Method::GET, path, None)
    }

    /// `PUT` of JSON that must succeed.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(&Method::PUT, path, Some(body))
    }

    /// `POST` of JSON that must succeed.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(&Method::POST, path, Some(body))
    }

    /// `DELETE` that must succeed.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.json(&Method::DELETE, path, None)
    }
}

impl Reply {
    /// Fails, with what the server wrote, unless the status is one of success.
    pub fn accepted(&self, method: &Method, path: &str) -> Result<()> {
        if !(200..300).contains(&self.status) {
            let body = String::from_utf8_lossy(&self.body);
            let start: String = body.chars().take(2_000).collect();
            bail!("`{method} {path}` was answered with {}: {start}", self.status);
        }
        Ok(())
    }
}

/// One part of a path, with everything but plain characters percent-encoded.
pub fn encoded(part: &str) -> String {
    use std::fmt::Write as _;
    part.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_plus_sign_and_other_letters_are_encoded_in_a_path() {
        assert_eq!(encoded("logs+app-2026.01"), "logs%2Bapp-2026.01");
        assert_eq!(encoded("журнал"), "%D0%B6%D1%83%D1%80%D0%BD%D0%B0%D0%BB");
    }
}
