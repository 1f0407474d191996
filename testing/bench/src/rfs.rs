//! How fast does a worker of RFS move documents, and what does it use?
//!
//! Two questions. Into a sink, which takes whatever it is given: what does the worker itself cost?
//! Into a real server: how much slower is it than a bare loader, which sends the same documents in
//! requests of the same size, as many concurrently, out of memory?

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;
use reqwest::Method;
use serde_json::{Value, json};
use test_datasets::logs::{self, Shape};
use test_machine::{
    Machine,
    launch::Lifetime,
    programs::released,
    terminal::{say, table},
};
use test_servers::{
    distribution::{ELASTICSEARCH_7_10, OPENSEARCH_2_19},
    http::Http,
    server::start_all,
};

use super::{
    measured::{self, Used, as_float, machine_line},
    sink::Sink,
    snapshots::{self, Codec, NAME, Prepared, Wanted},
};

/// As the worker's own defaults: requests of this size, and so many concurrently.
const BULK_BYTES: usize = 8 << 20;
const BULK_DOCUMENTS: usize = 5_000;
const CONNECTIONS: usize = 4;

const MIGRATION: &str = "bench";

/// Where the documents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Destination {
    /// To a server that acknowledges and forgets.
    Sink,
    /// To a real server, and a bare loader beside it.
    Server,
}

/// What is moved, and how often.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the documents go.
    #[arg(long, value_enum, default_value_t = Destination::Sink)]
    into: Destination,
    /// How many documents.
    #[arg(long, default_value_t = 1_000_000)]
    documents: u64,
    /// In how many shards.
    #[arg(long, default_value_t = 4)]
    shards: u32,
    /// Their form.
    #[arg(long, value_enum, default_value_t = Shape::Access)]
    shape: Shape,
    /// How the source compressed them.
    #[arg(long, value_enum, default_value_t = Codec::Lz4)]
    codec: Codec,
    /// Each shard is one segment.
    #[arg(long)]
    merged: bool,
    /// How often each is run.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What a worker used, and how many bytes of the repository it read.
#[derive(Clone, Copy, Debug)]
struct Worked {
    used: Used,
    read: u64,
}

/// What every run needs.
struct Bench<'a> {
    options: &'a Options,
    programs: PathBuf,
    folder: PathBuf,
    data: Prepared,
    server: String,
    http: Http,
}

/// Builds the steps for release, and measures.
pub(super) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let programs = released(machine, &["-p", "register-step", "-p", "rfs-step"])?;
    let Options { shape, documents, shards, codec, merged, into, runs: _ } = *options;
    let data = snapshots::prepared(
        machine,
        &Wanted { distribution: ELASTICSEARCH_7_10, shape, documents, shards, codec, merged },
    )?;
    let folder = machine.area.new_run("bench-rfs")?;
    let servers = start_all(machine, &folder, &[OPENSEARCH_2_19], Lifetime::WithUs)?;
    let server = servers.first().context("no server was started")?.address.url.clone();
    let http = Http::new(&server)?;
    say(machine_line()?);
    say(format!(
        "{} documents, {:.1} MB of sources; the repository has {:.1} MB, all files",
        data.documents,
        as_float(data.source_bytes) / 1e6,
        as_float(size_of(&data.repository)?) / 1e6,
    ));
    let bench = Bench { options, programs, folder: folder.clone(), data, server, http };
    match into {
        Destination::Sink => bench.measure_sink()?,
        Destination::Server => bench.measure_server()?,
    }
    drop(servers);
    fs::remove_dir_all(folder)?;
    Ok(())
}

impl Bench<'_> {
    fn measure_sink(&self) -> Result<()> {
        let sink = Sink::start(&self.server)?;
        let mut rows = Vec::new();
        for number in 1..=self.options.runs {
            self.prepare()?;
            sink.take_counts();
            let used = self.work(&sink.url())?;
            self.follow()?;
            let arrived = sink.take_counts();
            if arrived.documents != self.data.documents {
                bail!("{} documents were sent, and {arrived:?}", self.data.documents);
            }
            let requests = Some(arrived.requests);
            rows.push(self.row(&format!("into the sink, {number}"), used, requests));
        }
        say(table(&HEADINGS, &rows));
        Ok(())
    }

    fn measure_server(&self) -> Result<()> {
        let (mut rows, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=self.options.runs {
            self.empty()?;
            self.make_index()?;
            let time = self.load()?;
            self.check_count()?;
            let loaded = Worked { used: Used { time, ..Used::default() }, read: 0 };
            rows.push(self.row(&format!("bare loader, {number}"), loaded, None));
            theirs.push(time);

            self.prepare()?;
            let used = self.work(&self.server)?;
            self.follow()?;
            self.check_count()?;
            rows.push(self.row(&format!("into the server, {number}"), used, None));
            ours.push(used.used.time);
        }
        say(table(&HEADINGS, &rows));
        let (ours, theirs) = (median(ours), median(theirs));
        say(format!(
            "median: the worker {:.1} s, the bare loader {:.1} s: {:.3} times",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            ours.as_secs_f64() / theirs.as_secs_f64().max(1e-9)
        ));
        Ok(())
    }

    /// A target as if nothing had ever run on it.
    fn empty(&self) -> Result<()> {
        for index in [NAME, ".migrations_working_state", ".argosy-failed-documents"] {
            let path = format!("/{index}?ignore_unavailable=true");
            self.http.json(&Method::DELETE, &path, None)?;
        }
        Ok(())
    }

    /// The index as the metadata step would leave it, tuned as the RFS step tunes.
    fn make_index(&self) -> Result<()> {
        let settings = json!({ "index": {
            "number_of_shards": self.options.shards, "number_of_replicas": 0,
            "refresh_interval": "-1",
        } });
        let mappings = self.options.shape.mapping();
        let body = json!({ "settings": settings, "mappings": mappings });
        self.http.put(&format!("/{NAME}"), &body).map(drop)
    }

    /// Work items on an empty target.
    fn prepare(&self) -> Result<()> {
        self.empty()?;
        self.make_index()?;
        let group = json!({ "name": "all", "indices": [NAME] });
        let request = json!({
            "migration": MIGRATION, "target": access(&self.server), "snapshot": self.snapshot(),
            "groups": [group],
        });
        self.step("argosy-register", &request).map(drop)?;
        self.step("argosy-rfs", &self.request("prepare", &self.server)).map(drop)
    }

    fn work(&self, target: &str) -> Result<Worked> {
        let (used, answer) = self.step("argosy-rfs", &self.request("work", target))?;
        let read = answer.get("bytesRead").and_then(Value::as_u64).unwrap_or(0);
        Ok(Worked { used, read })
    }

    /// Lets the step judge, and reads its numbers.
    fn follow(&self) -> Result<()> {
        let (_, answer) = self.step("argosy-rfs", &self.request("follow", &self.server))?;
        let number = |path: &str| answer.pointer(path).and_then(Value::as_u64);
        let accepted = (number("/ledger/accepted"), number("/ledger/bytes"));
        if accepted != (Some(self.data.documents), Some(self.data.source_bytes)) {
            bail!("the snapshot holds {:?}, and the answer is {answer}", self.data);
        }
        Ok(())
    }

    fn request(&self, role: &str, target: &str) -> Value {
        json!({
            "role": role, "migration": MIGRATION, "target": access(target),
            "snapshot": self.snapshot(), "group": { "name": "all", "indices": [NAME] },
        })
    }

    fn snapshot(&self) -> Value {
        let uri = format!("file://{}", self.data.repository.display());
        json!({ "repository": { "uri": uri }, "snapshot": { "kind": "existing", "name": NAME } })
    }

    fn step(&self, program: &str, request: &Value) -> Result<(Used, Value)> {
        let answer = self.folder.join("answer.json");
        let log = self.folder.join("step.log");
        let mut command = Command::new(self.programs.join(program));
        command
            .arg(request.to_string())
            .env("ARGOSY_RUN_ID", MIGRATION)
            .env("ARGOSY_ANSWER_FILE", &answer)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?.into_parts().0);
        let used = measured::run(&mut command)
            .with_context(|| format!("`{program}`: {}", end_of(&log)))?;
        let answer = serde_json::from_slice(&fs::read(answer)?).context("the answer is no JSON")?;
        Ok((used, answer))
    }

    /// The bare loader: requests out of memory, as many concurrently as the worker sends.
    fn load(&self) -> Result<Duration> {
        let bodies = Mutex::new(self.bodies());
        let started = Instant::now();
        thread::scope(|scope| {
            let sending: Vec<_> = (0..CONNECTIONS)
                .map(|_| {
                    scope.spawn(|| {
                        let http = Http::new(&self.server)?;
                        loop {
                            let mut left = bodies.lock().unwrap_or_else(PoisonError::into_inner);
                            let body = left.pop_front();
                            drop(left);
                            let Some(body) = body else { return Ok(()) };
                            snapshots::bulk(&http, body)?;
                        }
                    })
                })
                .collect();
            sending.into_iter().try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(_) => bail!("a thread of the loader panicked"),
            })
        })?;
        Ok(started.elapsed())
    }

    fn bodies(&self) -> VecDeque<Vec<u8>> {
        let mut bodies = VecDeque::new();
        let (mut body, mut count) = (Vec::with_capacity(BULK_BYTES), 0);
        let documents = usize::try_from(self.data.documents).unwrap_or(usize::MAX);
        for document in logs::documents(self.options.shape, snapshots::SEED).take(documents) {
            let line = format!("{{\"index\":{{\"_id\":\"{}\"}}}}\n", document.id);
            let size = body.len() + line.len() + document.source.len() + 1;
            if count == BULK_DOCUMENTS || size > BULK_BYTES {
                bodies.push_back(std::mem::replace(&mut body, Vec::with_capacity(BULK_BYTES)));
                count = 0;
            }
            body.extend_from_slice(line.as_bytes());
            body.extend_from_slice(document.source.as_bytes());
            body.push(b'\n');
            count += 1;
        }
        bodies.push_back(body);
        bodies
    }

    fn check_count(&self) -> Result<()> {
        self.http.json(&Method::POST, &format!("/{NAME}/_refresh"), None)?;
        let answer = self.http.get(&format!("/{NAME}/_count"))?;
        if answer.get("count").and_then(Value::as_u64) != Some(self.data.documents) {
            bail!("the server holds not {} documents: {answer}", self.data.documents);
        }
        Ok(())
    }

    fn row(&self, name: &str, worked: Worked, requests: Option<u64>) -> Vec<String> {
        let Worked { used: Used { time, processor, memory }, read } = worked;
        let seconds = time.as_secs_f64().max(1e-9);
        let (documents, bytes) = (as_float(self.data.documents), as_float(self.data.source_bytes));
        let unless_zero = |text: String| if processor.is_zero() { String::new() } else { text };
        vec![
            name.to_owned(),
            format!("{seconds:.2}"),
            format!("{:.0}", documents / seconds),
            format!("{:.0}", bytes / 1e6 / seconds),
            unless_zero(format!("{:.2}", processor.as_secs_f64())),
            unless_zero(format!("{:.2}", processor.as_secs_f64() * 1e6 / documents)),
            unless_zero(format!("{:.0}", as_float(memory) / 1e6)),
            unless_zero(format!("{:.1}", as_float(read) / 1e6)),
            requests.map_or_else(String::new, |requests| requests.to_string()),
        ]
    }
}

const HEADINGS: [&str; 9] = [
    "documents",
    "seconds",
    "a second",
    "MB/s of source",
    "CPU seconds",
    "for a million",
    "peak MB",
    "MB read",
    "requests",
];

fn access(endpoint: &str) -> Value {
    json!({ "name": "target", "endpoint": endpoint })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// All files of a folder and the folders in it.
fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        size += if about.is_dir() { size_of(&entry.path())? } else { about.len() };
    }
    Ok(size)
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}
