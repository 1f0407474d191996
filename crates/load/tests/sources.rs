//! Does anything here know what a snapshot is? Two other sources are loaded into a target that is a
//! few lines long.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    thread,
    time::{Duration, Instant},
};

use cluster::Client;
use contract::{
    Auth, ClusterAccess, Credentials, GroupName, IndexName, Ledger, MigrationName, RunId,
    SnapshotUuid,
};
use load::{
    Checkpoint, Limits, LoadContext, LoadJob, ProgressRecord, Slots,
    failed_documents::Provenance,
    load,
    source::{Document, DocumentBatch, DocumentBody, DocumentSource, LoadStop, SourceEnd},
};
use serde_json::{Map, Value, json};
use state_store::{Origin, Scope};
use tokio::sync::watch;

/// What every source here gives out: a time, an id and a text.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    time: String,
    id: String,
    line: Vec<u8>,
}

fn events(number: u64) -> Vec<Event> {
    (0..number)
        .map(|number| Event {
            // Several events of one time: only the id distinguishes them.
            time: format!("2026-01-01T00:00:{:02}Z", number / 7),
            id: format!("e{number:03}"),
            line: json!({ "number": number }).to_string().into_bytes(),
        })
        .collect()
}

/// Where a source stops, as its own kind of cursor.
trait Place: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The place behind the event of this number.
    fn behind(number: u64, event: &Event) -> Self;

    /// How many events lie before it.
    fn before(&self, events: &[Event]) -> usize;
}

/// How many documents were given out.
impl Place for u64 {
    fn behind(number: u64, _: &Event) -> Self {
        number + 1
    }

    fn before(&self, _: &[Event]) -> usize {
        usize::try_from(*self).expect("small")
    }
}

/// The time and the id of the last document.
impl Place for (String, String) {
    fn behind(_: u64, event: &Event) -> Self {
        (event.time.clone(), event.id.clone())
    }

    fn before(&self, events: &[Event]) -> usize {
        events.iter().filter(|event| (&event.time, &event.id) <= (&self.0, &self.1)).count()
    }
}

struct Events<C> {
    all: Vec<Event>,
    next: usize,
    cursor: C,
}

struct EventBatch<C> {
    first: u64,
    events: Vec<Event>,
    end: C,
}

impl<C: Place> Events<C> {
    fn after(cursor: C, events: Vec<Event>) -> Self {
        Self { next: cursor.before(&events), all: events, cursor }
    }
}

impl<C: Place> DocumentSource for Events<C> {
    type Cursor = C;

    type Batch = EventBatch<C>;

    async fn next(&mut self) -> Result<Option<EventBatch<C>>, LoadStop> {
        let events: Vec<Event> = self.all.iter().skip(self.next).take(5).cloned().collect();
        let first = self.next as u64;
        self.next += events.len();
        let Some(last) = events.last() else { return Ok(None) };
        self.cursor = C::behind(self.next as u64 - 1, last);
        Ok(Some(EventBatch { first, events, end: self.cursor.clone() }))
    }

    fn end(&self) -> Result<SourceEnd<C>, LoadStop> {
        Ok(SourceEnd { cursor: self.cursor.clone(), documents: self.all.len() as u64 })
    }

    fn bytes_read(&self) -> u64 {
        0
    }
}

impl<C: Place> DocumentBatch for EventBatch<C> {
    type Cursor = C;

    fn end(&self) -> C {
        self.end.clone()
    }

    fn counts(&self) -> Ledger {
        let live = self.events.len() as u64;
        Ledger { physical: live, live, ..Ledger::default() }
    }

    fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        self.events.iter().zip(self.first..).map(|(event, position)| Document {
            position,
            id: &event.id,
            routing: None,
            source: DocumentBody::Line(Cow::Borrowed(&event.line)),
        })
    }
}

/// Keeps the checkpoint in memory, and stops the load after a number of records.
struct Memory<C> {
    checkpoint: Checkpoint<C>,
    records_left: usize,
}

#[derive(Debug, PartialEq)]
enum Stop {
    Killed,
    Load(LoadStop),
}

impl From<LoadStop> for Stop {
    fn from(stop: LoadStop) -> Self {
        Self::Load(stop)
    }
}

impl<C: Place> ProgressRecord<C> for Memory<C> {
    type Stop = Stop;

    fn note(&mut self, checkpoint: &Checkpoint<C>) {
        self.checkpoint = checkpoint.clone();
    }

    async fn record(&mut self) -> Result<(), Stop> {
        self.records_left = self.records_left.checked_sub(1).ok_or(Stop::Killed)?;
        Ok(())
    }
}

/// A target that knows bulk requests and keeps the documents; the document `e004` does not fit.
#[derive(Clone, Default)]
struct Target(Arc<Mutex<BTreeMap<String, Vec<Value>>>>);

impl Target {
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let target = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (target, stream) = (target.clone(), stream.expect("a connection"));
                thread::spawn(move || target.serve(stream));
            }
        });
        url
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut writer = stream;
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request).is_err() || request.is_empty() {
                return;
            }
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).expect("a header");
                if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                if header == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            // Slow enough that a load lasts for several records.
            thread::sleep(Duration::from_millis(60));
            let answer = self.bulk(&request, &body).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
            write!(writer, "{head}{}\r\n\r\n{answer}", answer.len()).expect("an answer");
        }
    }

    fn bulk(&self, request: &str, body: &[u8]) -> Value {
        let index = request.split('/').nth(1).unwrap_or_default().to_owned();
        let lines: Vec<Value> = body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("JSON"))
            .collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut items = Vec::new();
        for pair in lines.chunks(2) {
            let id = pair[0]["index"]["_id"].as_str().expect("an id").to_owned();
            if index == "events" && id == "e004" {
                let error = json!({ "type": "mapper_parsing_exception", "reason": "no" });
                items.push(json!({ "index": { "status": 400, "error": error } }));
                continue;
            }
            kept.entry(format!("{index}/{id}")).or_default().push(pair[1].clone());
            items.push(json!({ "index": { "status": 200 } }));
        }
        json!({ "errors": false, "items": items })
    }
}

fn context(url: &str) -> LoadContext {
    let access = ClusterAccess {
        name: "new".to_owned(),
        endpoint: url.to_owned(),
        version: None,
        allow_insecure: false,
        auth: Auth::None,
    };
    LoadContext {
        client: Client::new(&access, &Credentials::default(), &BTreeMap::new()).expect("a client"),
        limits: Limits { bytes: 10_000, documents: 4 },
        slots: Slots::new(2),
        bytes_read: AtomicU64::new(0),
    }
}

fn provenance() -> Provenance {
    Provenance {
        run: RunId::new("r"),
        scope: Scope {
            migration: MigrationName::new("m"),
            group: GroupName::new("g"),
            origin: Origin::Snapshot(SnapshotUuid::new("s")),
        },
        item: "k".to_owned(),
        index: IndexName::new("events"),
        identity: Vec::new(),
        fields: Map::new(),
    }
}

/// Loads from `start` on, is killed again and again, and resumes from what was noted.
async fn load_with_kills<C: Place>(start: C) {
    let target = Target::default();
    let context = context(&target.start());
    let all = events(100);
    let mut checkpoint = Checkpoint { cursor: start, ledger: Ledger::default() };
    let mut kills = 0;
    loop {
        let mut progress = Memory { checkpoint: checkpoint.clone(), records_left: 2 };
        let (_renewals, permit) = watch::channel(Instant::now() + Duration::from_mins(1));
        let source = Events::after(checkpoint.cursor.clone(), all.clone());
        let job = LoadJob { provenance: provenance(), from: checkpoint, permit };
        let result = load(&context, job, source, &mut progress, ()).await;
        checkpoint = progress.checkpoint;
        assert!(checkpoint.ledger.adds_up(), "{checkpoint:?}");
        assert_eq!(checkpoint.cursor.before(&all) as u64, checkpoint.ledger.physical);
        match result {
            Ok(()) => break,
            Err(stop) => assert_eq!(stop, Stop::Killed),
        }
        kills += 1;
    }
    assert!(kills > 0, "it was killed in between");
    let Ledger { live, accepted, rejected, .. } = checkpoint.ledger;
    assert_eq!((live, accepted, rejected), (100, 99, 1));
    let kept = target.0.lock().unwrap_or_else(PoisonError::into_inner);
    let arrived = kept.keys().filter(|key| key.starts_with("events/")).count();
    let failed: Vec<&Value> = kept
        .iter()
        .filter(|(key, _)| key.starts_with(".argosy-failed-documents/"))
        .flat_map(|(_, documents)| documents)
        .collect();
    assert_eq!(arrived, 99);
    assert!(failed.iter().all(|failed| failed["id"] == "e004"), "{failed:?}");
    assert!(!failed.is_empty());
}

#[tokio::test]
async fn a_source_that_counts_its_documents_is_loaded_across_kills() {
    load_with_kills(0_u64).await;
}

#[tokio::test]
async fn a_source_that_resumes_behind_a_time_and_an_id_is_loaded_across_kills() {
    load_with_kills((String::new(), String::new())).await;
}
