//! Is an engine at work on a run? A lock on a file says so; it goes with the process.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use fs_err as fs;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

/// The lock of one run, held until it is dropped.
#[derive(Debug)]
pub(crate) struct EngineLock {
    /// Kept open: closing it lets the lock go.
    _file: File,
}

/// Whether a lock was had.
#[derive(Debug)]
pub(crate) enum Locked {
    /// It is ours.
    Ours(EngineLock),
    /// Another process has it.
    Elsewhere,
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join("engine.lock")
}

/// Takes the lock of the run in `folder`, which is made if it is not there.
pub(crate) fn take(folder: &Path) -> io::Result<Locked> {
    fs::create_dir_all(folder)?;
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_file(folder))?
        .into_file();
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Locked::Ours(EngineLock { _file: file })),
        Err(Errno::WOULDBLOCK) => Ok(Locked::Elsewhere),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether some process has the lock.
pub(crate) fn is_taken(folder: &Path) -> io::Result<bool> {
    let file = match fs::File::open(lock_file(folder)) {
        Ok(file) => file.into_file(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
