//! Where are the tags in a text? Finds `{{inputs.parameters.x}}` and replaces it by its value.
//!
//! A value is not searched again: a `{{` in a value stays text.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text without tags.
    Plain(&'a str),
    /// A tag: the text between the braces, without surrounding space.
    Tag {
        /// The tag, as in `inputs.parameters.x`.
        tag: &'a str,
        /// All of it, with the braces.
        whole: &'a str,
    },
}

/// Splits a text into plain parts and tags; an opening `{{` without its end is plain.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut pending: Option<Piece<'_>> = None;
    std::iter::from_fn(move || {
        if let Some(piece) = pending.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let found = rest.split_once("{{").and_then(|(before, after)| {
            let (inner, tail) = after.split_once("}}")?;
            let whole = rest.get(before.len()..before.len() + inner.len() + 4)?;
            Some((before, Piece::Tag { tag: inner.trim(), whole }, tail))
        });
        let Some((before, tag, tail)) = found else {
            return Some(Piece::Plain(std::mem::take(&mut rest)));
        };
        rest = tail;
        if before.is_empty() {
            return Some(tag);
        }
        pending = Some(tag);
        Some(Piece::Plain(before))
    })
}

/// Returns the tags of a text.
pub(crate) fn tags(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Tag { tag, .. } => Some(tag),
        Piece::Plain(_) => None,
    })
}

/// Replaces tags by their values; a tag without a value is kept.
pub(crate) fn substitute(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Tag { tag, whole } => match value_of(tag) {
                Some(value) => filled.push_str(&value),
                None => filled.push_str(whole),
            },
        }
    }
    filled
}

/// Replaces every tag by a placeholder, so that the text around it can be checked.
pub(crate) fn stand_in(text: &str, stand_in: &str) -> String {
    substitute(text, &|_| Some(stand_in.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(tag: &str) -> Option<String> {
        match tag {
            "a" => Some("1".to_owned()),
            "b" => Some("{{a}}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(substitute("x{{a}}y{{ a }}", &known), "x1y1");
        assert_eq!(substitute("{{b}}", &known), "{{a}}");
        assert_eq!(substitute("{{c}} {{a", &known), "{{c}} {{a");
        assert_eq!(substitute(r#"{"n":{{a}} }"#, &known), r#"{"n":1 }"#);
        assert_eq!(substitute("}}{{a}}}}", &known), "}}1}}");
    }

    #[test]
    fn tags_are_found_in_order() {
        assert_eq!(tags("{{x}} {{ y.z }}{{}}").collect::<Vec<_>>(), ["x", "y.z", ""]);
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in "[{} a]{0,30}") {
            let joined: String = pieces(&text)
                .map(|piece| match piece {
                    Piece::Plain(plain) => plain,
                    Piece::Tag { whole, .. } => whole,
                })
                .collect();
            prop_assert_eq!(joined, text);
        }
    }
}
