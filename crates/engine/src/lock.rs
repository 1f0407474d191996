//! Does an engine work on a run? A lock on a file says so; it ends with the process.

use std::{fs::File, io, path::Path, thread, time::Duration};

use fs_err as fs;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::layout;

/// How often a lock that is taken is tried, and how long to wait in between: [`is_taken`] holds the
/// lock for a moment too.
const ATTEMPTS: u32 = 20;
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(25);

/// The lock of one run, held until it is dropped.
#[derive(Debug)]
pub(crate) struct EngineLock {
    /// Kept open: closing it releases the lock.
    _file: File,
}

/// Takes the lock of the run in `folder`, which is created if it is missing. Returns `None` if an
/// engine has the lock. Blocks the thread for up to half a second.
pub(crate) fn take(folder: &Path) -> io::Result<Option<EngineLock>> {
    fs::create_dir_all(folder)?;
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(layout::engine_lock(folder))?
        .into_file();
    for attempt in 1.. {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(EngineLock { _file: file })),
            Err(Errno::WOULDBLOCK) if attempt < ATTEMPTS => thread::sleep(ATTEMPT_INTERVAL),
            Err(Errno::WOULDBLOCK) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Returns whether a process has the lock.
pub(crate) fn is_taken(folder: &Path) -> io::Result<bool> {
    let file = match fs::File::open(layout::engine_lock(folder)) {
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
