//! `workflow validate`: all findings, and nothing else.

use cli_support::output;
use contract::Exit;
use generator::findings;
use runs::Configuration;

use crate::{
    args::{Format, Input},
    input,
};

/// Runs `workflow validate`.
pub(crate) async fn run(
    configuration: &dyn Configuration,
    flags: &Input,
    format: Format,
) -> anyhow::Result<Exit> {
    let source = input::read(configuration, flags).await?;
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
