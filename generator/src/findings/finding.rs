//! What is a finding, and what are all findings of one compilation?

use std::ops::Range;

use crate::{
    pointer::Pointer,
    rule::{Rule, Severity},
};

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
    /// Other places that belong to it.
    pub related: Vec<Related>,
}

/// Another place that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// A few words under it.
    pub label: String,
    /// The place as a JSON pointer.
    pub path: String,
    /// The place as bytes of the source.
    pub span: Range<usize>,
}

impl Finding {
    /// Creates a finding of `rule` at known bytes of the source.
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
            related: Vec::new(),
        }
    }

    /// Adds a few words under the caret.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place.
    pub(crate) fn related(&mut self, place: Related) -> &mut Self {
        self.related.push(place);
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

    /// Returns whether one of them is an error, so that nothing is compiled.
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
    pub(super) fn without_secrets(&self, source: &str) -> String {
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
