//! The pure part, from keys to what is on the screen.

mod any_keys;
mod keys;
mod large;
mod sample_runs;
mod screens;

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Size,
};

use runs::RunModel;

use super::{
    draw::{Palette, draw},
    state::State,
    update::{Effect, Message, settle, update},
};

/// A screen in front of a person.
struct Desk {
    state: State,
}

impl Desk {
    fn new(model: RunModel, width: u16, height: u16) -> Self {
        let now = sample_runs::at("04:48:00");
        let mut state = State::new(model, "root".to_owned(), Size { width, height }, now);
        settle(&mut state);
        Self { state }
    }

    /// Presses a key; `Ctrl` is `control`.
    fn press(&mut self, code: KeyCode) -> Vec<Effect> {
        update(&mut self.state, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    fn control(&mut self, character: char) -> Vec<Effect> {
        let key = KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL);
        update(&mut self.state, Message::Key(key))
    }

    /// Types characters, one by one.
    fn type_in(&mut self, text: &str) -> Vec<Effect> {
        text.chars().flat_map(|character| self.press(KeyCode::Char(character))).collect()
    }

    fn see(&mut self, model: RunModel) {
        let now = self.state.now;
        update(&mut self.state, Message::Polled(Box::new(model), now));
    }

    fn title(&self) -> &str {
        self.state.selected().map_or("", |(_, node)| node.display_name.as_str())
    }

    /// Draws, and returns what a person sees.
    fn screen(&self) -> String {
        let Size { width, height } = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let palette = Palette { is_coloured: false };
        terminal.draw(|frame| draw(frame, &self.state, palette)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let mut screen = String::new();
        for y in 0..height {
            let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            screen.push_str(row.trim_end());
            screen.push('\n');
        }
        screen
    }
}
