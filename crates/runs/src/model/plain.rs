//! Text from outside, without what would steer a terminal.

/// Returns the text without escape sequences and control characters; lines stay lines.
pub fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    text.chars()
        .filter_map(|character| match character {
            '\n' => Some('\n'),
            '\t' => Some(' '),
            character if character.is_control() => None,
            character => Some(character),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_taken_out() {
        assert_eq!(
            plain("\u{1b}[31mred\u{1b}[0m\u{7}\tend\nnext\u{1b}]0;title\u{7}"),
            "red end\nnext"
        );
    }
}
