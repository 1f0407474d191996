//! A proxy before a real S3 server that now and then answers in its stead as a busy store does, or
//! breaks the connection; and counts what goes through.
//!
//! ```text
//! reader --> proxy --(one connection a request)--> server
//!              |
//!              +-- 500, 503, no answer, half an answer
//! ```

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The server's answer passes.
    None,
    /// `500 Internal Server Error`.
    InternalError,
    /// `503 Slow Down`.
    SlowDown,
    /// The connection ends before any answer.
    NoAnswer,
    /// The connection ends in the middle of the answer's body.
    HalfAnswer,
    /// The server's answer passes if the request is signed for [`REGION`], and is refused as S3
    /// refuses it otherwise; the server itself takes any region.
    OtherRegion,
}

/// The region of a bucket behind [`Fault::OtherRegion`].
pub(crate) const REGION: &str = "eu-west-3";

/// What went through a proxy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    /// How often each fault was done.
    pub(crate) faults: BTreeMap<Fault, usize>,
    /// Bytes of the bodies of whole answers to reads of a shard's files.
    pub(crate) shard_file_bytes: u64,
    /// Requests of a page of a listing.
    pub(crate) listings: usize,
}

/// A running proxy; it ends with the test's runtime.
pub(crate) struct Proxy {
    address: SocketAddr,
    passed: Arc<Mutex<Passed>>,
}

impl Proxy {
    /// Starts before the server at `endpoint`; the faults are done in turn, again and again.
    pub(crate) async fn before(endpoint: &str, faults: &'static [Fault]) -> Self {
        let upstream =
            endpoint.strip_prefix("http://").expect("an endpoint without TLS").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let passed = Arc::new(Mutex::new(Passed::default()));
        let counted = Arc::clone(&passed);
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((client, _)) = listener.accept().await {
                let fault = faults[turn % faults.len()];
                turn += 1;
                let (upstream, counted) = (upstream.clone(), Arc::clone(&counted));
                // A connection that breaks is what is wanted.
                tokio::spawn(async move { drop(serve(client, &upstream, fault, &counted).await) });
            }
        });
        Self { address, passed }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn passed(&self) -> Passed {
        self.passed.lock().expect("a lock without a panic").clone()
    }
}

/// Serves one request; every answer closes its connection.
async fn serve(
    mut client: TcpStream,
    upstream: &str,
    fault: Fault,
    passed: &Mutex<Passed>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut request).await? == 0 {
            // Opened ahead and never used.
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let line = head.lines().next().unwrap_or_default();
    {
        let mut passed = passed.lock().expect("a lock without a panic");
        *passed.faults.entry(fault).or_default() += 1;
        passed.listings += usize::from(line.contains("list-type=2"));
    }
    match fault {
        Fault::InternalError => return refuse(client, "500 Internal Server Error").await,
        Fault::SlowDown => return refuse(client, "503 Slow Down").await,
        Fault::NoAnswer => return Ok(()),
        Fault::OtherRegion if !head.contains(&format!("/{REGION}/s3/aws4_request")) => {
            let body = format!(
                "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header \
                 is malformed; the region is wrong; expecting '{REGION}'</Message>\
                 <Region>{REGION}</Region></Error>"
            );
            return answer(client, "400 Bad Request", &body).await;
        }
        Fault::None | Fault::HalfAnswer | Fault::OtherRegion => {}
    }
    let mut server = TcpStream::connect(upstream).await?;
    // The header is not signed: what was signed stays as it is.
    let closing = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(closing.as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    let length = answer.len() - body;
    if fault == Fault::HalfAnswer && length > 1 {
        client.write_all(&answer[..body + length / 2]).await?;
        return client.shutdown().await;
    }
    if line.starts_with("GET ") && line.contains("/__") {
        passed.lock().expect("a lock without a panic").shard_file_bytes +=
            u64::try_from(length).expect("in range");
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}

async fn refuse(client: TcpStream, status: &str) -> std::io::Result<()> {
    let code = status.split_once(' ').map_or("", |(_, words)| words).replace(' ', "");
    let body = format!("<Error><Code>{code}</Code><Message>injected</Message></Error>");
    answer(client, status, &body).await
}

async fn answer(mut client: TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
