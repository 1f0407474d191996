//! From a command line to a compiled migration: which text, under which name, with which
//! installation. `validate`, `compile`, `plan` and `submit` all come through here, so none of
//! them finds what another one does not.

use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, Read as _},
    path::Path,
};

use anyhow::Context as _;
use cli_support::output::{self, failure};
use contract::Exit;
use generator::{
    Compiled, DefaultRepository, Installation, Steps,
    findings::{self, Colour},
    plan::PlannedMigration,
};
use runs::Configuration;

use crate::args;

/// A migration file and what the compiler made of it.
pub(crate) struct Source {
    /// The text.
    pub(crate) text: String,
    /// What messages call it.
    pub(crate) name: String,
    /// What the compiler made of it.
    pub(crate) compiled: Compiled,
}

impl Source {
    /// Returns whether the file cannot be used.
    pub(crate) fn has_errors(&self) -> bool {
        self.compiled.findings.has_errors()
    }

    /// Returns whether the file holds passwords in clear text.
    pub(crate) fn has_passwords(&self) -> bool {
        self.compiled.output.as_ref().is_some_and(|output| !output.secrets.is_empty())
    }

    /// Returns the names of the secrets that must be kept before the migration can run: those
    /// that the file names, without those that it holds in clear text.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let Some(output) = &self.compiled.output else { return Vec::new() };
        let migrations = output.plan.migrations.iter();
        let mut names: BTreeSet<String> = migrations
            .flat_map(|migration| {
                let PlannedMigration { source_secret, target_secret, storage_secret, .. } =
                    migration;
                [source_secret, target_secret, storage_secret]
            })
            .flatten()
            .cloned()
            .collect();
        for secret in &output.secrets {
            names.remove(&secret.name);
        }
        names.into_iter().collect()
    }

    /// Returns the command that keeps a secret which the file names.
    pub(crate) fn command_for(&self, secret: &str) -> String {
        let output = self.compiled.output.as_ref();
        let mut migrations = output.into_iter().flat_map(|output| &output.plan.migrations);
        let opens = |it: &PlannedMigration| it.storage_secret.as_deref() == Some(secret);
        let flag = if migrations.any(opens) { " --storage" } else { "" };
        format!("workflow configure credentials create {secret}{flag}")
    }

    /// Prints the findings for a person.
    pub(crate) fn show_findings(&self) {
        let Self { text, name, compiled } = self;
        if compiled.findings.is_empty() {
            return;
        }
        let colour = if std::io::stderr().is_terminal() { Colour::Always } else { Colour::Never };
        output::message(&findings::text(&compiled.findings, text, name, colour));
    }
}

/// Reads and compiles what the command line names, for the engine that is in use.
pub(crate) async fn read(
    configuration: &dyn Configuration,
    input: &args::Input,
) -> anyhow::Result<Source> {
    read_for(configuration, input, configuration.steps()).await
}

/// Reads and compiles what the command line names.
pub(crate) async fn read_for(
    configuration: &dyn Configuration,
    input: &args::Input,
    steps: Steps,
) -> anyhow::Result<Source> {
    let (text, name) = match &input.file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
            (text, "standard input".to_owned())
        }
        Some(path) => (fs_err::read_to_string(path)?, path.display().to_string()),
        None => {
            let session = &input.session.session;
            (session_file(configuration, session).await?, configuration.session_location(session)?)
        }
    };
    Ok(compile_text(&text, &name, &input.installation, steps))
}

/// Reads the file of a session, which must have one.
pub(crate) async fn session_file(
    configuration: &dyn Configuration,
    session: &str,
) -> anyhow::Result<String> {
    configuration.session(session).await?.ok_or_else(|| {
        let message = format!(
            "session `{session}` has no migration file; run `workflow configure sample --load` \
             and `workflow configure edit`, or name a file"
        );
        failure(Exit::NotFound, message)
    })
}

/// Compiles a text that is not kept yet.
pub(crate) fn compile_text(
    text: &str,
    name: &str,
    flags: &args::Installation,
    steps: Steps,
) -> Source {
    let args::Installation { workflow_name, site } = flags;
    let installation =
        Installation { workflow_name: workflow_name.clone(), ..installation(site, steps) };
    let compiled = generator::compile(text, &installation);
    Source { text: text.to_owned(), name: name.to_owned(), compiled }
}

/// Returns what the flags say of the place where migrations run.
pub(crate) fn installation(flags: &args::Site, steps: Steps) -> Installation {
    let args::Site {
        image_registry,
        image_tag,
        snapshot_repository,
        snapshot_region,
        snapshot_secret,
        snapshot_volume,
    } = flags;
    let default = Installation::default();
    Installation {
        image_registry: image_registry.clone(),
        image_tag: image_tag.clone().unwrap_or_else(|| default.image_tag.clone()),
        default_snapshot_repository: snapshot_repository.as_ref().map(|uri| DefaultRepository {
            repo_path_uri: uri.clone(),
            aws_region: snapshot_region.clone(),
            secret_name: snapshot_secret.clone(),
            ..DefaultRepository::default()
        }),
        snapshot_volume: snapshot_volume.clone(),
        steps,
        ..default
    }
}
