//! `workflow plan`: what will happen, before anything is written.

use generator::findings;
use serde_json::json;
use session::StateDir;
use step_api::Exit;

use crate::{
    args::{Format, Input},
    input, output, view,
};

/// Runs `workflow plan`.
pub(crate) fn run(state: &StateDir, flags: &Input, format: Format) -> anyhow::Result<Exit> {
    let source = input::read(state, flags)?;
    let printed = findings::json(&source.compiled.findings, &source.text);
    let plan = source.compiled.output.as_ref().map(|output| &output.plan);
    match (format, plan) {
        (Format::Json, plan) => output::json(&json!({ "findings": printed, "plan": plan }))?,
        (Format::Text, None) => source.show_findings(),
        (Format::Text, Some(plan)) => {
            source.show_findings();
            output::result(&view::plan::render(plan))?;
            output::hint("workflow submit");
        }
    }
    Ok(if source.has_errors() { Exit::Invalid } else { Exit::Done })
}
