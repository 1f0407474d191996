//! `workflow validate`: all findings, and nothing else.

use contract::Exit;
use generator::findings;
use runs::Keep;

use crate::{
    args::{Format, Input},
    input, output,
};

/// Runs `workflow validate`.
pub(crate) fn run(keep: &dyn Keep, flags: &Input, format: Format) -> anyhow::Result<Exit> {
    let source = input::read(keep, flags)?;
    match format {
        Format::Json => output::json(&findings::json(&source.compiled.findings, &source.text))?,
        Format::Text => {
            source.show_findings();
            if !source.has_errors() {
                output::result(&format!("{} is valid", source.name))?;
                output::hint("workflow plan");
            }
        }
    }
    Ok(if source.has_errors() { Exit::Invalid } else { Exit::Done })
}
