//! Questions to the user.

use std::io::{IsTerminal as _, Write as _};

use cli_support::output::failure;
use contract::Exit;

/// Asks a yes-or-no question. Without a terminal, fails and names the flag that gives the answer.
pub(super) fn confirm(question: &str, flag: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        let message = format!("{question} There is no terminal to ask on; add `{flag}`");
        return Err(failure(Exit::Invalid, message));
    }
    Ok(choose(&format!("{question} (y/n)"))? == 'y')
}

/// Asks a question; returns the first character of the answer.
pub(super) fn choose(question: &str) -> anyhow::Result<char> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line)?;
    if read == 0 {
        return Err(failure(Exit::Interrupted, "no answer; nothing was changed"));
    }
    Ok(line.trim().chars().next().map_or(' ', |character| character.to_ascii_lowercase()))
}
