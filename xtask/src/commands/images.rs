//! `cargo xtask images`: one small image a step and the console's, as OCI archives, without a
//! container engine.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use fs_err as fs;
use images::Archive;
use test_machine::{
    Machine,
    terminal::{say, table},
};

/// What to call the images, and where to put them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The registry in their names, as in `registry.example.com/argosy`.
    #[arg(long, default_value = "localhost")]
    registry: String,
    /// The tag in their names.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Where the archives go (default: `images` in the test area).
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(machine: &Machine, options: &Options) -> Result<()> {
    let Options { registry, tag, output } = options;
    let folder = match output {
        Some(folder) => std::path::absolute(folder)?,
        None => machine.area.folder("images")?,
    };
    let archives = images::write_all(machine, registry, tag, &folder)?;
    let rows = archives
        .iter()
        .map(|Archive { name, file }| {
            let kilobytes = fs::metadata(file)?.len() / 1000;
            let megabytes = format!("{}.{}", kilobytes / 1000, kilobytes % 1000 / 100);
            Ok(vec![name.clone(), megabytes, file.display().to_string()])
        })
        .collect::<Result<Vec<_>>>()?;
    say(table(&["image", "MB", "archive"], &rows));
    say("push one with `skopeo copy oci-archive:ARCHIVE docker://NAME`, or load it with");
    say(
        "`ctr --namespace k8s.io images import ARCHIVE`; `docker load` takes them from version 25 on",
    );
    Ok(())
}
