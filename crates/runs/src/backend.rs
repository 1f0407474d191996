//! Everything that an engine offers.

use crate::{Configuration, Gates, Logs, Reset, Runs};

/// An engine that runs migrations: all of its interfaces in one object.
pub trait Backend: Runs + Gates + Logs + Configuration + Reset {}

impl<T: Runs + Gates + Logs + Configuration + Reset> Backend for T {}
