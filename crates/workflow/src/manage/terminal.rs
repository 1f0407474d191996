//! The terminal, which is as it was before whenever this program ends.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use cli_support::output::failure;
use contract::Exit;
use ratatui::{
    DefaultTerminal,
    crossterm::{
        event::{DisableBracketedPaste, EnableBracketedPaste},
        execute,
    },
    layout::Size,
};

use super::{
    draw::{self, Palette},
    state::State,
};

/// Fails, unless there is a terminal that can be drawn on.
pub(super) fn check(name: &str, term: Option<&str>) -> anyhow::Result<()> {
    let is_dumb = term == Some("dumb");
    if io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb {
        return Ok(());
    }
    let what = if is_dumb { "this terminal is `dumb`" } else { "this is no terminal" };
    let message = format!(
        "`workflow manage` draws on a terminal, and {what}; use `workflow status {name}` (with \
         `--output json` for scripts), `workflow approve step` and `workflow log all` instead"
    );
    Err(failure(Exit::Invalid, message))
}

/// The terminal while it is drawn on.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    palette: Palette,
}

impl Screen {
    /// Takes the terminal; a panic gives it back before it speaks.
    pub(super) fn open() -> anyhow::Result<Self> {
        let choice = anstream::AutoStream::choice(&io::stdout());
        let palette = Palette { is_coloured: choice != anstream::ColorChoice::Never };
        let terminal = ratatui::try_init().context("preparing the terminal for drawing")?;
        let screen = Self { terminal, palette };
        execute!(io::stdout(), EnableBracketedPaste)
            .context("preparing the terminal for drawing")?;
        Ok(screen)
    }

    /// Returns how large it is.
    pub(super) fn size(&self) -> anyhow::Result<Size> {
        self.terminal.size().context("asking for the size of the terminal")
    }

    /// Draws a state.
    pub(super) fn draw(&mut self, state: &State) -> anyhow::Result<()> {
        let palette = self.palette;
        self.terminal
            .draw(|frame| draw::draw(frame, state, palette))
            .context("drawing on the terminal")?;
        Ok(())
    }

    /// Forgets what was drawn, so that all of it is drawn again. (`Terminal::clear` would ask the
    /// terminal where the cursor is, and the thread that reads the keys would get the answer.)
    pub(super) fn clear(&mut self) -> anyhow::Result<()> {
        let size = self.size()?;
        self.terminal.resize(size.into()).context("clearing the terminal")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing is left to be done when the terminal is gone.
        execute!(io::stdout(), DisableBracketedPaste).ok();
        ratatui::try_restore().ok();
    }
}
