//! Findings for people: the message, the line of the file, a caret, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::finding::{Finding, Findings};
use crate::rule::Severity;

/// Whether to colour what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With the terminal's colours.
    Always,
    /// Plain text.
    Never,
}

/// Returns all findings as text, with an empty line between them and a newline at the end; empty
/// when there is none.
pub fn text(findings: &Findings, source: &str, file_name: &str, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let source = findings.without_secrets(source);
    let printed: Vec<String> = findings
        .iter()
        .map(|finding| renderer.render(&[group(finding, &source, file_name)]) + "\n")
        .collect();
    printed.join("\n")
}

fn group<'a>(finding: &'a Finding, source: &'a str, file_name: &'a str) -> Group<'a> {
    let Finding { id, severity, message, label, help, path: _, span, related } = finding;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let caret = AnnotationKind::Primary.span(span.clone()).label(label.as_deref());
    let related = related
        .iter()
        .map(|place| AnnotationKind::Context.span(place.span.clone()).label(place.label.as_str()));
    let snippet = Snippet::source(source).path(file_name).annotation(caret).annotations(related);
    let group = level.primary_title(message.as_str()).id(*id).element(snippet);
    match help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}
