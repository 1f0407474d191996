//! Which engine runs the migrations?

use cli_support::{CommonFlags, EngineChoice, StateDir};

use crate::{backend::Backend, kubernetes::Argo, local::Local};

/// Opens the engine that the flags ask for. Nothing is read or requested before its first use.
pub fn open(flags: &CommonFlags) -> anyhow::Result<Box<dyn Backend>> {
    Ok(match flags.engine.choose()? {
        EngineChoice::Local => Box::new(Local::new(StateDir::choose(&flags.state)?)),
        EngineChoice::Argo(access) => Box::new(Argo::new(access)?),
    })
}
