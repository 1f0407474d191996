//! What is a rule? An id, how bad a finding of it is, and the text of the list of findings.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// It compiles, but a person should read it.
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

/// A rule, as the list of findings describes it.
///
/// A rule is a constant beside the function that raises it. Each such module lists its own in
/// `RULES`, and `check::rules` joins these lists; to raise a rule that is in none of them fails
/// every test that does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id.
    pub id: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// A paragraph: what is wrong, and what to write instead.
    pub docs: &'static str,
}
