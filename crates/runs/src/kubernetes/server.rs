//! The API server: a few requests, each with a fault that says what to do.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cli_support::KubernetesAccess;
use futures::{AsyncBufRead, StreamExt as _, future::ready, stream::BoxStream};
use jiff::Timestamp;
use kube::{
    Client, Config,
    api::{
        DeleteParams, ListParams, LogParams, Patch, PatchParams, Preconditions, WatchEvent,
        WatchParams,
    },
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
    core::{Request, request},
};
use serde_json::{Value, json};
use tower::util::MapResponseLayer;

use super::{
    clock::Clock,
    error::ArgoError,
    fault::{Fault, Operation},
};
use crate::{error::BackendError, notices::Notices, object_kind::ObjectKind};

/// The owner of fields in server-side apply.
pub(super) const FIELD_MANAGER: &str = "argosy";
/// The most objects in one page of a list.
const MAX_PAGE: u32 = 500;
/// Attempts at, and time for, a server that has never answered: it may be the wrong one.
const FIRST_ATTEMPTS: usize = 2;
const MAX_FIRST_TIME: Duration = Duration::from_secs(5);
/// The delays between the attempts at a request that may succeed later.
const RETRY_DELAYS: [Duration; 6] = [
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
    /// What messages call it: its address, and where the address is from.
    description: String,
    /// The namespace.
    pub(super) namespace: String,
    has_answered: Arc<AtomicBool>,
    clock: Clock,
    /// Shows notices to the user while a call is under way.
    pub(super) notices: Notices,
}

impl Server {
    /// Reads the address and the credentials of the server; sends no request yet.
    pub(super) async fn connect(
        access: &KubernetesAccess,
        notices: &Notices,
    ) -> Result<Self, BackendError> {
        let KubernetesAccess { kubeconfig, context, namespace, in_pod } = access;
        let (mut config, origin) = if *in_pod {
            let config = Config::incluster().map_err(ArgoError::PodAccount)?;
            (config, "from the service account of this pod".to_owned())
        } else {
            let options =
                KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
            let no_cluster = |cause| ArgoError::NoCluster { cause };
            let read = match kubeconfig {
                Some(files) => read_kubeconfig(files),
                None => Kubeconfig::read(),
            };
            let read = read.map_err(no_cluster)?;
            let context = context.as_ref().or(read.current_context.as_ref());
            let origin = origin(context, kubeconfig.as_deref());
            let config = Config::from_custom_kubeconfig(read, &options).await;
            (config.map_err(no_cluster)?, origin)
        };
        config.connect_timeout = Some(Duration::from_secs(10));
        let namespace = namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        if !argo::names::is_allowed(&namespace) {
            return Err(ArgoError::Namespace { namespace }.into());
        }
        Self::with_config(config, &origin, namespace, notices)
    }

    /// Makes a `Server` from a config. `origin` says in messages where its address is from.
    pub(super) fn with_config(
        config: Config,
        origin: &str,
        namespace: String,
        notices: &Notices,
    ) -> Result<Self, BackendError> {
        let description = format!("{} ({origin})", config.cluster_url);
        let clock = Clock::default();
        let client = client(config, clock.clone()).map_err(ArgoError::Client)?;
        let (has_answered, notices) = (Arc::default(), notices.clone());
        Ok(Self { client, description, namespace, has_answered, clock, notices })
    }

    /// Returns the server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns an object.
    pub(super) async fn get(&self, kind: ObjectKind, name: &str) -> Result<Option<Value>, Fault> {
        let operation = self.operation("get", kind, name);
        let build = || self.collection(kind).get(name, &kube::api::GetParams::default());
        match self.send_with_retries(&operation, build).await {
            Ok(object) => Ok(Some(object)),
            Err(Fault::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Returns all objects with these labels, as a selector.
    pub(super) async fn list(&self, kind: ObjectKind, selector: &str) -> Result<Vec<Value>, Fault> {
        let operation = self.operation("list", kind, "");
        let mut objects = Vec::new();
        let mut parameters = ListParams::default().labels(selector).limit(MAX_PAGE);
        loop {
            let build = || self.collection(kind).list(&parameters);
            let mut page: Value = self.send_with_retries(&operation, build).await?;
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

    /// Creates an object, or changes it to this (server-side apply).
    pub(super) async fn apply(&self, kind: ObjectKind, object: &Value) -> Result<Value, Fault> {
        let name = text(object, "/metadata/name");
        let operation = self.operation("patch", kind, name);
        let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
        let patch = Patch::Apply(object);
        self.send_with_retries(&operation, || {
            self.collection(kind).patch(name, &parameters, &patch)
        })
        .await
    }

    /// Creates an object that does not exist yet. Sent once: before another attempt, the caller has to
    /// check whether the first one succeeded.
    pub(super) async fn create(&self, kind: ObjectKind, object: &Value) -> Result<Value, Fault> {
        let operation = self.operation("create", kind, text(object, "/metadata/name"));
        let refused = |message: String| Fault::Refused { operation: operation.clone(), message };
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
            .map_err(|error| Fault::new(operation.clone(), &self.description, &error))
    }

    /// Changes fields of an object (merge patch).
    pub(super) async fn merge(
        &self,
        kind: ObjectKind,
        name: &str,
        patch: &Value,
    ) -> Result<Value, Fault> {
        let operation = self.operation("patch", kind, name);
        let parameters = PatchParams::default();
        let patch = Patch::Merge(patch);
        self.send_with_retries(&operation, || {
            self.collection(kind).patch(name, &parameters, &patch)
        })
        .await
    }

    /// Changes an object by operations (JSON patch). If a `test` among them fails, none is done, and
    /// the fault is [`Fault::Refused`]. Sent once, because a second attempt would fail its own test.
    pub(super) async fn patch(
        &self,
        kind: ObjectKind,
        name: &str,
        operations: &Value,
    ) -> Result<Value, Fault> {
        let operation = self.operation("patch", kind, name);
        let operations = serde_json::from_value(operations.clone()).map_err(|error| {
            Fault::Refused { operation: operation.clone(), message: error.to_string() }
        })?;
        let request = self.collection(kind).patch::<Value>(
            name,
            &PatchParams::default(),
            &Patch::Json(operations),
        );
        self.once(&operation, request).await
    }

    /// Deletes an object, if it still has that uid; returns whether it existed.
    pub(super) async fn delete(
        &self,
        kind: ObjectKind,
        name: &str,
        uid: Option<&str>,
    ) -> Result<bool, Fault> {
        self.delete_by(kind, name, DeleteParams::background(), uid).await
    }

    /// Deletes an object of that uid after everything that it owns.
    pub(super) async fn delete_with_dependents(
        &self,
        kind: ObjectKind,
        name: &str,
        uid: &str,
    ) -> Result<bool, Fault> {
        self.delete_by(kind, name, DeleteParams::foreground(), Some(uid)).await
    }

    async fn delete_by(
        &self,
        kind: ObjectKind,
        name: &str,
        parameters: DeleteParams,
        uid: Option<&str>,
    ) -> Result<bool, Fault> {
        let operation = self.operation("delete", kind, name);
        let preconditions =
            uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), ..Preconditions::default() });
        let parameters = DeleteParams { preconditions, ..parameters };
        let build = || self.collection(kind).delete(name, &parameters);
        match self.send_with_retries::<Value>(&operation, build).await {
            Ok(_) => Ok(true),
            Err(Fault::NotFound { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Watches an object. The stream yields whenever the object may have changed, and ends when the
    /// server ends the watch, as it does after some minutes.
    pub(super) async fn watch(
        &self,
        kind: ObjectKind,
        name: &str,
    ) -> Result<BoxStream<'static, ()>, Fault> {
        let operation = self.operation("watch", kind, name);
        check_name(&operation)?;
        let failed = |error: &kube::Error| Fault::new(operation.clone(), &self.description, error);
        let parameters = WatchParams::default().fields(&format!("metadata.name={name}"));
        let request = self
            .collection(kind)
            .watch_metadata(&parameters, "0")
            .map_err(|error| failed(&kube::Error::BuildRequest(error)))?;
        let events = self.client.request_events::<Value>(request).await;
        let events = events.map_err(|error| failed(&error))?;
        let is_change = events.map(|event| {
            let event: Option<WatchEvent<Value>> = event.ok();
            matches!(
                event,
                Some(WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_))
            )
        });
        Ok(is_change.take_while(|is_change| ready(*is_change)).map(|_| ()).boxed())
    }

    /// Opens the log of a container.
    pub(super) async fn log(
        &self,
        pod: &str,
        parameters: &LogParams,
    ) -> Result<impl AsyncBufRead + use<>, Fault> {
        let mut operation = self.operation("get", ObjectKind::Pod, pod);
        operation.subresource = Some("log");
        check_name(&operation)?;
        let failed = |error: &kube::Error| Fault::new(operation.clone(), &self.description, error);
        let request = self
            .collection(ObjectKind::Pod)
            .logs(pod, parameters)
            .map_err(|error| failed(&kube::Error::BuildRequest(error)))?;
        self.client.request_stream(request).await.map_err(|error| failed(&error))
    }

    /// Returns the user name that the server knows this account by.
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

    fn collection(&self, kind: ObjectKind) -> Request {
        Request::new(kind.path(&self.namespace))
    }

    fn operation(&self, verb: &'static str, kind: ObjectKind, name: &str) -> Operation {
        Operation {
            verb: verb.to_owned(),
            kind,
            subresource: None,
            name: name.to_owned(),
            namespace: self.namespace.clone(),
        }
    }

    /// Sends a request again while the server is unreachable for a moment. Only for requests that may
    /// be sent twice.
    async fn send_with_retries<T: serde::de::DeserializeOwned>(
        &self,
        operation: &Operation,
        build: impl Fn() -> Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        for (number, pause) in RETRY_DELAYS.into_iter().enumerate() {
            let should_give_up = || {
                let is_enough = number >= FIRST_ATTEMPTS || started.elapsed() > MAX_FIRST_TIME;
                is_enough && !self.has_answered.load(Ordering::Relaxed)
            };
            match self.once(operation, build()).await {
                Err(fault) if fault.is_transient() && !should_give_up() => {
                    tokio::time::sleep(pause).await;
                }
                answered => return answered,
            }
        }
        self.once(operation, build()).await
    }

    async fn once<T: serde::de::DeserializeOwned>(
        &self,
        operation: &Operation,
        request: Result<http::Request<Vec<u8>>, request::Error>,
    ) -> Result<T, Fault> {
        check_name(operation)?;
        let answered = match request {
            Ok(request) => self.client.request(request).await,
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        let answered =
            answered.map_err(|error| Fault::new(operation.clone(), &self.description, &error));
        if !answered.as_ref().is_err_and(Fault::is_transient) {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        answered
    }
}

/// Returns a client that sets a clock by the date of each response.
fn client(config: Config, clock: Clock) -> kube::Result<Client> {
    let date_reader = MapResponseLayer::new(move |response: http::Response<_>| {
        clock.update(response.headers());
        response
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&date_reader).build())
}

/// Returns where the address of a server is from.
fn origin(context: Option<&String>, kubeconfig: Option<&Path>) -> String {
    let files =
        kubeconfig.map_or_else(|| "~/.kube/config".to_owned(), |path| path.display().to_string());
    match context {
        Some(context) => format!("context `{context}` of {files}"),
        None => files,
    }
}

/// Fails for names that would lead to another path.
fn check_name(operation: &Operation) -> Result<(), Fault> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-.".contains(character);
    if operation.name.chars().all(fits) && !operation.name.starts_with('.') {
        return Ok(());
    }
    let message = "names consist of lower-case letters, digits, `-` and `.`".to_owned();
    Err(Fault::Refused { operation: operation.clone(), message })
}

/// Reads the files of a kubeconfig variable, the first ones first.
fn read_kubeconfig(files: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let mut merged = Kubeconfig::default();
    for file in std::env::split_paths(files).filter(|file| !file.as_os_str().is_empty()) {
        merged = merged.merge(Kubeconfig::read_from(file)?)?;
    }
    Ok(merged)
}

/// Returns the text at a place in an object; empty if there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
