//! Writes a document as one line of JSON.

use serde::Serialize;
use snapshot_repo::{DocumentRef, source};

/// The fields before the source.
#[derive(Serialize)]
struct Keys<'a> {
    #[serde(rename = "_index")]
    index: &'a str,
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
    doc_type: Option<&'a str>,
    #[serde(rename = "_routing", skip_serializing_if = "Option::is_none")]
    routing: Option<&'a str>,
    #[serde(rename = "_parent", skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
}

/// Appends the document to `line`, without a line break. Appends nothing if it fails.
pub(super) fn write(
    line: &mut Vec<u8>,
    index: &str,
    document: DocumentRef<'_>,
) -> anyhow::Result<()> {
    let DocumentRef { position: _, id, doc_type, routing, parent, source } = document;
    let source = source.map(source::to_line).transpose()?;
    if let Some(source) = &source
        && !source.trim_ascii_start().starts_with(b"{")
    {
        anyhow::bail!("the source is not a JSON object");
    }
    let keys = Keys { index, id, doc_type, routing, parent };
    let start = line.len();
    serde_json::to_writer(&mut *line, &keys)?;
    // Unchanged, so that numbers keep their digits.
    if let Some(source) = &source
        && line.len() > start
        && line.pop() == Some(b'}')
    {
        line.extend_from_slice(b",\"_source\":");
        line.extend_from_slice(source);
        line.push(b'}');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(source: Option<&[u8]>) -> DocumentRef<'_> {
        let (doc_type, routing, parent) = (None, Some("r"), None);
        DocumentRef { position: 7, id: "a\"b", doc_type, routing, parent, source }
    }

    fn line(source: Option<&'static [u8]>) -> anyhow::Result<String> {
        let mut line = b"before ".to_vec();
        write(&mut line, "i", document(source))?;
        Ok(String::from_utf8(line)?)
    }

    #[test]
    fn the_source_is_the_last_key_and_keeps_its_literals() {
        let printed =
            line(Some(b"{\"n\":\n1.50e3, \"big\": 12345678901234567890123}")).expect("a line");
        let expected = r#"before {"_index":"i","_id":"a\"b","_routing":"r","_source":{"n":1.50e3,"big":12345678901234567890123}}"#;
        assert_eq!(printed, expected);
    }

    #[test]
    fn a_document_without_source_is_printed_without_it() {
        assert_eq!(
            line(None).expect("a line"),
            r#"before {"_index":"i","_id":"a\"b","_routing":"r"}"#
        );
    }

    #[test]
    fn what_is_no_object_is_refused_and_leaves_nothing() {
        for source in [&b""[..], b"5", b"{\n\"a\""] {
            let mut line = b"before ".to_vec();
            write(&mut line, "i", document(Some(source))).expect_err("no object");
            assert_eq!(line, b"before ");
        }
    }
}
