//! How fast are stored fields decoded, to nothing, by one core and by two?
//!
//! Rates a core are sources by the processor time of one decoder that is held to one core, so that
//! they say the same on a busy machine; how much faster two decoders are, that are held to none, is
//! by the clock, and says little on a busy machine.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Result;
use clap::Args;
use test_datasets::logs::Shape;
use test_machine::{
    Machine,
    programs::released,
    terminal::{say, table},
};
use test_servers::distribution::{Distribution, ELASTICSEARCH_7_10, OPENSEARCH_2_19};

use super::{
    measured::{self, Used, as_float, machine_line},
    snapshots::{self, Codec, NAME, Prepared, Wanted},
};

/// One before and one after the change of Lucene 9.
const SOURCES: [Distribution; 2] = [ELASTICSEARCH_7_10, OPENSEARCH_2_19];
const SHAPES: [Shape; 3] = [Shape::Tiny, Shape::Short, Shape::Long];
const CODECS: [Codec; 2] = [Codec::Lz4, Codec::Deflate];

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cores {
    One,
    Two,
}

impl Cores {
    /// The decoder, without its arguments.
    fn command(self, program: &Path) -> Command {
        match self {
            Self::One => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", "0"]).arg(program);
                command
            }
            Self::Two => Command::new(program),
        }
    }

    fn decoders(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// How much is decoded, and how often.
#[derive(Debug, Args)]
pub struct Options {
    /// Megabytes of sources in each snapshot, of which a server makes twelve the first time.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// How often each is decoded in one run.
    #[arg(long, default_value_t = 8)]
    passes: u64,
    /// How often each is run; the best is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Builds the program for release, and measures.
pub(super) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let program =
        released(machine, &["-p", "snapshot-repo", "--example", "decode"])?.join("examples/decode");
    let mut prepared = Vec::new();
    for distribution in SOURCES {
        for codec in CODECS {
            for shape in SHAPES {
                let documents = options.megabytes * 1_000_000 / size(shape);
                let wanted =
                    Wanted { distribution, shape, documents, shards: 1, codec, merged: true };
                prepared.push((wanted, snapshots::prepared(machine, &wanted)?));
            }
        }
    }
    say(machine_line()?);
    let mut rows = Vec::new();
    for (wanted, data) in &prepared {
        let one = best(&program, data, Cores::One, options)?;
        let two = best(&program, data, Cores::Two, options)?;
        let of_core = one.processor.as_secs_f64() / as_float(options.passes);
        let Wanted { distribution, shape, codec, .. } = wanted;
        rows.push(vec![
            format!("{} {}", distribution.product.name(), distribution.version),
            format!("{codec:?}").to_lowercase(),
            (data.source_bytes / data.documents.max(1)).to_string(),
            format!("{shape:?}").to_lowercase(),
            format!("{:.0}", as_float(data.source_bytes) / of_core / 1e6),
            format!("{:.2}", as_float(data.documents) / of_core / 1e6),
            format!("{:.2}", ratio(one.time, two.time)),
            (one.memory.max(two.memory) >> 20).to_string(),
        ]);
    }
    let head = [
        "written by",
        "codec",
        "bytes a source",
        "shape",
        "MB/s a core",
        "million documents/s a core",
        "two cores, times faster",
        "MiB of memory",
    ];
    say(table(&head, &rows));
    Ok(())
}

/// About how many bytes a source of this shape has.
fn size(shape: Shape) -> u64 {
    match shape {
        Shape::Tiny => 48,
        Shape::Short => 400,
        Shape::Access => 1_030,
        Shape::Long => 2_400,
    }
}

/// The run that took the least processor time, and the least time of any.
fn best(program: &Path, data: &Prepared, cores: Cores, options: &Options) -> Result<Used> {
    let mut best: Option<Used> = None;
    for _ in 0..options.runs.max(1) {
        let mut command = cores.command(program);
        command
            .arg(&data.repository)
            .arg(NAME)
            .arg(cores.decoders())
            .arg(options.passes.to_string())
            .stdout(Stdio::null());
        let used = measured::run(&mut command)?;
        best = Some(match best {
            None => used,
            Some(best) => Used {
                time: best.time.min(used.time),
                processor: best.processor.min(used.processor),
                memory: best.memory.max(used.memory),
            },
        });
    }
    Ok(best.unwrap_or_default())
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(f64::MIN_POSITIVE)
}
