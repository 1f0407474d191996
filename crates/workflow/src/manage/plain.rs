//! Lines that fit their place on the screen.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Cuts a line to a width; `…` says that there was more.
pub(super) fn fitted(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut cut = String::new();
    for character in line.chars() {
        let wide = character.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        cut.push(character);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// Breaks lines at a width, between words where there are some. What begins with spaces continues
/// under its first word.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let indent: String = line.chars().take_while(|character| *character == ' ').collect();
        let indent = if indent.len() * 2 < width { indent } else { String::new() };
        // A name that is to be typed is not broken at its hyphens, if it fits into a line.
        let options = textwrap::Options::new(width.max(1))
            .subsequent_indent(&indent)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        lines.extend(textwrap::wrap(line, options).into_iter().map(Cow::into_owned));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_by_what_they_take_on_the_screen() {
        assert_eq!(fitted("shop", 4), "shop");
        assert_eq!(fitted("shops", 4), "sho…");
        assert_eq!(fitted("日本語", 4), "日…");
        assert_eq!(fitted("a", 0), "");
    }

    #[test]
    fn what_is_indented_stays_so() {
        assert_eq!(wrapped("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrapped("a\n\nabcdef", 4), ["a", "", "abcd", "ef"]);
        assert_eq!(wrapped("type a-b-c", 6), ["type", "a-b-c"]);
    }
}
