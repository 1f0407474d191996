//! What does the client do when the network or the server fails? A socket plays the failures,
//! because these tests are about bytes and delays and not about the behaviour of a cluster.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use cluster::{
    Cause, Client, ClusterError, Repeat, Request, RetryPolicy, WaitId, WaitObserver, version,
};
use contract::{Auth, ClusterAccess, Credentials, Exit, Waiting};

const FAST: RetryPolicy = RetryPolicy {
    max_retries: 3,
    initial_delay: Duration::from_millis(1),
    max_delay: Duration::from_millis(2),
};

/// Responds to one connection after the other with these texts (an empty text closes the
/// connection), and returns the requests.
fn serve(answers: &[&str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let answers: Vec<String> = answers.iter().map(|&text| text.to_owned()).collect();
    let served = thread::spawn(move || {
        answers
            .iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let request = read_request(&stream);
                stream.write_all(answer.as_bytes()).expect("written");
                request
            })
            .collect()
    });
    (endpoint, served)
}

fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        reader.read_line(&mut request).expect("a line");
    }
    let length = request
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    request + &String::from_utf8(body).expect("text")
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

fn client(endpoint: &str) -> Client {
    let access = ClusterAccess {
        name: "legacy".to_owned(),
        endpoint: endpoint.to_owned(),
        version: None,
        allow_insecure: false,
        auth: Auth::Basic,
    };
    let credentials = Credentials {
        username: Some("reader".to_owned()),
        password: Some("hunter2".to_owned()),
        ..Credentials::default()
    };
    Client::new(&access, &credentials, &BTreeMap::new()).expect("a client").with_retry_policy(FAST)
}

#[tokio::test]
async fn a_busy_server_gets_the_same_bytes_again() {
    let busy = answer("503 Service Unavailable", "retry-after: 0\r\n", "");
    let ok = answer("200 OK", "", "{}");
    let (endpoint, served) = serve(&[&busy, "", &ok]);
    let request = Request::put("/x").json(serde_json::json!({ "a": 1 }));
    let response = client(&endpoint).call(&request).await.expect("an answer");
    assert_eq!(response.status, 200);
    let requests = served.join().expect("served");
    assert!(requests[0].starts_with("PUT /x HTTP/1.1\r\n") && requests[0].ends_with("{\"a\":1}"));
    assert_eq!(requests[0], requests[2]);
}

/// What a client reported: the answer of each wait, and `None` for its end.
#[derive(Default)]
struct Reports(Mutex<Vec<(WaitId, Option<String>)>>);

impl Reports {
    fn answers(&self) -> Vec<Option<String>> {
        let reports = self.0.lock().expect("a lock");
        reports.iter().map(|(_, answer)| answer.clone()).collect()
    }
}

impl WaitObserver for Reports {
    fn waiting(&self, id: WaitId, waiting: &Waiting) {
        assert_eq!(waiting.request, "`GET /x` of cluster `legacy`");
        self.0.lock().expect("a lock").push((id, waiting.last_answer.clone()));
    }

    fn finished(&self, id: WaitId) {
        self.0.lock().expect("a lock").push((id, None));
    }
}

#[tokio::test]
async fn a_retry_is_reported_until_the_request_succeeds() {
    let busy = answer("503 Service Unavailable", "", "");
    let ok = answer("200 OK", "", "{}");
    let (endpoint, served) = serve(&[&busy, &ok, &ok]);
    let reports = Arc::new(Reports::default());
    let observer: Arc<dyn WaitObserver> = Arc::<Reports>::clone(&reports);
    let client = client(&endpoint).with_wait_observer(observer);
    client.call(&Request::get("/x")).await.expect("a response");
    let waiting = Some("503 Service Unavailable".to_owned());
    // Once before the delay and once when the next attempt begins.
    let expected = [waiting.clone(), waiting, None];
    assert_eq!(reports.answers(), expected);
    client.call(&Request::get("/x")).await.expect("a response");
    assert_eq!(reports.answers(), expected, "a prompt response is not reported");
    served.join().expect("served");
}

#[tokio::test]
async fn a_cancelled_request_does_not_wait_any_more() {
    let later = answer("503 Service Unavailable", "retry-after: 60\r\n", "");
    let (endpoint, served) = serve(&[&later]);
    let reports = Arc::new(Reports::default());
    let observer: Arc<dyn WaitObserver> = Arc::<Reports>::clone(&reports);
    let client = client(&endpoint).with_wait_observer(observer);
    let request = Request::get("/x");
    tokio::select! {
        response = client.call(&request) => panic!("it waits a minute: {response:?}"),
        () = async {
            while reports.answers().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        } => {}
    }
    assert_eq!(reports.answers().last(), Some(&None));
    served.join().expect("served");
}

#[tokio::test]
async fn a_request_that_may_have_been_executed_is_not_sent_twice() {
    let (endpoint, served) = serve(&[""]);
    let request = Request::post("/x").repeat(Repeat::Unsafe);
    let error = client(&endpoint).call(&request).await.expect_err("no answer");
    assert_eq!(error.cause(), Some(Cause::Lost));
    assert_eq!(served.join().expect("served").len(), 1);
}

#[tokio::test]
async fn a_message_about_refused_credentials_does_not_contain_them() {
    let no = answer(
        "401 Unauthorized",
        "",
        r#"{"error":{"type":"security_exception","reason":"missing"}}"#,
    );
    let (endpoint, served) = serve(&[&no]);
    let error = client(&endpoint).call(&Request::get("/")).await.expect_err("refused");
    assert!(matches!(error, ClusterError::Unauthorized { .. }));
    assert_eq!(error.exit(), Exit::NotPermitted);
    let text = format!("{error} {error:?}");
    assert!(text.contains("`legacy`") && text.contains(&endpoint) && text.contains("missing"));
    let pair = "cmVhZGVyOmh1bnRlcjI=";
    assert!(!text.contains("hunter2") && !text.contains(pair), "{text}");
    assert!(served.join().expect("served")[0].contains(&format!("Basic {pair}")));
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_credentials() {
    let elsewhere = answer("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    let (endpoint, served) = serve(&[&elsewhere]);
    let error = client(&endpoint).call(&Request::get("/")).await.expect_err("refused");
    assert_eq!(error.status(), Some(302));
    served.join().expect("served");
}

#[tokio::test]
async fn the_message_names_a_port_without_a_listener() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let error = client(&endpoint).call(&Request::get("/")).await.expect_err("refused");
    assert_eq!(error.cause(), Some(Cause::Refused));
    assert!(error.to_string().contains(&endpoint) && error.is_temporary(), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_reported_as_a_bad_certificate() {
    let bad = answer("400 Bad Request", "", "");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("https://{}", listener.local_addr().expect("an address"));
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).expect("a hello");
        stream.write_all(bad.as_bytes()).expect("written");
    });
    let error = client(&endpoint).call(&Request::get("/")).await.expect_err("no TLS");
    assert_eq!(error.cause(), Some(Cause::Tls));
    assert!(error.to_string().contains("begin with `http://`"), "{error}");
    served.join().expect("served");
}

#[tokio::test]
async fn the_version_comes_from_the_nodes_if_the_root_is_closed() {
    let closed = answer("405 Method Not Allowed", "", "{}");
    let nodes = answer("200 OK", "", r#"{"nodes":{"a":{"version":"8.19.8"}}}"#);
    let (endpoint, served) = serve(&[&closed, &nodes]);
    let version = version::detect(&client(&endpoint)).await.expect("a version");
    assert_eq!(version.to_string(), "Elasticsearch 8.19.8");
    assert!(
        served.join().expect("served")[1].starts_with("GET /_nodes?filter_path=nodes.%2A.version ")
    );
}
