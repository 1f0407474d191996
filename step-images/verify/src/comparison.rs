//! Is a document on the target the one of the snapshot?
//!
//! The target may write the same JSON in another form (no spaces, another escape), so sources are
//! compared as bytes first and token by token if the bytes differ. Numbers keep every digit, fields
//! their order.

/// A document, as both sides know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'a> {
    /// Its routing.
    pub(crate) routing: Option<&'a str>,
    /// Its source.
    pub(crate) source: &'a [u8],
}

/// Returns what differs; `None` if the documents are equal.
pub(crate) fn difference(snapshot: Side<'_>, target: Side<'_>) -> Option<String> {
    if snapshot.routing != target.routing {
        return Some(format!(
            "its routing is `{}` in the snapshot and `{}` on the target",
            snapshot.routing.unwrap_or_default(),
            target.routing.unwrap_or_default()
        ));
    }
    (!same_json(snapshot.source, target.source)).then(|| "its source differs".to_owned())
}

/// Reads both together, token by token, so that depth costs nothing.
fn same_json(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let (mut one, mut other) = (Tokens { rest: one }, Tokens { rest: other });
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one.is_same(other) => {}
            _ => return false,
        }
    }
}

/// A piece of JSON. Numbers are kept as text: `1.0` and `1` are not the same source.
#[derive(Clone, Copy, Debug)]
enum Token<'a> {
    /// One of `{}[]:,`.
    Mark(u8),
    /// A string, with its quotes and escapes.
    Text(&'a [u8]),
    /// `null`, `true`, `false` or a number, as written.
    Word(&'a [u8]),
}

impl Token<'_> {
    fn is_same(self, other: Token<'_>) -> bool {
        match (self, other) {
            (Self::Mark(one), Token::Mark(other)) => one == other,
            (Self::Word(one), Token::Word(other)) => one == other,
            (Self::Text(one), Token::Text(other)) => one == other || same_text(one, other),
            _ => false,
        }
    }
}

fn same_text(one: &[u8], other: &[u8]) -> bool {
    let read = |text| serde_json::from_slice::<String>(text).ok();
    read(one).is_some_and(|one| read(other).is_some_and(|other| one == other))
}

/// The tokens of what is JSON already: nothing is checked.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_ascii_start();
        let first = *self.rest.first()?;
        let (length, token): (_, fn(&'a [u8]) -> Token<'a>) = match first {
            b'{' | b'}' | b'[' | b']' | b':' | b',' => {
                (1, |mark| Token::Mark(mark.first().copied().unwrap_or_default()))
            }
            b'"' => (text_length(self.rest), Token::Text),
            _ => (word_length(self.rest), Token::Word),
        };
        let (token_bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(token(token_bytes))
    }
}

/// The length of the string at the start, with both quotes.
fn text_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (place, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    bytes.len()
}

fn word_length(bytes: &[u8]) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"{}[]:,\"".contains(byte);
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_does_not_matter_and_content_does() {
        let same = |one: &str, other: &str| same_json(one.as_bytes(), other.as_bytes());
        assert!(same("\n{ \"a\" : [1, \"\\u00e9\"] }\n", "{\"a\":[1,\"é\"]}"));
        assert!(!same("{\"a\":1}", "{\"a\":2}"));
        assert!(!same("{\"a\":1}", "{\"a\":1.0}"));
        assert!(!same("{\"a\":12345678901234567890123}", "{\"a\":12345678901234567890124}"));
        assert!(!same("{\"a\":1,\"a\":2}", "{\"a\":2}"));
        assert!(!same("{\"a\":1", "{\"a\":2"));
        assert!(!same("[1,2]", "[12]") && !same("[1,2]", "[1,2,3]"));
        assert!(!same("{\"a\":\"1\"}", "{\"a\":1}") && !same("[[]]", "[{}]"));
        assert!(!same("{\"a\":\" x\"}", "{ \"a\":\"x\"}"));
        assert!(same(r#"{"a":"\"\\"}"#, r#"{ "a" : "\u0022\u005c" }"#));
    }

    #[test]
    fn sources_of_any_depth_are_compared() {
        let nested = |open: &str, inner: &str| {
            format!("{}{inner}{}", open.repeat(200_000), "]".repeat(200_000))
        };
        let same = |one: &str, other: &str| same_json(one.as_bytes(), other.as_bytes());
        assert!(same(&nested("[", "1"), &nested("[ ", "1")));
        assert!(!same(&nested("[", "1"), &nested("[ ", "2")));
    }

    #[test]
    fn another_routing_is_reported() {
        let side = |routing| Side { routing, source: b"{}" };
        assert_eq!(difference(side(None), side(None)), None);
        assert!(difference(side(Some("k")), side(None)).is_some_and(|text| text.contains("`k`")));
    }
}
