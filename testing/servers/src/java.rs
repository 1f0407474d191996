//! Which Java a server runs on, and where it comes from: one that is on the machine, or Debian's
//! package, or a Python package that carries a runtime.

mod debian;
mod python;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use fs_err as fs;
use test_machine::{Machine, packages, shell};

/// The Java that a server needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JavaVersion {
    /// 11: for Elasticsearch before 7.17, which stops on anything newer.
    Eleven,
    /// 17 (or up to 21): what Debian ships.
    Seventeen,
    /// 21 or newer: for OpenSearch 3.
    TwentyOneOrNewer,
}

impl JavaVersion {
    fn accepts(self, major: u32) -> bool {
        match self {
            Self::Eleven => major == 11,
            Self::Seventeen => (17..=21).contains(&major),
            Self::TwentyOneOrNewer => major >= 21,
        }
    }
}

/// A Java runtime on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Java {
    /// Its folder, the one with `bin/java`.
    pub home: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Java {
    /// Finds a runtime that serves, or sets one up.
    pub(crate) fn set_up(machine: &Machine, wanted: JavaVersion) -> Result<Self> {
        if let Some(found) = Self::find(machine, wanted)? {
            return Ok(found);
        }
        match wanted {
            JavaVersion::Eleven => debian::unpack_java_11(machine)?,
            JavaVersion::Seventeen => debian::install_java_17(machine)?,
            JavaVersion::TwentyOneOrNewer => python::unpack_java_21(machine)?,
        }
        match Self::find(machine, wanted)? {
            Some(found) => Ok(found),
            None => bail!("no Java for {wanted:?} was found after it was set up; set `JAVA_HOME`"),
        }
    }

    /// The oldest runtime on this machine that serves.
    fn find(machine: &Machine, wanted: JavaVersion) -> Result<Option<Self>> {
        let mut found: Vec<Self> = candidates(machine)?
            .into_iter()
            .filter(|home| machine.servers_can_reach(&home.join("bin/java")))
            .filter_map(|home| version(&home).map(|major| Self { home, major }))
            .filter(|java| wanted.accepts(java.major))
            .collect();
        found.sort_by_key(|java| java.major);
        Ok(found.into_iter().next())
    }

    /// Whether the runtime has a module; a reduced one lacks some that a server asks for.
    pub(crate) fn has_module(&self, name: &str) -> Result<bool> {
        let modules =
            shell::output(Command::new(self.home.join("bin/java")).arg("--list-modules"))?;
        Ok(modules.lines().any(|line| line.split('@').next() == Some(name)))
    }
}

/// Every folder that holds a `bin/java`.
fn candidates(machine: &Machine) -> Result<Vec<PathBuf>> {
    let mut homes: Vec<PathBuf> = machine.java_home.iter().cloned().collect();
    for folder in [PathBuf::from("/usr/lib/jvm"), machine.area.folder("java")?] {
        if folder.is_dir() {
            for entry in fs::read_dir(folder)? {
                homes.push(entry?.path());
            }
        }
    }
    if let Some(program) = machine.program("java") {
        let program = fs::canonicalize(program)?;
        homes.extend(program.ancestors().nth(2).map(Path::to_path_buf));
    }
    homes.retain(|home| home.join("bin/java").is_file());
    homes.sort();
    homes.dedup();
    Ok(homes)
}

/// The major version that a runtime reports; `None` when it does not run.
fn version(home: &Path) -> Option<u32> {
    let output = Command::new(home.join("bin/java")).arg("-version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stderr))
}

fn major_version(report: &str) -> Option<u32> {
    let (_, quoted) = report.split_once("version \"")?;
    let version = quoted.strip_prefix("1.").unwrap_or(quoted);
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..digits)?.parse().ok()
}

/// Makes sure that the `mvn` client is there.
pub(crate) fn install_maven(machine: &Machine) -> Result<()> {
    if machine.program("mvn").is_some() {
        return Ok(());
    }
    packages::install(machine, &["maven"], "Maven (`mvn`)")
}

#[cfg(test)]
mod tests {
    use super::{JavaVersion, major_version};

    #[test]
    fn the_major_version_is_read_from_old_and_new_reports() {
        assert_eq!(major_version("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(major_version("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(major_version("java version \"1.8.0_452\""), Some(8));
        assert_eq!(major_version("not a runtime"), None);
    }

    #[test]
    fn a_server_for_java_11_gets_nothing_newer() {
        assert!(JavaVersion::Eleven.accepts(11) && !JavaVersion::Eleven.accepts(17));
        assert!(JavaVersion::Seventeen.accepts(21) && !JavaVersion::Seventeen.accepts(25));
    }
}
