//! The project's own commands.

mod commands;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use test_datasets::corpus;
use test_machine::{Machine, terminal};

use crate::commands::{cluster, demo, generate, images, servers, test, tidy};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    /// Where downloads, runs and logs go (default: `.test-area` in the checkout).
    #[arg(long, env = "ARGOSY_TEST_AREA", global = true, value_name = "FOLDER")]
    test_area: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate a real Elasticsearch to a real OpenSearch on this machine.
    Demo(demo::Options),
    /// Run everything that is asked of a change.
    Test(test::Options),
    /// Check what the compiler does not.
    Tidy,
    /// Write the files that are made from the code.
    Generate(generate::Options),
    /// Measure.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Write the container images as archives, without a container engine.
    Images(images::Options),
    /// Keep a real Kubernetes with Argo up while you work.
    #[command(subcommand)]
    Cluster(cluster::Action),
    /// Write the snapshot repositories of the corpus again, each by its real server.
    Corpus(corpus::Options),
    /// Keep real servers up while you work.
    #[command(subcommand)]
    Servers(servers::Action),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome =
        Machine::detect(arguments.test_area).and_then(|machine| match arguments.command {
            Command::Demo(options) => demo::run(&machine, &options),
            Command::Test(options) => test::run(&machine, &options),
            Command::Tidy => tidy::run(&machine),
            Command::Generate(options) => generate::run(&machine, options.mode()),
            Command::Bench(bench) => bench::run(&machine, &bench),
            Command::Images(options) => images::run(&machine, &options),
            Command::Cluster(action) => cluster::run(&machine, action),
            Command::Corpus(options) => corpus::run(&machine, &options),
            Command::Servers(action) => servers::run(&machine, action),
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::say(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
