//! An API server that has one Workflow, whose phase the test sets.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The server; it ends with this value.
pub(crate) struct ApiServer {
    folder: TempDir,
    phase: Arc<watch::Sender<String>>,
    watches: Arc<watch::Sender<usize>>,
    task: JoinHandle<()>,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ApiServer {
    /// Starts a server whose Workflow runs, and says whether the account may watch it.
    pub(crate) async fn start(may_watch: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u", "namespace": "ma" } }],
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
            "users": [{ "name": "u", "user": {} }],
        });
        fs_err::write(folder.path().join("kubeconfig"), kubeconfig.to_string()).expect("written");
        let phase = Arc::new(watch::Sender::new("Running".to_owned()));
        let watches = Arc::new(watch::Sender::new(0));
        let (phases, counter) = (Arc::clone(&phase), Arc::clone(&watches));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (phases, counter) = (Arc::clone(&phases), Arc::clone(&counter));
                // A client that is gone needs no answer.
                tokio::spawn(
                    async move { answer(stream, &phases, &counter, may_watch).await.ok() },
                );
            }
        });
        Self { folder, phase, watches, task }
    }

    /// Returns the path of a kubeconfig file for this server.
    pub(crate) fn kubeconfig(&self) -> String {
        self.folder.path().join("kubeconfig").display().to_string()
    }

    /// Changes the Workflow.
    pub(crate) fn set_phase(&self, phase: &str) {
        self.phase.send_replace(phase.to_owned());
    }

    /// Waits until a client watches the Workflow.
    pub(crate) async fn until_watched(&self) {
        self.watches.subscribe().wait_for(|count| *count > 0).await.expect("a watch");
    }
}

async fn answer(
    mut stream: TcpStream,
    phase: &watch::Sender<String>,
    watches: &watch::Sender<usize>,
    may_watch: bool,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_watch = query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1");
    if is_watch && may_watch {
        return stream_events(stream, phase, watches).await;
    }
    let (code, body) = match path.rsplit('/').next().unwrap_or_default() {
        _ if is_watch => (403, status(403, "workflows is forbidden: may not watch", "w")),
        "w" => (200, workflow(&phase.borrow())),
        "w-decisions" => (404, status(404, "not found", "w-decisions")),
        _ => (200, json!({ "items": [] })),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Sends an event now and after every change.
async fn stream_events(
    mut stream: TcpStream,
    phase: &watch::Sender<String>,
    watches: &watch::Sender<usize>,
) -> std::io::Result<()> {
    let mut changes = phase.subscribe();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    watches.send_modify(|count| *count += 1);
    loop {
        let object = json!({ "metadata": { "name": "w", "resourceVersion": "1" } });
        let event = format!("{}\n", json!({ "type": "MODIFIED", "object": object }));
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
        if changes.changed().await.is_err() {
            return Ok(());
        }
    }
}

fn workflow(phase: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": { "name": "w", "uid": "u1", "creationTimestamp": "2026-11-20T10:00:00Z" },
        "spec": { "entrypoint": "main", "templates": [] },
        "status": { "phase": phase },
    })
}

fn status(code: u16, message: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "message": message,
        "code": code, "details": { "name": name },
    })
}
