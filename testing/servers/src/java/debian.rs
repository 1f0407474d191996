//! How Java comes from Debian: installed when this release has the package, or, for the
//! older Java 11, unpacked from the security archive of the release that had it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use test_machine::{
    Machine,
    packages::{can_install, install},
    shell, terminal,
};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Installs Java 17, or 21 on a release that has no 17.
pub(super) fn install_java_17(machine: &Machine) -> Result<()> {
    let headless = ["openjdk-17-jre-headless", "maven"];
    install(machine, &headless, "Java 17").or_else(|error| {
        if !can_install(machine) {
            return Err(error);
        }
        install(machine, &["openjdk-21-jre-headless", "maven"], "Java 17 or 21")
    })
}

/// Unpacks Java 11 into the test area, without installing it.
pub(super) fn unpack_java_11(machine: &Machine) -> Result<()> {
    if machine.program("apt-get").is_none() || machine.program("dpkg-deb").is_none() {
        bail!("Java 11 is missing; install it and set `JAVA_HOME`");
    }
    terminal::say("setting up Java 11 from Debian's archive");
    let java = machine.area.folder("java")?;
    let work = tempfile::tempdir_in(&java)?;
    let apt = Apt::new(work.path())?;
    apt.run(&["update"])?;
    apt.run(&["download", "openjdk-11-jre-headless"])?;
    let package = fs::read_dir(work.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt downloaded no package")?;
    let root = work.path().join("root");
    shell::run_quietly(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root))?;
    let home = fs::read_dir(root.join("usr/lib/jvm"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.join("bin/java").is_file())
        .context("the package holds no Java")?;
    bring_settings_inside(&home, &root)?;
    let place = java.join("java-11");
    if !place.is_dir() {
        fs::rename(home, place)?;
    }
    Ok(())
}

/// Replaces the links to `/etc`, where an installed package has its settings, by the files of the
/// unpacked one.
fn bring_settings_inside(folder: &Path, root: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_symlink() {
            let Ok(inside) = fs::read_link(&path)?.strip_prefix("/etc").map(PathBuf::from) else {
                continue;
            };
            fs::remove_file(&path)?;
            let settings = root.join("etc").join(inside);
            if settings.is_file() {
                fs::copy(settings, &path)?;
            }
        } else if path.is_dir() {
            bring_settings_inside(&path, root)?;
        }
    }
    Ok(())
}

/// An apt with lists and caches of its own, so that the machine's are not touched.
struct Apt<'a> {
    folder: &'a Path,
}

impl<'a> Apt<'a> {
    fn new(folder: &'a Path) -> Result<Self> {
        let sources = apt_sources()?;
        let archive = archive_address(&sources)
            .context("no Debian archive is among apt's sources; install Java 11 yourself")?;
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::create_dir_all(folder.join("cache/archives/partial"))?;
        fs::write(
            folder.join("sources.list"),
            format!(
                "deb [signed-by={KEYRING}] {archive} bullseye main\n\
                 deb [signed-by={KEYRING}] {archive}-security bullseye-security main\n"
            ),
        )?;
        Ok(Self { folder })
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let folder = self.folder.display();
        shell::run_quietly(
            Command::new("apt-get")
                .current_dir(self.folder)
                .arg("-qq")
                .arg("-o")
                .arg(format!("Dir::Etc::sourcelist={folder}/sources.list"))
                .args(["-o", "Dir::Etc::sourceparts=-", "-o", "APT::Sandbox::User="])
                .arg("-o")
                .arg(format!("Dir::State::lists={folder}/lists"))
                .arg("-o")
                .arg(format!("Dir::Cache={folder}/cache"))
                .args(arguments),
        )
    }
}

/// The text of every file that names apt's sources.
fn apt_sources() -> Result<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir("/etc/apt/sources.list.d") {
        for entry in parts {
            files.push(entry?.path());
        }
    }
    let mut text = String::new();
    for file in files.into_iter().filter(|file| file.is_file()) {
        text.push_str(&String::from_utf8_lossy(&fs::read(file)?));
        text.push('\n');
    }
    Ok(text)
}

/// The address of the Debian archive that this machine uses.
fn archive_address(sources: &str) -> Option<&str> {
    sources
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_end_matches('/'))
        .find(|word| word.starts_with("http") && word.ends_with("/debian"))
}

#[cfg(test)]
mod tests {
    use super::archive_address;

    #[test]
    fn the_archive_is_found_in_both_kinds_of_source_files() {
        let stanza = "Types: deb\n# http://old.test/archive/debian\nURIs: http://deb.test/debian\n";
        assert_eq!(archive_address(stanza), Some("http://deb.test/debian"));
        let line = "deb https://mirror.test/debian/ bookworm main\n";
        assert_eq!(archive_address(line), Some("https://mirror.test/debian"));
        assert_eq!(archive_address("deb https://other.test/ubuntu jammy main"), None);
    }
}
