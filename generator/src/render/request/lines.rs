//! How is a request laid out, so that a person can read it in a manifest?
//!
//! ```text
//!  {
//!    "mode": "evaluate",
//!    "target": {"name": "new", "endpoint": "https://target:9200"},
//!    "groups": [
//!      {"name": "critical", "indices": ["orders-*"]},
//!      {"name": "logs", "indices": ["logs-*"]}
//!    ]
//!  }
//! ```

use std::io::{self, Write};

use serde_json::ser::Formatter;

use super::escape;

/// The layout: a line for each entry, and for each element of a list that is an entry.
#[derive(Default)]
pub(super) struct Lines {
    /// How many maps and lists are open.
    depth: usize,
    /// The innermost of them has something in it.
    begun: bool,
}

impl Lines {
    fn open<W: Write + ?Sized>(&mut self, bracket: &[u8], json: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.begun = false;
        json.write_all(bracket)
    }

    fn close<W: Write + ?Sized>(&mut self, line: &[u8], json: &mut W) -> io::Result<()> {
        self.depth -= 1;
        let begun = std::mem::replace(&mut self.begun, true);
        let bracket = line.split_at(line.len() - 1).1;
        json.write_all(if begun { line } else { bracket })
    }
}

impl Formatter for Lines {
    fn begin_array<W: Write + ?Sized>(&mut self, json: &mut W) -> io::Result<()> {
        self.open(b"[", json)
    }

    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        json: &mut W,
        first: bool,
    ) -> io::Result<()> {
        json.write_all(match (self.depth, first) {
            (2, true) => b"\n    ",
            (2, false) => b",\n    ",
            (_, true) => b"",
            (_, false) => b", ",
        })
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.begun = true;
        Ok(())
    }

    fn end_array<W: Write + ?Sized>(&mut self, json: &mut W) -> io::Result<()> {
        let line: &[u8] = if self.depth == 2 { b"\n  ]" } else { b"]" };
        self.close(line, json)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, json: &mut W) -> io::Result<()> {
        self.open(b"{", json)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, json: &mut W, first: bool) -> io::Result<()> {
        json.write_all(match (self.depth, first) {
            (1, true) => b"\n  ",
            (1, false) => b",\n  ",
            (_, true) => b"",
            (_, false) => b", ",
        })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, json: &mut W) -> io::Result<()> {
        json.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.begun = true;
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, json: &mut W) -> io::Result<()> {
        let line: &[u8] = if self.depth == 1 { b"\n}" } else { b"}" };
        self.close(line, json)
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        json: &mut W,
        characters: &str,
    ) -> io::Result<()> {
        escape::fragment(characters, None, json)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::{Serializer, Value, json};

    use super::*;

    fn laid_out(value: &Value) -> String {
        let mut text = Vec::new();
        value
            .serialize(&mut Serializer::with_formatter(&mut text, Lines::default()))
            .expect("JSON");
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn entries_and_elements_stand_on_lines_of_their_own() {
        let request = json!({
            "mode": "evaluate",
            "target": { "name": "new", "auth": { "kind": "none" }, "hosts": [] },
            "groups": [{ "name": "a", "indices": ["x-*", "y"] }, {}],
            "selections": [["x-*", "y"], []],
            "none": [],
            "nothing": {},
        });
        assert_eq!(
            laid_out(&request),
            r#"{
  "mode": "evaluate",
  "target": {"name": "new", "auth": {"kind": "none"}, "hosts": []},
  "groups": [
    {"name": "a", "indices": ["x-*", "y"]},
    {}
  ],
  "selections": [
    ["x-*", "y"],
    []
  ],
  "none": [],
  "nothing": {}
}"#
        );
        assert_eq!(laid_out(&json!({})), "{}");
    }
}
