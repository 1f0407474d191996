//! Which exit code does an error of this program end with?

use contract::{Exit, exit};
use runs::BackendError;

/// Returns the exit code of an error: that of the engine's interface, or that of the command.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<BackendError>() {
        Some(error) => error.exit(),
        None => exit::exit_of(error),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use cli_support::output::failure;

    use super::*;

    #[test]
    fn an_error_of_an_engine_keeps_its_code_under_context() {
        let unknown = BackendError::NotFound { name: "w".to_owned() };
        let error = Err::<(), _>(unknown).context("reading the run").expect_err("an error");
        assert_eq!(of(&error), Exit::NotFound);
        assert_eq!(of(&failure(Exit::Invalid, "no")), Exit::Invalid);
    }
}
