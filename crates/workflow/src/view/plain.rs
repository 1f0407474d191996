//! Text from outside on a terminal: what would steer it is taken out.

/// Returns the text without escape sequences and control characters; lines stay lines.
pub(crate) fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    text.chars()
        .filter_map(|letter| match letter {
            '\n' => Some('\n'),
            '\t' => Some(' '),
            letter if letter.is_control() => None,
            letter => Some(letter),
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
