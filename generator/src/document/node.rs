//! A value of a document, and its place in the text.

use std::ops::Range;

use serde_json::Number;

/// A value and the bytes it was read from.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) content: Content,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// The entries with the places of their keys, repeated keys included.
    Map(Vec<(String, Range<usize>, Node)>),
}
