//! Which engine runs the migrations?

use std::sync::Arc;

use cli_support::{CommonFlags, EngineChoice, StateDir};
use contract::Failure;

use crate::{backend::Backend, kubernetes::Argo, local::Local, notices::Notices};

/// Returns the engine that the flags ask for. Nothing is read or requested before its first use.
pub fn open(flags: &CommonFlags, notices: Notices) -> Result<Arc<dyn Backend>, Failure> {
    Ok(match flags.engine.choose()? {
        EngineChoice::Local => Arc::new(Local::new(StateDir::choose(&flags.state)?)),
        EngineChoice::Argo(access) => Arc::new(Argo::new(access, notices)),
    })
}
