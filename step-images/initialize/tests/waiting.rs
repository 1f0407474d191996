//! Does a running step say what it is waiting for? The program runs against a port that refuses
//! connections, and against a server that responds with 503 once and then not any more.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use contract::{
    Progress,
    progress::{LOG_FIELD, Waiting},
};
use serde_json::{Value, json};

/// The step shows a wait within seconds.
const LIMIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A step program that is ended with the test.
struct Step(Child);

impl Drop for Step {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts the step with this target; its log goes to `log.jsonl` in the folder.
fn start(folder: &Path, endpoint: &str) -> Step {
    let request = json!({
        "migration": "m",
        "target": { "name": "new", "endpoint": endpoint },
        "snapshot": {
            "snapshot": { "kind": "existing", "name": "s" },
            "repository": { "uri": format!("file://{}/repository", folder.display()) },
        },
        "groups": [],
    });
    let log = fs_err::File::create(folder.join("log.jsonl")).expect("a log");
    let child = Command::new(env!("CARGO_BIN_EXE_argosy-initialize"))
        .arg(request.to_string())
        .env("ARGOSY_PROGRESS_FILE", folder.join("progress.json"))
        .env("ARGOSY_LOG_FORMAT", "json")
        .stdout(Stdio::null())
        .stderr(log.into_parts().0)
        .spawn()
        .expect("a process");
    Step(child)
}

/// Waits until the running step reports a wait that `is_expected`.
fn eventually(folder: &Path, step: &mut Step, is_expected: impl Fn(&Waiting) -> bool) -> Waiting {
    let start = Instant::now();
    loop {
        let progress = fs_err::read(folder.join("progress.json")).ok();
        let progress: Option<Progress> =
            progress.and_then(|json| serde_json::from_slice(&json).ok());
        if let Some(waiting) = progress.clone().and_then(|progress| progress.waiting)
            && is_expected(&waiting)
        {
            return waiting;
        }
        let log = || fs_err::read_to_string(folder.join("log.jsonl")).unwrap_or_default();
        assert!(start.elapsed() < LIMIT, "the step reports {progress:?}\n{}", log());
        assert!(step.0.try_wait().expect("a state").is_none(), "the step ended:\n{}", log());
        thread::sleep(POLL_INTERVAL);
    }
}

#[test]
fn a_refused_connection_is_shown_while_the_step_runs() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let folder = tempfile::tempdir().expect("a folder");
    let mut step = start(folder.path(), &endpoint);
    let waiting = eventually(folder.path(), &mut step, |waiting| waiting.last_answer.is_some());
    assert_eq!(waiting.request, "`GET /` of cluster `new`");
    assert_eq!(waiting.last_answer.as_deref(), Some("the connection was refused"));
    assert!(waiting.next_attempt.is_some_and(|next| next > waiting.since), "{waiting:?}");

    // On Kubernetes only the log can be read. It is written after the progress file.
    let start = Instant::now();
    let logged = loop {
        let log = fs_err::read_to_string(folder.path().join("log.jsonl")).expect("a log");
        let found = log.lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let progress = line.get("fields")?.get(LOG_FIELD)?.as_str()?;
            serde_json::from_str::<Progress>(progress).ok()?.waiting
        });
        if let Some(logged) = found {
            break logged;
        }
        assert!(start.elapsed() < LIMIT, "no wait in the log:\n{log}");
        thread::sleep(POLL_INTERVAL);
    };
    assert_eq!(logged.request, waiting.request);
}

#[test]
fn a_server_that_stops_responding_is_shown_with_its_last_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut silent: Vec<TcpStream> = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            if number == 0 {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).expect("a request");
                let response = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
                                content-length: 0\r\n\r\n";
                stream.write_all(response.as_bytes()).expect("a response");
            } else {
                silent.push(stream);
            }
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut step = start(folder.path(), &endpoint);
    let first = eventually(folder.path(), &mut step, |waiting| waiting.last_answer.is_some());
    assert_eq!(first.request, "`GET /` of cluster `new`");
    assert_eq!(first.last_answer.as_deref(), Some("503 Service Unavailable"));
    // The second attempt has no response: the next one begins when it times out.
    let later = eventually(folder.path(), &mut step, |waiting| {
        waiting.next_attempt.is_some_and(|next| {
            next.duration_since(waiting.since).as_secs() > LIMIT.as_secs().cast_signed()
        })
    });
    assert_eq!((later.last_answer, later.since), (first.last_answer, first.since));
}
