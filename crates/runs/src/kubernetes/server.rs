//! The API server: a handful of requests, each with a fault that says what to do.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cli_support::KubernetesAccess;
use contract::{Exit, Failure};
use futures::AsyncBufRead;
use jiff::Timestamp;
use kube::{
    Client, Config,
    api::{DeleteParams, ListParams, LogParams, Patch, PatchParams, Preconditions},
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
    core::{Request, request},
};
use serde_json::{Value, json};
use tower::util::MapResponseLayer;

use super::{
    clock::Clock,
    fault::{Fault, Wish},
    kind::Kind,
};

/// Who wrote a field, for server-side apply.
pub(super) const FIELD_MANAGER: &str = "argosy";
/// Objects in one page of a list.
const PAGE: u32 = 500;
/// How long a passing fault is waited out, and how long between two tries. A server that never
/// answered is given up after a few, or when they take long: it may be the wrong one.
const FIRST_TRIES: usize = 2;
const FIRST_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// The API server of a cluster, and a namespace in it.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    /// What messages call it: its address, and whose word it is.
    place: String,
    /// The namespace.
    pub(super) namespace: String,
    has_answered: Arc<AtomicBool>,
    clock: Clock,
}

impl Server {
    /// Finds out where the server is and who we are; nothing is asked yet.
    pub(super) async fn connect(access: &KubernetesAccess) -> anyhow::Result<Self> {
        let KubernetesAccess { kubeconfig, context, namespace, in_pod } = access;
        let (mut config, word) = if *in_pod {
            let config = Config::incluster().context("reading the account of this pod")?;
            (config, "as the account of this pod has it".to_owned())
        } else {
            let options =
                KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
            let read = match kubeconfig {
                Some(files) => read_kubeconfig(files),
                None => Kubeconfig::read().map_err(anyhow::Error::from),
            };
            let found = match read {
                Ok(read) => {
                    let context = context.as_ref().or(read.current_context.as_ref());
                    let word = word(context, kubeconfig.as_deref());
                    let config = Config::from_custom_kubeconfig(read, &options).await;
                    config.map(|config| (config, word)).map_err(anyhow::Error::from)
                }
                Err(error) => Err(error),
            };
            found.map_err(|error| {
                let message = format!(
                    "no cluster to talk to: {error:#}; name a file with `--kubeconfig`, a context \
                     in it with `--context`, or run on this machine with `--engine local`"
                );
                Failure::new(Exit::Invalid, message)
            })?
        };
        config.connect_timeout = Some(Duration::from_secs(10));
        let namespace = namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        if !argo::names::is_allowed(&namespace) {
            let message = format!("`{namespace}` cannot name a namespace");
            return Err(Failure::new(Exit::Invalid, message).into());
        }
        let place = format!("{} ({word})", config.cluster_url);
        let clock = Clock::default();
        let client = client(config, clock.clone()).context("making a client of the API server")?;
        Ok(Self { client, place, namespace, has_answered: Arc::default(), clock })
    }

    /// Returns the server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns an object.
    pub(super) async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>, Fault> {
        let wish = self.wish("get", kind, name);
        let build = || self.collection(kind).get(name, &kube::api::GetParams::default());
        match self.patiently(&wish, build).await {
            Ok(object) => Ok(Some(object)),
            Err(Fault::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Returns all objects with these labels, as a selector.
    pub(super) async fn list(&self, kind: Kind, selector: &str) -> Result<Vec<Value>, Fault> {
        let wish = self.wish("list", kind, "");
        let mut objects = Vec::new();
        let mut parameters = ListParams::default().labels(selector).limit(PAGE);
        loop {
            let build = || self.collection(kind).list(&parameters);
            let mut page: Value = self.patiently(&wish, build).await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                objects.extend(items);
            }
            let next = page.pointer("/metadata/continue").and_then(Value::as_str);
            match next.filter(|next| !next.is_empty()) {
                Some(next) => parameters = parameters.continue_token(next),
                None => return Ok(objects),
            }
        }
    }

    /// Makes an object as it is said here, or changes it to that.
    pub(super) async fn apply(&self, kind: Kind, object: &Value) -> Result<Value, Fault> {
        let name = text(object, "/metadata/name");
        let wish = self.wish("patch", kind, name);
        let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
        let patch = Patch::Apply(object);
        self.patiently(&wish, || self.collection(kind).patch(name, &parameters, &patch)).await
    }

    /// Makes an object that is not there yet. It is asked once: who asks again must look first.
    pub(super) async fn create(&self, kind: Kind, object: &Value) -> Result<Value, Fault> {
        let wish = self.wish("create", kind, text(object, "/metadata/name"));
        let refused = |message: String| Fault::Refused { wish: wish.clone(), message };
        let body = serde_json::to_vec(object).map_err(|error| refused(error.to_string()))?;
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict",
            kind.path(&self.namespace)
        );
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| refused(error.to_string()))?;
        self.client
            .request(request)
            .await
            .map_err(|error| Fault::new(wish.clone(), &self.place, &error))
    }

    /// Changes fields of an object (merge patch).
    pub(super) async fn merge(
        &self,
        kind: Kind,
        name: &str,
        patch: &Value,
    ) -> Result<Value, Fault> {
        let wish = self.wish("patch", kind, name);
        let parameters = PatchParams::default();
        let patch = Patch::Merge(patch);
        self.patiently(&wish, || self.collection(kind).patch(name, &parameters, &patch)).await
    }

    /// Changes an object by operations (JSON patch); none is done if a `test` among them fails,
    /// which is [`Fault::Refused`]. It is asked once, for a second try would fail its own test.
    pub(super) async fn operate(
        &self,
        kind: Kind,
        name: &str,
        operations: &Value,
    ) -> Result<Value, Fault> {
        let wish = self.wish("patch", kind, name);
        let operations = serde_json::from_value(operations.clone())
            .map_err(|error| Fault::Refused { wish: wish.clone(), message: error.to_string() })?;
        let request = self.collection(kind).patch::<Value>(
            name,
            &PatchParams::default(),
            &Patch::Json(operations),
        );
        self.once(&wish, request).await
    }

    /// Deletes an object, if it is still the one with that uid; returns whether it was there.
    pub(super) async fn delete(
        &self,
        kind: Kind,
        name: &str,
        uid: Option<&str>,
    ) -> Result<bool, Fault> {
        self.delete_by(kind, name, DeleteParams::background(), uid).await
    }

    /// Deletes an object of that uid; it is gone only when all that it owns is.
    pub(super) async fn delete_with_dependents(
        &self,
        kind: Kind,
        name: &str,
        uid: &str,
    ) -> Result<bool, Fault> {
        self.delete_by(kind, name, DeleteParams::foreground(), Some(uid)).await
    }

    async fn delete_by(
        &self,
        kind: Kind,
        name: &str,
        parameters: DeleteParams,
        uid: Option<&str>,
    ) -> Result<bool, Fault> {
        let wish = self.wish("delete", kind, name);
        let preconditions =
            uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), ..Preconditions::default() });
        let parameters = DeleteParams { preconditions, ..parameters };
        let build = || self.collection(kind).delete(name, &parameters);
        match self.patiently::<Value>(&wish, build).await {
            Ok(_) => Ok(true),
            Err(Fault::NotFound { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Opens the log of a container.
    pub(super) async fn log(
        &self,
        pod: &str,
        parameters: &LogParams,
    ) -> Result<impl AsyncBufRead + use<>, Fault> {
        let mut wish = self.wish("get", Kind::Pod, pod);
        wish.subresource = Some("log");
        check_name(&wish)?;
        let failed = |error: &kube::Error| Fault::new(wish.clone(), &self.place, error);
        let request = self
            .collection(Kind::Pod)
            .logs(pod, parameters)
            .map_err(|error| failed(&kube::Error::BuildRequest(error)))?;
        self.client.request_stream(request).await.map_err(|error| failed(&error))
    }

    /// Returns who the server takes us for.
    pub(super) async fn user(&self) -> Option<String> {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "SelfSubjectReview",
        });
        let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(review.to_string().into_bytes())
            .ok()?;
        let review: Value = self.client.request(request).await.ok()?;
        let user = text(&review, "/status/userInfo/username");
        (!user.is_empty()).then(|| user.to_owned())
    }

    fn collection(&self, kind: Kind) -> Request {
        Request::new(kind.path(&self.namespace))
    }

    fn wish(&self, verb: &'static str, kind: Kind, name: &str) -> Wish {
        Wish {
            verb: verb.to_owned(),
            kind,
            subresource: None,
            name: name.to_owned(),
            namespace: self.namespace.clone(),
        }
    }

    /// Asks again while the server is away for a moment. Only for what may be asked twice.
    async fn patiently<T: serde::de::DeserializeOwned>(
        &self,
        wish: &Wish,
        build: impl Fn() -> Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<T, Fault> {
        let begun = Instant::now();
        for (number, pause) in PATIENCE.into_iter().enumerate() {
            let is_hopeless = || {
                let is_enough = number >= FIRST_TRIES || begun.elapsed() > FIRST_WITHIN;
                is_enough && !self.has_answered.load(Ordering::Relaxed)
            };
            match self.once(wish, build()).await {
                Err(fault) if fault.is_passing() && !is_hopeless() => {
                    tokio::time::sleep(pause).await;
                }
                answered => return answered,
            }
        }
        self.once(wish, build()).await
    }

    async fn once<T: serde::de::DeserializeOwned>(
        &self,
        wish: &Wish,
        request: Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<T, Fault> {
        check_name(wish)?;
        let answered = match request {
            Ok(request) => self.client.request(request).await,
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        let answered = answered.map_err(|error| Fault::new(wish.clone(), &self.place, &error));
        if !answered.as_ref().is_err_and(Fault::is_passing) {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        answered
    }
}

/// Returns a client that sets a clock by each answer.
fn client(config: Config, clock: Clock) -> kube::Result<Client> {
    let listening = MapResponseLayer::new(move |answer: http::Response<_>| {
        clock.hear(answer.headers());
        answer
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&listening).build())
}

/// Says where the address of a server is from.
fn word(context: Option<&String>, kubeconfig: Option<&Path>) -> String {
    let files =
        kubeconfig.map_or_else(|| "~/.kube/config".to_owned(), |path| path.display().to_string());
    match context {
        Some(context) => format!("context `{context}` of {files}"),
        None => files,
    }
}

/// Refuses names that would lead to another path.
fn check_name(wish: &Wish) -> Result<(), Fault> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
    if wish.name.chars().all(fits) && !wish.name.starts_with('.') {
        return Ok(());
    }
    let message = "names have lower-case letters, digits, `-` and `.` only".to_owned();
    Err(Fault::Refused { wish: wish.clone(), message })
}

/// Reads the files of a kubeconfig variable, the first ones first.
fn read_kubeconfig(files: &Path) -> anyhow::Result<Kubeconfig> {
    let mut merged = Kubeconfig::default();
    for file in std::env::split_paths(files).filter(|file| !file.as_os_str().is_empty()) {
        merged = merged.merge(Kubeconfig::read_from(file)?)?;
    }
    Ok(merged)
}

/// Returns the text at a place in an object; empty when there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
