//! How an artefact comes from Maven's registry: by the ordinary `mvn` client, into our own local
//! repository, and only if its SHA-256 is the one that is pinned in our code.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};
use test_machine::{Machine, hash::sha256_of, shell};

use crate::java;

/// The plugin that fetches one artefact without a project.
const GET: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get";

/// An artefact's coordinates and what its bytes must hash to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Artifact {
    /// The group, dots between its parts.
    pub group: &'static str,
    /// The name in the group.
    pub name: &'static str,
    /// The released version.
    pub version: &'static str,
    /// The file's extension.
    pub packaging: &'static str,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// The artefact's file, fetched if it is not here yet.
pub(crate) fn fetch(machine: &Machine, artifact: &Artifact) -> Result<PathBuf> {
    let repository = machine.area.folder("downloads/maven")?;
    let Artifact { group, name, version, packaging, sha256 } = artifact;
    let file = repository
        .join(group.replace('.', "/"))
        .join(name)
        .join(version)
        .join(format!("{name}-{version}.{packaging}"));
    if !file.is_file() {
        java::install_maven(machine)?;
        let coordinates = format!("{group}:{name}:{version}:{packaging}");
        shell::run_quietly(
            Command::new("mvn")
                .args(["-q", "-B", GET, "-Dtransitive=false"])
                .arg(format!("-Dmaven.repo.local={}", repository.display()))
                .arg(format!("-Dartifact={coordinates}")),
        )
        .with_context(|| format!("cannot fetch `{coordinates}`"))?;
    }
    let found = sha256_of(&file)?;
    if found != *sha256 {
        bail!(
            "`{}` has SHA-256 {found}, and {sha256} is pinned; remove the file and try again",
            file.display()
        );
    }
    Ok(file)
}
