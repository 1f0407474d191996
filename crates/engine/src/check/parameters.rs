//! Does every parameter get a value that the engine can find?

use argo::{Parameter, Template, io::ValueFrom};

use crate::{program::TemplateIndex, refusal::Refusals};

/// Checks that an argument has a value, or takes one from a ConfigMap.
pub(super) fn given(parameter: &Parameter, path: &str, refusals: &mut Refusals) {
    match (&parameter.value, &parameter.value_from) {
        (Some(_), None) => {}
        (None, Some(from)) => only_config_map(from, &format!("{path}.valueFrom"), refusals),
        _ => refusals.add(path, format!("parameter `{}` needs a `value`", parameter.name)),
    }
}

pub(super) fn only_config_map(from: &ValueFrom, path: &str, refusals: &mut Refusals) {
    let ValueFrom { path: file, parameter, expression, config_map_key_ref, default: _ } = from;
    let others = [("path", file), ("parameter", parameter), ("expression", expression)];
    for (field, value) in others {
        if value.is_some() {
            refusals.add(format!("{path}.{field}"), "this is not allowed for an input");
        }
    }
    if config_map_key_ref.is_none() {
        refusals.add(path, "`configMapKeyRef` is needed");
    }
}

/// Adds a refusal for each input of a template that its caller does not provide.
pub(super) fn missing_arguments(
    arguments: &[Parameter],
    written: &[&Template],
    callee: TemplateIndex,
    path: &str,
    refusals: &mut Refusals,
) {
    let Some(template) = written.get(callee.0) else { return };
    for input in template.inputs.iter().flat_map(|inputs| &inputs.parameters) {
        let has_own =
            input.value.is_some() || input.default.is_some() || input.value_from.is_some();
        if !has_own && !arguments.iter().any(|argument| argument.name == input.name) {
            let message =
                format!("template `{}` needs the parameter `{}`", template.name, input.name);
            refusals.add(path, message);
        }
    }
}
