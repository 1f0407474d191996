//! A line of text that a person types.

/// The most bytes of a line.
const MAX_BYTES: usize = 500;

/// A line, and where in it one types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    before: String,
    after: String,
}

impl Field {
    /// Makes a field that holds a text.
    pub(super) fn new(text: &str) -> Self {
        Self { before: text.to_owned(), after: String::new() }
    }

    /// Returns the whole line.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Returns what is before and what is behind the place where one types.
    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }

    /// Types text; a pasted line end is a space.
    pub(super) fn insert(&mut self, text: &str) {
        let mut room = MAX_BYTES.saturating_sub(self.before.len() + self.after.len());
        for character in text.chars() {
            let character = if character.is_control() { ' ' } else { character };
            let Some(left) = room.checked_sub(character.len_utf8()) else { return };
            room = left;
            self.before.push(character);
        }
    }

    /// Removes the character before.
    pub(super) fn remove_before(&mut self) {
        self.before.pop();
    }

    /// Removes the character behind.
    pub(super) fn remove_behind(&mut self) {
        self.after = self.after.chars().skip(1).collect();
    }

    /// Removes the word before.
    pub(super) fn remove_word(&mut self) {
        let kept = self.before.trim_end();
        let kept = kept.rfind(' ').map_or("", |space| kept.get(..=space).unwrap_or_default());
        self.before = kept.to_owned();
    }

    /// Removes all before.
    pub(super) fn remove_all_before(&mut self) {
        self.before.clear();
    }

    /// Goes a character back.
    pub(super) fn back(&mut self) {
        if let Some(character) = self.before.pop() {
            self.after.insert(0, character);
        }
    }

    /// Goes a character on.
    pub(super) fn on(&mut self) {
        if let Some(character) = self.after.chars().next() {
            self.before.push(character);
            self.remove_behind();
        }
    }

    /// Goes to the start.
    pub(super) fn go_to_begin(&mut self) {
        *self = Self { before: String::new(), after: self.text() };
    }

    /// Goes to the end.
    pub(super) fn go_to_end(&mut self) {
        *self = Self { before: self.text(), after: String::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_typed_as_in_a_shell() {
        let mut field = Field::default();
        field.insert("looked\nat");
        field.remove_word();
        field.insert("où");
        field.back();
        field.remove_before();
        assert_eq!(field.parts(), ("looked ", "ù"));
        field.go_to_begin();
        field.on();
        field.remove_behind();
        assert_eq!(field.text(), "loked ù");
        field.go_to_end();
        field.remove_all_before();
        assert_eq!(field, Field::default());
        field.insert(&"x".repeat(1000));
        assert_eq!(field.text().len(), MAX_BYTES);
    }
}
