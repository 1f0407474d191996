//! A target that keeps no documents: bulk requests for the measured index are read to their end
//! and acknowledged; everything else is passed on to a real server, so that work items, leases and
//! versions are as real as ever.
//!
//! ```text
//!   worker ----- POST /bench/_bulk -----> sink: counted, acknowledged
//!          ----- anything else ---------> sink ----> server
//! ```

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, bail};

use super::snapshots::NAME;

/// How much of a body is read at a time.
const PORTION: usize = 1 << 18;

/// A sink that runs as long as this program.
#[derive(Debug)]
pub(super) struct Sink {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    documents: AtomicU64,
    bytes: AtomicU64,
}

/// What arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrived {
    /// Bulk requests.
    pub(super) requests: u64,
    /// Documents in them.
    pub(super) documents: u64,
    /// Bytes of their bodies.
    pub(super) bytes: u64,
}

impl Sink {
    /// Starts one in front of a server.
    pub(super) fn start(server: &str) -> Result<Self> {
        let server: SocketAddr = server
            .strip_prefix("http://")
            .and_then(|address| address.parse().ok())
            .with_context(|| format!("`{server}` is not `http://ADDRESS:PORT`"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sink = Self { address: listener.local_addr()?, counts: Arc::default() };
        let counts = Arc::clone(&sink.counts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counts = Arc::clone(&counts);
                // A connection that breaks concerns its client alone, which notices by itself.
                thread::spawn(move || serve(client, server, &counts));
            }
        });
        Ok(sink)
    }

    /// Its address, as a client takes it.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what arrived since it was asked last.
    pub(super) fn take_counts(&self) -> Arrived {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let Counts { requests, documents, bytes } = &*self.counts;
        Arrived { requests: take(requests), documents: take(documents), bytes: take(bytes) }
    }
}

/// The head of a message, as it came, and what of it concerns us.
struct Head {
    text: String,
    body: u64,
}

fn serve(client: TcpStream, server: SocketAddr, counts: &Counts) -> Result<()> {
    client.set_nodelay(true)?;
    let mut responses = client.try_clone()?;
    let mut requests = BufReader::with_capacity(PORTION, client);
    let mut onward = None;
    let bulk = format!("POST /{NAME}/_bulk");
    while let Some(head) = read_head(&mut requests)? {
        if head.text.starts_with(&bulk) {
            let newlines = count_newlines(&mut requests, head.body)?;
            counts.requests.fetch_add(1, Ordering::Relaxed);
            counts.documents.fetch_add(newlines / 2, Ordering::Relaxed);
            counts.bytes.fetch_add(head.body, Ordering::Relaxed);
            responses.write_all(acknowledgement(newlines / 2).as_bytes())?;
        } else {
            let server = match &mut onward {
                Some(server) => server,
                none => none.insert(BufReader::new(TcpStream::connect(server)?)),
            };
            server.get_mut().write_all(head.text.as_bytes())?;
            pass(&mut requests, server.get_mut(), head.body)?;
            let mut answer = read_head(server)?.context("the server hung up")?;
            if head.text.starts_with("HEAD ") {
                answer.body = 0;
            }
            responses.write_all(answer.text.as_bytes())?;
            pass(server, &mut responses, answer.body)?;
        }
    }
    Ok(())
}

/// Reads up to the empty line; none at the end of the connection.
fn read_head(from: &mut BufReader<TcpStream>) -> Result<Option<Head>> {
    let mut head = Head { text: String::new(), body: 0 };
    loop {
        let start = head.text.len();
        if from.read_line(&mut head.text)? == 0 {
            return Ok(None);
        }
        let line = head.text.get(start..).unwrap_or_default().trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Some(head));
        }
        if let Some(length) = line.strip_prefix("content-length:") {
            head.body = length.trim().parse().context("a length that is no number")?;
        }
        if line.starts_with("transfer-encoding:") {
            bail!("a message in chunks is not understood here");
        }
    }
}

fn count_newlines(from: &mut BufReader<TcpStream>, mut left: u64) -> Result<u64> {
    let mut newlines = 0;
    while left > 0 {
        let portion = from.fill_buf()?;
        if portion.is_empty() {
            bail!("the connection ended within a body");
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(portion.len());
        let taken = portion.get(..wanted).unwrap_or_default();
        newlines += u64::try_from(memchr::memchr_iter(b'\n', taken).count())?;
        from.consume(wanted);
        left -= u64::try_from(wanted)?;
    }
    Ok(newlines)
}

fn pass(from: &mut BufReader<TcpStream>, to: &mut TcpStream, length: u64) -> Result<()> {
    let passed = std::io::copy(&mut from.take(length), to)?;
    if passed < length {
        bail!("the connection ended within a body");
    }
    Ok(())
}

/// The response of a server that took all documents.
fn acknowledgement(documents: u64) -> String {
    let items = vec![r#"{"index":{"status":201}}"#; usize::try_from(documents).unwrap_or(0)];
    let body = format!(r#"{{"errors":false,"items":[{}]}}"#, items.join(","));
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
