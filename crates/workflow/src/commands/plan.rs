//! `workflow plan`: what will happen, before anything is written.
//!
//! The plan is what the compiler says; the preview is what the clusters say. A cluster that cannot
//! be read is no fault of the file: the plan is shown anyway, with the reason.

use cli_support::output;
use contract::Exit;
use generator::findings;
use runs::Configuration;
use serde_json::json;

use crate::{
    args::{Format, Plan},
    input, view,
};

/// Runs `workflow plan`.
pub(crate) async fn run(
    configuration: &dyn Configuration,
    flags: &Plan,
    format: Format,
) -> anyhow::Result<Exit> {
    let Plan { input, offline } = flags;
    let source = input::read(configuration, input).await?;
    let compiled = source.compiled.output.as_ref();
    if format == Format::Text {
        source.show_findings();
    }
    let preview = match compiled.filter(|_| !offline) {
        Some(compiled) => Some(runs::preview::run(configuration, compiled).await),
        None => None,
    };
    let plan = compiled.map(|compiled| &compiled.plan);
    match (format, plan) {
        (Format::Json, plan) => {
            let printed = findings::json(&source.compiled.findings, &source.text);
            output::json(&json!({ "findings": printed, "plan": plan, "preview": preview }))?;
        }
        (Format::Text, None) => {}
        (Format::Text, Some(plan)) => {
            output::result(&view::plan::render(plan))?;
            for preview in preview.iter().flatten() {
                output::result(&format!("\n{}", view::preview::render(preview)))?;
            }
            output::hint("workflow submit");
        }
    }
    Ok(if source.has_errors() { Exit::Invalid } else { Exit::Done })
}
