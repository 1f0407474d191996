//! How an artefact comes from Maven's registry: by the ordinary `mvn` client, into our own local
//! repository, and only if its SHA-256 is the one that is pinned in our code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use sha2::{Digest as _, Sha256};

use crate::java;
use crate::machine::Machine;
use crate::shell;

/// The plugin that fetches one artefact without a project.
const GET: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get";

/// An artefact's coordinates and what its bytes must hash to.
#[derive(Debug, Clone, Copy)]
pub struct Artifact {
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
pub fn fetch(machine: &Machine, artifact: &Artifact) -> Result<PathBuf> {
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

/// The SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut fs::File::open(file)?, &mut HashWriter(&mut hash))?;
    Ok(hex(&hash.finalize()))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::sha256_of;

    #[test]
    fn the_hash_of_a_file_is_the_published_one_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), "abc").unwrap();
        assert_eq!(
            sha256_of(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
