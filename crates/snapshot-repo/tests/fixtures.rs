//! Every repository that real servers wrote gives the documents and the metadata that those servers
//! returned.
//!
//! The repositories are in the folder that `ARGOSY_FIXTURES` names, or in `shared/fixtures` beside
//! the workspace: archives (`es710.tar.zst`) or folders that were unpacked from them.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fixture;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The servers whose repositories are read; each has an archive of this name.
const SERVERS: &[&str] =
    &["es56", "es68", "es710", "es717", "es732", "es8", "es9", "os13", "os2", "os3"];

/// The fixtures of one server, and the folder that keeps them while they are used.
struct Fixtures {
    folders: Vec<PathBuf>,
    _unpacked: Option<TempDir>,
}

fn fixtures_of(server: &str) -> Option<Fixtures> {
    let named = std::env::var_os("ARGOSY_FIXTURES").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let root = named.unwrap_or(beside);
    let archive = root.join(format!("{server}.tar.zst"));
    if !archive.exists() {
        let folders = folders_of(&root, server);
        return (!folders.is_empty()).then_some(Fixtures { folders, _unpacked: None });
    }
    let unpacked = TempDir::new().unwrap();
    let status = Command::new("tar")
        .arg("--zstd")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(unpacked.path())
        .status()
        .unwrap();
    assert!(status.success(), "cannot unpack {}", archive.display());
    let folders = folders_of(unpacked.path(), server);
    Some(Fixtures { folders, _unpacked: Some(unpacked) })
}

fn folders_of(root: &Path, server: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(root).into_iter().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(&format!("{server}-")) && path.join("fixture.json").exists()
        })
        .collect();
    folders.sort();
    folders
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
fn skipped(server: &str) {
    println!(
        "skipped: no repositories of `{server}`; set ARGOSY_FIXTURES to the folder that has them"
    );
}

#[tokio::test]
async fn documents_are_those_that_the_server_returned() {
    for server in SERVERS {
        let Some(fixtures) = fixtures_of(server) else {
            skipped(server);
            continue;
        };
        for folder in &fixtures.folders {
            let count = fixture::check(folder, &fixture::open(folder)).await;
            println!("{}: {count} documents", folder.file_name().unwrap().display());
        }
    }
}

#[tokio::test]
async fn metadata_is_what_the_server_returned() {
    for server in SERVERS {
        let Some(fixtures) = fixtures_of(server) else {
            skipped(server);
            continue;
        };
        for folder in &fixtures.folders {
            fixture::check_metadata(folder, &fixture::open(folder)).await;
        }
    }
}
