//! What is a gate in the manifests? A template with one step that waits unless the decision approves.
//!
//! ```text
//! name: <gate>
//! inputs:
//!   parameters:
//!     - name: decision
//!       valueFrom:
//!         default: pending
//!         configMapKeyRef: { name: <workflow>-decisions, key: <gate>, optional: true }
//! steps:
//!   - - name: <gate>                      the node that waits, and the name that is shown and typed
//!       templateRef: <a suspend template>
//!       when: '"{{inputs.parameters.decision}}" != "approved"'
//! ```
//!
//! There is one template per gate, because Argo resolves a ConfigMap key only when it is written out.

use serde::Deserialize;

use super::decisions::{APPROVED, PENDING, map_name};
use crate::{
    io::{Inputs, KeyRef, Parameter, ValueFrom},
    task::{TemplateRef, WorkflowStep},
    template::Template,
};

/// The input that holds the decision.
const DECISION: &str = "decision";

/// Returns the template of a gate, which calls `wait` unless the gate is approved.
pub fn template(name: &str, wait: TemplateRef) -> Template {
    let decision = Parameter {
        name: DECISION.to_owned(),
        value_from: Some(Box::new(ValueFrom {
            config_map_key_ref: Some(KeyRef {
                name: map_name("{{workflow.name}}"),
                key: name.to_owned(),
                optional: Some(true),
            }),
            default: Some(PENDING.to_owned()),
            ..ValueFrom::default()
        })),
        ..Parameter::default()
    };
    Template {
        name: name.to_owned(),
        inputs: Some(Inputs { parameters: vec![decision] }),
        steps: Some(vec![vec![WorkflowStep {
            name: name.to_owned(),
            template_ref: Some(wait),
            when: Some(condition()),
            ..WorkflowStep::default()
        }]]),
        ..Template::default()
    }
}

/// Returns the name of the node that waits, inside the node of the gate's template.
pub fn waiting_node(node: &str, gate: &str) -> String {
    format!("{node}[0].{gate}")
}

/// The condition under which a gate waits.
fn condition() -> String {
    format!(r#""{{{{inputs.parameters.{DECISION}}}}}" != "{APPROVED}""#)
}

/// A gate that was recognised in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate<'a> {
    /// The name: shown and typed.
    pub name: &'a str,
    /// The ConfigMap that holds the decision; may contain `{{workflow.name}}`.
    pub map: &'a str,
    /// The key of the decision in that ConfigMap.
    pub key: &'a str,
}

/// The parts of a template by which a gate is recognised. Other fields are ignored when it is read:
/// what an API server returns has fields that we do not write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct GateShape {
    inputs: Option<GateInputs>,
    steps: Option<Vec<Vec<Step>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct GateInputs {
    parameters: Option<Vec<Input>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    value_from: Option<InputSource>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputSource {
    config_map_key_ref: Option<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Key {
    name: String,
    key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Step {
    name: String,
    when: Option<String>,
}

impl From<&Template> for GateShape {
    fn from(template: &Template) -> Self {
        let key = |parameter: &Parameter| {
            let source = parameter.value_from.as_ref()?;
            let found = source.config_map_key_ref.as_ref();
            let found = found.map(|key| Key { name: key.name.clone(), key: key.key.clone() });
            Some(InputSource { config_map_key_ref: found })
        };
        let input = |parameter: &Parameter| Input {
            name: parameter.name.clone(),
            value_from: key(parameter),
        };
        let step = |step: &WorkflowStep| Step { name: step.name.clone(), when: step.when.clone() };
        Self {
            inputs: template.inputs.as_ref().map(|inputs| GateInputs {
                parameters: Some(inputs.parameters.iter().map(input).collect()),
            }),
            steps: template.steps.as_ref().map(|groups| {
                groups.iter().map(|group| group.iter().map(step).collect()).collect()
            }),
        }
    }
}

impl GateShape {
    /// Returns the gate, if the template is one.
    pub fn gate(&self) -> Option<Gate<'_>> {
        let [group] = self.steps.as_deref()? else { return None };
        let [step] = group.as_slice() else { return None };
        let inputs = self.inputs.as_ref()?.parameters.as_deref()?;
        let decision = inputs.iter().find(|input| input.name == DECISION)?;
        let key = decision.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        (step.when.as_deref() == Some(condition().as_str())).then_some(Gate {
            name: &step.name,
            map: &key.name,
            key: &key.key,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn made() -> Template {
        let wait = TemplateRef { name: "argosy-gate".to_owned(), template: "wait".to_owned() };
        template("documents-backfilled-a-b", wait)
    }

    #[test]
    fn the_gate_that_is_written_is_recognised() {
        let shape = GateShape::from(&made());
        let gate = shape.gate().expect("a gate");
        assert_eq!(gate.name, "documents-backfilled-a-b");
        assert_eq!((gate.map, gate.key), ("{{workflow.name}}-decisions", gate.name));
    }

    #[test]
    fn a_gate_is_recognised_among_fields_that_we_do_not_write() {
        let mut value = serde_json::to_value(made()).expect("JSON");
        value["outputs"] = json!({});
        value["steps"][0][0]["arguments"] = json!({});
        value["inputs"]["artifacts"] = json!([]);
        let shape: GateShape = serde_json::from_value(value).expect("a template");
        assert_eq!(shape, GateShape::from(&made()));
    }

    #[test]
    fn a_template_that_lacks_a_part_is_no_gate() {
        let gate = serde_json::to_value(made()).expect("JSON");
        let changed = |pointer: &str, value: Value| {
            let mut changed = gate.clone();
            *changed.pointer_mut(pointer).expect(pointer) = value;
            serde_json::from_value::<GateShape>(changed).expect("a template")
        };
        let step = gate["steps"][0][0].clone();
        for shape in [
            changed("/steps/0/0/when", json!("\"a\" != \"b\"")),
            changed("/steps/0/0/when", json!(null)),
            changed("/steps/0", json!([step, step])),
            changed("/steps", json!([[step], [step]])),
            changed("/inputs/parameters/0/name", json!("other")),
            changed("/inputs/parameters/0/valueFrom", json!({ "default": "pending" })),
        ] {
            assert_eq!(shape.gate(), None, "{shape:?}");
        }
    }
}
