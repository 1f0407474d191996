//! What is wrong, where, and what to do about it.
//!
//! A [`Finding`] has a stable id, a place in the user's file and a next step. [`text`] prints
//! findings with the line and a caret, [`json`] gives them to programs; neither knows any rule.

mod json;
mod text;

use std::ops::Range;

use serde::Serialize;

use crate::{check::Rule, document::Document, pointer::Pointer};

pub use json::json;
pub use text::{Colour, text};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// It compiles; somebody should look.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// Returns the word that is printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id, as in `group::unknown-cluster`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// A few words under the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The place as a JSON pointer.
    pub path: String,
    /// The place as bytes of the source.
    pub span: Range<usize>,
}

impl Finding {
    /// Makes a finding of `rule` at known bytes of the source.
    pub(crate) fn new(
        rule: &Rule,
        path: &Pointer,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            id: rule.id,
            severity: rule.severity,
            message: message.into(),
            label: None,
            help: None,
            path: path.as_str().to_owned(),
            span,
        }
    }

    /// Adds a few words under the caret.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what to do.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// All findings of one compilation, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    /// Bytes of the source that are never printed.
    secrets: Vec<Range<usize>>,
}

impl Findings {
    /// Returns the findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether one of them forbids to go on.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Adds a finding.
    pub(crate) fn push(&mut self, finding: Finding) -> &mut Finding {
        self.list.push(finding);
        self.list.last_mut().expect("a finding was pushed in the line before")
    }

    /// Keeps bytes of the source from being printed.
    pub(crate) fn hide(&mut self, secrets: Vec<Range<usize>>) {
        self.secrets.extend(secrets);
    }

    /// Returns the source with a star for each byte that is never printed.
    fn without_secrets(&self, source: &str) -> String {
        let mut text = source.to_owned();
        for secret in &self.secrets {
            if text.get(secret.clone()).is_some() {
                text.replace_range(secret.clone(), &"*".repeat(secret.len()));
            }
        }
        text
    }

    /// Brings the findings into the order of the file.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by(|one, other| {
            (one.span.start, one.severity, one.id, &one.path).cmp(&(
                other.span.start,
                other.severity,
                other.id,
                &other.path,
            ))
        });
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// What a rule writes its findings to: knows the document, so that a rule speaks of paths only.
pub(crate) struct Report<'a> {
    document: &'a Document,
    broken: &'a [Pointer],
    findings: &'a mut Findings,
    /// Takes what is found inside places that are broken already, and is never shown.
    muted: Vec<Finding>,
}

impl<'a> Report<'a> {
    /// Makes a report on `document`. What rules find inside the `broken` places is dropped: it
    /// would only repeat in other words that the structure is wrong there.
    pub(crate) fn new(
        document: &'a Document,
        broken: &'a [Pointer],
        findings: &'a mut Findings,
    ) -> Self {
        Self { document, broken, findings, muted: Vec::new() }
    }

    /// Adds a finding whose caret stands under the value at `path`.
    pub(crate) fn value(
        &mut self,
        rule: &Rule,
        path: &Pointer,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.add(rule, path, self.document.value_span(path), message)
    }

    /// Adds a finding whose caret stands under the key at the end of `path`.
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
