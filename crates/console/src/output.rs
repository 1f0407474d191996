//! Results on standard output, everything else on standard error; one exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use step_api::{Exit, exit::exit_of};

/// Prints a result, with a newline at its end.
pub(crate) fn result(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stdout, "{text}{end}").and_then(|()| stdout.flush()) {
        // Whoever reads has read enough, as in `console clusters cat-indices | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints an error once and returns the code to end with.
pub(crate) fn exit_code(ended: anyhow::Result<Exit>) -> ExitCode {
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&format!("error: {error:#}"));
            exit_of(&error).into()
        }
    }
}

/// Tells the user something that is not a result.
pub(crate) fn tell(text: &str) {
    // Nothing is left to be done when standard error is closed.
    writeln!(anstream::stderr().lock(), "{text}").ok();
}
