//! How does a check report a finding? With a path; the document knows where that is in the text.

use std::ops::Range;

use super::finding::{Finding, Findings, Related};
use crate::{document::Document, pointer::Pointer, rule::Rule};

/// Where checks add their findings. It knows the document, so a check names only paths.
pub(crate) struct Report<'a> {
    document: &'a Document,
    broken: &'a [Pointer],
    findings: &'a mut Findings,
    /// Findings inside of places that are broken already; they are never shown.
    muted: Vec<Finding>,
}

impl<'a> Report<'a> {
    /// Creates a report on `document`. Findings inside of the `broken` places are dropped: they
    /// would only repeat that the structure is wrong there.
    pub(crate) fn new(
        document: &'a Document,
        broken: &'a [Pointer],
        findings: &'a mut Findings,
    ) -> Self {
        Self { document, broken, findings, muted: Vec::new() }
    }

    /// Returns a place that another finding is about as well: the key at the end of `path`.
    pub(crate) fn place_of_key(&self, path: &Pointer, label: impl Into<String>) -> Related {
        let span = self.document.key_span(path);
        Related { label: label.into(), path: path.as_str().to_owned(), span }
    }

    /// Returns a place that another finding is about as well: the value at `path`.
    pub(crate) fn place_of_value(&self, path: &Pointer, label: impl Into<String>) -> Related {
        let span = self.document.value_span(path);
        Related { label: label.into(), path: path.as_str().to_owned(), span }
    }

    /// Adds a finding whose caret is under the value at `path`.
    pub(crate) fn value(
        &mut self,
        rule: &Rule,
        path: &Pointer,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(rule, path, self.document.value_span(path), message)
    }

    /// Adds a finding whose caret is under the key at the end of `path`.
    pub(crate) fn key(
        &mut self,
        rule: &Rule,
        path: &Pointer,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(rule, path, self.document.key_span(path), message)
    }

    fn add(
        &mut self,
        rule: &Rule,
        path: &Pointer,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding::new(rule, path, span, message);
        if self.broken.iter().any(|broken| path.is_within(broken)) {
            self.muted.push(finding);
            return self.muted.last_mut().expect("a finding was pushed in the line before");
        }
        self.findings.push(finding)
    }
}
