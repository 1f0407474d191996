//! How does a request reach its cluster, and the response come back? The only sender.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use contract::{Auth, ClusterAccess, Credentials, ServerVersion};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use jiff::Timestamp;
use url::Url;

use crate::{
    error::{Cause, ClusterError, detail_of},
    request::{Body, Repeat, Request},
    response::{CLUSTER_BLOCK, Response},
    retry::{RetryPolicy, is_retryable, retry_after},
    sigv4::{Signable, Signer},
    tls,
    wait::{RequestWait, SLOW_RESPONSE, WaitObserver, describe},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);
/// A longer response is an error: no request of ours needs more.
const MAX_RESPONSE_BYTES: usize = 512 * 1024 * 1024;

/// A client of one cluster; cheap to clone, and all clones share their connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    retry_policy: RetryPolicy,
    observer: Option<Arc<dyn WaitObserver>>,
}

struct Shared {
    cluster: String,
    /// The endpoint without a trailing slash and without user information.
    url: String,
    declared: Option<ServerVersion>,
    service: Option<String>,
    authentication: Authentication,
    http: reqwest::Client,
}

enum Authentication {
    /// No header is sent (with mTLS, the connection itself is authenticated).
    None,
    /// The same header is sent with every request.
    Header(HeaderValue),
    Sigv4(Signer),
}

impl Client {
    /// Makes a client; nothing is sent yet. `storage` holds the `AWS_*` variables for SigV4.
    pub fn new(
        access: &ClusterAccess,
        credentials: &Credentials,
        storage: &BTreeMap<String, String>,
    ) -> Result<Self, ClusterError> {
        let ClusterAccess { name, endpoint, version, allow_insecure: _, auth } = access;
        let wrong = |url: &str, problem: String| ClusterError::Configuration {
            cluster: name.clone(),
            url: url.to_owned(),
            problem,
        };
        let url = plain_url(endpoint).map_err(|problem| wrong("(endpoint)", problem))?;
        let authentication =
            authentication(auth, credentials, storage).map_err(|problem| wrong(&url, problem))?;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("argosy/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .tcp_nodelay(true)
            .no_proxy()
            // Credentials go only where the user said.
            .redirect(reqwest::redirect::Policy::none());
        let http = tls::configure(builder, access, credentials)
            .map_err(|problem| wrong(&url, problem))?
            .build()
            .map_err(|error| {
                let detail = detail_of(&error.without_url());
                let secret =
                    "check `tls.crt`, `tls.key` and `ca.crt` in the Secret of `authConfig`";
                wrong(&url, format!("its certificates cannot be used: {detail}; {secret}"))
            })?;
        let service = match auth {
            Auth::Sigv4 { service, .. } => Some(service.clone()),
            Auth::None | Auth::Basic | Auth::Mtls => None,
        };
        let shared = Shared {
            cluster: name.clone(),
            url,
            declared: *version,
            service,
            authentication,
            http,
        };
        Ok(Self { shared: Arc::new(shared), retry_policy: RetryPolicy::PERSISTENT, observer: None })
    }

    /// Returns a client of the same cluster with another retry policy.
    #[must_use]
    pub fn with_retry_policy(mut self, retry_policy: RetryPolicy) -> Self {
        self.retry_policy = retry_policy;
        self
    }

    /// Returns a client of the same cluster that reports to `observer` what it is waiting for.
    #[must_use]
    pub fn with_wait_observer(mut self, observer: Arc<dyn WaitObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Returns the cluster's name in the migration file.
    pub fn cluster(&self) -> &str {
        &self.shared.cluster
    }

    /// Returns the endpoint, without user information.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Returns the version that the user wrote.
    pub(crate) fn declared_version(&self) -> Option<ServerVersion> {
        self.shared.declared
    }

    /// Returns whether this is a serverless collection, which has no version and no nodes.
    pub fn is_serverless(&self) -> bool {
        self.shared.service.as_deref() == Some("aoss")
    }

    /// Sends a request, and sends it again after transient faults; any status is a response.
    pub async fn send(&self, request: &Request) -> Result<Response, ClusterError> {
        let mut delays = self.retry_policy.delays().peekable();
        let mut wait = self
            .observer
            .as_ref()
            .map(|observer| RequestWait::new(observer, request, self.cluster()));
        loop {
            let is_retried = delays.peek().is_some() && request.repeat == Repeat::Safe;
            let outcome = match &mut wait {
                Some(wait) => {
                    wait.attempt(is_retried.then_some(REQUEST_TIMEOUT));
                    self.send_observed(request, wait).await
                }
                None => self.send_once(request).await,
            };
            if !is_retryable(request.repeat, &outcome) {
                return outcome;
            }
            let Some(delay) = delays.next() else { return outcome };
            let delay = match &outcome {
                Ok(response) => retry_after(&response.headers).unwrap_or(delay).max(delay),
                Err(_) => delay,
            };
            if let Some(wait) = &mut wait {
                wait.retry(&outcome, delay);
            } else {
                tracing::warn!(
                    cluster = self.cluster(),
                    url = self.url(),
                    "`{request}`: {}; trying again in {delay:.1?}",
                    describe(&outcome)
                );
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// Sends a request once, and reports if there is no response for some seconds.
    async fn send_observed(
        &self,
        request: &Request,
        wait: &mut RequestWait<'_>,
    ) -> Result<Response, ClusterError> {
        let mut attempt = Box::pin(self.send_once(request));
        if let Ok(outcome) = tokio::time::timeout(SLOW_RESPONSE, &mut attempt).await {
            return outcome;
        }
        wait.slow();
        attempt.await
    }

    /// Waits before a caller that retries by itself sends a request again, and reports the wait.
    pub async fn delay(
        &self,
        request: &Request,
        last_answer: &str,
        since: Timestamp,
        delay: Duration,
    ) {
        let wait = self.observer.as_ref().map(|observer| {
            let mut wait = RequestWait::new(observer, request, self.cluster());
            wait.repeated(since, last_answer, delay);
            wait
        });
        tokio::time::sleep(delay).await;
        drop(wait);
    }

    /// Sends a request like [`Self::send`]; a status other than 2xx is an error.
    pub async fn call(&self, request: &Request) -> Result<Response, ClusterError> {
        let response = self.send(request).await?;
        self.check_status(response)
    }

    /// Returns the response if its status is 2xx, and an error otherwise.
    pub fn check_status(&self, response: Response) -> Result<Response, ClusterError> {
        if response.is_success() {
            return Ok(response);
        }
        let (cluster, url) = (self.shared.cluster.clone(), self.shared.url.clone());
        let reason = response.error_reason();
        let kind = response.error_type();
        Err(match response.status {
            401 => ClusterError::Unauthorized { cluster, url, reason },
            // A closed or read-only index returns 403 too, which no permission changes.
            403 if kind.as_deref() != Some(CLUSTER_BLOCK) => {
                ClusterError::Forbidden { cluster, url, request: response.request, reason }
            }
            status => ClusterError::Refused {
                cluster,
                url,
                status,
                kind,
                request: response.request,
                reason,
            },
        })
    }

    /// Sends a request once; any status is a response.
    pub async fn send_once(&self, request: &Request) -> Result<Response, ClusterError> {
        let (content_type, body) = encode(&request.body);
        let target = request.target();
        let url = format!("{}{target}", self.shared.url);
        let headers = self.headers(request, &url, content_type, &body)?;
        let outgoing =
            self.shared.http.request(request.method.clone(), &url).headers(headers).body(body);
        let name = request.to_string();
        let unreachable = |error: reqwest::Error| {
            let error = error.without_url();
            ClusterError::Unreachable {
                cluster: self.shared.cluster.clone(),
                url: self.shared.url.clone(),
                cause: Cause::of(&error),
                detail: detail_of(&error),
            }
        };
        let mut incoming = outgoing.send().await.map_err(unreachable)?;
        let status = incoming.status().as_u16();
        let headers = std::mem::take(incoming.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = incoming.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(ClusterError::Incomplete {
                    cluster: self.shared.cluster.clone(),
                    url: self.shared.url.clone(),
                    request: name,
                    problem: format!("the response is longer than {MAX_RESPONSE_BYTES} bytes"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(cluster = self.cluster(), status, "{name}");
        Ok(Response {
            status,
            headers,
            body: body.freeze(),
            cluster: self.shared.cluster.clone(),
            url: self.shared.url.clone(),
            request: name,
        })
    }

    fn headers(
        &self,
        request: &Request,
        url: &str,
        content_type: Option<&'static str>,
        body: &Bytes,
    ) -> Result<HeaderMap, ClusterError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
        }
        match &self.shared.authentication {
            Authentication::None => {}
            Authentication::Header(value) => {
                headers.insert(AUTHORIZATION, value.clone());
            }
            Authentication::Sigv4(signer) => {
                let wrong = |problem: String| ClusterError::Configuration {
                    cluster: self.shared.cluster.clone(),
                    url: self.shared.url.clone(),
                    problem: format!("its requests cannot be signed: {problem}"),
                };
                let signable =
                    Signable { method: request.method.as_str(), url, content_type, body };
                // A signature is valid for some minutes around its time.
                let now = jiff::Timestamp::now().into();
                for (name, value) in signer.headers(&signable, now).map_err(wrong)? {
                    let (Ok(name), Ok(mut value)) =
                        (name.parse::<HeaderName>(), HeaderValue::from_str(&value))
                    else {
                        return Err(wrong(
                            "a credential contains a character that a header cannot have".into(),
                        ));
                    };
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
            }
        }
        Ok(headers)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("cluster", &self.shared.cluster)
            .field("url", &self.shared.url)
            .finish_non_exhaustive()
    }
}

fn encode(body: &Body) -> (Option<&'static str>, Bytes) {
    match body {
        Body::None => (None, Bytes::new()),
        Body::Json(value) => (Some("application/json"), Bytes::from(value.to_string())),
        Body::Ndjson(lines) => (Some("application/x-ndjson"), lines.clone()),
    }
}

/// Returns the endpoint without user information, query, fragment and trailing slash.
fn plain_url(endpoint: &str) -> Result<String, String> {
    let mut url = Url::parse(endpoint).map_err(|error| {
        format!("`endpoint` is not a URL ({error}); write for example `https://host:9200`")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "`endpoint` begins with `{}:`; it must begin with `http://` or `https://`",
            url.scheme()
        ));
    }
    // These cannot fail for a URL with a host, and every http or https URL has one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn authentication(
    auth: &Auth,
    credentials: &Credentials,
    storage: &BTreeMap<String, String>,
) -> Result<Authentication, String> {
    match auth {
        Auth::None | Auth::Mtls => Ok(Authentication::None),
        Auth::Basic => {
            let (Some(username), Some(password)) = (&credentials.username, &credentials.password)
            else {
                return Err("`authConfig.basic` needs a user name and a password; add `username` \
                            and `password` to the Secret that it names"
                    .to_owned());
            };
            let pair = STANDARD.encode(format!("{username}:{password}"));
            let mut value = HeaderValue::from_str(&format!("Basic {pair}"))
                .expect("base64 has only characters that a header can have");
            value.set_sensitive(true);
            Ok(Authentication::Header(value))
        }
        Auth::Sigv4 { region, service } => {
            Signer::new(region, service, storage).map(Authentication::Sigv4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(endpoint: &str, auth: Auth) -> ClusterAccess {
        ClusterAccess {
            name: "legacy".to_owned(),
            endpoint: endpoint.to_owned(),
            version: None,
            allow_insecure: false,
            auth,
        }
    }

    #[test]
    fn user_information_in_an_endpoint_is_never_kept() {
        let client = Client::new(
            &access("https://me:hunter2@host:9200/prefix/?x=1", Auth::None),
            &Credentials::default(),
            &BTreeMap::new(),
        )
        .expect("a client");
        assert_eq!(client.url(), "https://host:9200/prefix");
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn an_endpoint_that_is_not_a_url_says_what_to_write() {
        for endpoint in ["source:9200", "ftp://host", ""] {
            let error = Client::new(
                &access(endpoint, Auth::None),
                &Credentials::default(),
                &BTreeMap::new(),
            )
            .expect_err("an error");
            assert!(error.to_string().contains("`endpoint`"), "{error}");
            assert_eq!(error.exit(), contract::Exit::Invalid);
        }
    }

    #[test]
    fn missing_credentials_are_named() {
        let sigv4 = Auth::Sigv4 { region: "r".to_owned(), service: "es".to_owned() };
        for (auth, word) in
            [(Auth::Basic, "`password`"), (sigv4, "`AWS_ACCESS_KEY_ID`"), (Auth::Mtls, "`tls.key`")]
        {
            let error = Client::new(
                &access("http://host", auth),
                &Credentials::default(),
                &BTreeMap::new(),
            )
            .expect_err("an error");
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
