//! Is the file built as the schema says? Syntax, keys, types, ranges.
//!
//! ```text
//!  Document --schema--> errors --explain--> findings in our words
//!                         |
//!                         +--repair--> the file without what is broken, and the broken places
//! ```

mod explain;
mod repair;
pub(crate) mod rules;
mod schema;
#[cfg(test)]
mod tests;

use jsonschema::{ValidationError, error::ValidationErrorKind};

use self::{
    explain::explain,
    repair::repair,
    rules::{DUPLICATE_KEY, SYNTAX, TYPE},
    schema::VALIDATOR,
};
use crate::{
    document::{Document, RepeatedKey, SyntaxProblem},
    file::{MigrationFile, PATCHES},
    findings::{Finding, Findings, report::Report},
    pointer::Pointer,
};

/// Reports that the text is not readable.
pub(crate) fn unreadable(problem: SyntaxProblem, findings: &mut Findings) {
    let SyntaxProblem { message, help, span, secrets } = problem;
    findings.hide(secrets);
    findings.push(Finding::new(&SYNTAX, &Pointer::root(), span, message)).help(help);
}

/// Reads the file, with findings for everything that the schema refuses. Also returns the places
/// that are broken.
pub(crate) fn read(document: &Document, findings: &mut Findings) -> (MigrationFile, Vec<Pointer>) {
    for RepeatedKey { key, path, span } in document.repeated_keys() {
        let message = format!("the key `{key}` occurs a second time");
        findings
            .push(Finding::new(&DUPLICATE_KEY, &path, span, message))
            .help("keep one of the two, or rename one of them");
    }
    let mut report = Report::new(document, &[], findings);
    let value = document.to_json(PATCHES);
    let mut broken = Vec::new();
    let mut kept = value.clone();
    let errors: Vec<ValidationError<'_>> = VALIDATOR.iter_errors(&value).collect();
    for error in &errors {
        if is_covered_by_type(error, &errors) {
            continue;
        }
        let place = Pointer::parsed(error.instance_path().as_str());
        explain(error, &place, document, &mut report);
        repair(error, &place, &mut kept, &mut broken);
    }
    match serde_json::from_value(kept) {
        Ok(file) => (file, broken),
        Err(error) => {
            let root = Pointer::root();
            let message = format!("the file cannot be read: {error}");
            report.value(&TYPE, &root, message);
            (MigrationFile::default(), vec![root])
        }
    }
}

/// Returns whether another error says that the type of the same place is wrong.
fn is_covered_by_type(error: &ValidationError<'_>, all: &[ValidationError<'_>]) -> bool {
    let is_type = |kind: &ValidationErrorKind| matches!(kind, ValidationErrorKind::Type { .. });
    let is_range = matches!(
        error.kind(),
        ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. }
    );
    let here = error.instance_path().as_str();
    is_range
        && all.iter().any(|other| is_type(other.kind()) && other.instance_path().as_str() == here)
}
