//! `cargo xtask generate`: writes what is made from the code (the schemas, the list of findings,
//! the reference of the command lines), or checks that it was written.

mod cli_reference;
mod findings_reference;

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;
use fs_err as fs;
use test_machine::{
    Machine,
    programs::{Profile, Programs},
    shell,
    terminal::say,
};

/// How to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a file is not what the code generates.
    #[arg(long)]
    check: bool,
}

/// Whether files are written or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write what differs.
    Write,
    /// Fail on what differs.
    Check,
}

impl Options {
    /// What the flags ask for.
    pub(crate) fn mode(&self) -> Mode {
        if self.check { Mode::Check } else { Mode::Write }
    }
}

/// A file that is made from the code.
struct Generated {
    /// From the top of the checkout.
    path: &'static str,
    text: String,
}

/// Writes or compares every generated file.
pub(crate) fn run(machine: &Machine, mode: Mode) -> Result<()> {
    let programs = Programs::build(machine, Profile::Dev)?;
    let mut different = Vec::new();
    for Generated { path, text } in generated(&programs)? {
        let file = machine.workspace.join(path);
        if fs::read(&file).is_ok_and(|found| found == text.as_bytes()) {
            continue;
        }
        match mode {
            Mode::Write => {
                if let Some(folder) = file.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(&file, text)?;
                say(format!("wrote {path}"));
            }
            Mode::Check => different.push(path),
        }
    }
    if !different.is_empty() {
        bail!("`{}` differ from the code; run `cargo xtask generate`", different.join("`, `"));
    }
    Ok(())
}

fn generated(programs: &Programs) -> Result<Vec<Generated>> {
    Ok(vec![
        Generated {
            path: "schemas/migration-config/v1.schema.json",
            text: format!("{:#}\n", generator::schema::v1()),
        },
        Generated {
            path: "schemas/run.schema.json",
            text: shell::output(Command::new(programs.workflow()).args(["util", "schema"]))?,
        },
        Generated {
            path: "docs/findings.md",
            text: findings_reference::markdown(generator::rules())?,
        },
        Generated {
            path: "docs/cli.md",
            text: cli_reference::markdown(&[programs.workflow(), programs.console()])?,
        },
    ])
}
