//! What does a workflow consist of, in which order? Its tasks and gates, as the manifests have them.
//!
//! Only what the tree needs is read, and other fields are ignored: what an API server stores has
//! fields that we do not emit.

use std::collections::BTreeMap;

use argo::convention::gate;
use serde::Deserialize;
use serde_json::Value;

/// The tasks and gates of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The workflow's name, which is the name of its root node.
    pub workflow: String,
    entry: Option<Place>,
    shapes: BTreeMap<Place, TemplateOutline>,
}

/// A template in an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    object: String,
    template: String,
}

/// What a template is to the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateOutline {
    /// Tasks, in their order.
    Dag(Vec<OutlineTask>),
    /// A gate of this name.
    Gate(String),
    /// Anything else is one line.
    Leaf,
}

/// A task of a DAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineTask {
    /// Its name.
    pub name: String,
    /// What it calls.
    pub calls: Option<Place>,
}

/// A gate, and the tasks that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatePlace {
    /// Its name: shown and typed.
    pub name: String,
    /// The full names of the nodes of those tasks.
    pub callers: Vec<String>,
}

impl Outline {
    /// Reads the outline out of the objects: a Workflow, and the WorkflowTemplates that it reaches.
    pub fn read(objects: &[Value]) -> Self {
        let objects: Vec<Object> =
            objects.iter().filter_map(|object| Object::deserialize(object).ok()).collect();
        let mut outline = Self::default();
        if let Some(workflow) = objects.iter().find(|object| object.kind == "Workflow") {
            outline.workflow.clone_from(&workflow.metadata.name);
            let root = match &workflow.spec.workflow_template_ref {
                Some(named) => objects.iter().find(|object| {
                    object.kind == "WorkflowTemplate" && object.metadata.name == named.name
                }),
                None => Some(workflow),
            };
            outline.entry = root.and_then(|root| {
                Some(Place {
                    object: root.key(),
                    template: workflow
                        .spec
                        .entrypoint
                        .as_ref()
                        .or(root.spec.entrypoint.as_ref())?
                        .clone(),
                })
            });
        }
        for object in &objects {
            for template in object.spec.templates.iter().flatten() {
                let key = object.key();
                let place = Place { object: key.clone(), template: template.name.clone() };
                outline.shapes.insert(place, template.shape(&key));
            }
        }
        outline
    }

    /// Returns where the workflow begins.
    pub fn entry(&self) -> Option<&Place> {
        self.entry.as_ref()
    }

    /// Returns what a template is.
    pub fn shape(&self, place: &Place) -> Option<&TemplateOutline> {
        self.shapes.get(place)
    }

    /// Returns the gates in the order in which the tree shows them.
    pub fn gates(&self) -> Vec<GatePlace> {
        let mut gates = Vec::new();
        if let Some(entry) = &self.entry {
            self.collect(entry, &self.workflow, &mut Vec::new(), &mut gates);
        }
        gates
    }

    fn collect<'a>(
        &'a self,
        place: &'a Place,
        node: &str,
        above: &mut Vec<&'a Place>,
        gates: &mut Vec<GatePlace>,
    ) {
        match self.shape(place) {
            // What calls itself has no end; ours never does.
            Some(TemplateOutline::Dag(tasks)) if !above.contains(&place) => {
                above.push(place);
                for task in tasks {
                    if let Some(called) = &task.calls {
                        self.collect(called, &format!("{node}.{}", task.name), above, gates);
                    }
                }
                above.pop();
            }
            Some(TemplateOutline::Gate(name)) => {
                let callers = vec![node.to_owned()];
                if let Some(gate) = gates.iter_mut().find(|gate| gate.name == *name) {
                    gate.callers.extend(callers);
                } else {
                    gates.push(GatePlace { name: name.clone(), callers });
                }
            }
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct Object {
    kind: String,
    metadata: Named,
    #[serde(default)]
    spec: Spec,
}

impl Object {
    /// A Workflow and a WorkflowTemplate may share a name.
    fn key(&self) -> String {
        if self.kind == "Workflow" { String::new() } else { self.metadata.name.clone() }
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    entrypoint: Option<String>,
    workflow_template_ref: Option<Named>,
    templates: Option<Vec<Template>>,
}

#[derive(Deserialize)]
struct Template {
    name: String,
    dag: Option<Dag>,
    #[serde(flatten)]
    shape: gate::GateShape,
}

#[derive(Deserialize)]
struct Dag {
    tasks: Option<Vec<Call>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    name: String,
    template: Option<String>,
    template_ref: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
    template: String,
}

impl Template {
    fn shape(&self, object: &str) -> TemplateOutline {
        if let Some(dag) = &self.dag {
            let tasks = dag.tasks.iter().flatten().map(|call| call.task(object)).collect();
            return TemplateOutline::Dag(tasks);
        }
        self.shape
            .gate()
            .map_or(TemplateOutline::Leaf, |gate| TemplateOutline::Gate(gate.name.to_owned()))
    }
}

impl Call {
    fn task(&self, object: &str) -> OutlineTask {
        let calls = match (&self.template_ref, &self.template) {
            (Some(Reference { name, template }), _) => {
                Some(Place { object: name.clone(), template: template.clone() })
            }
            (None, Some(template)) => {
                Some(Place { object: object.to_owned(), template: template.clone() })
            }
            (None, None) => None,
        };
        OutlineTask { name: self.name.clone(), calls }
    }
}

#[cfg(test)]
mod tests {
    use argo::TemplateRef;
    use serde_json::json;

    use super::*;

    #[test]
    fn gates_are_found_through_templates_of_other_objects() {
        let wait = TemplateRef { name: "g".to_owned(), template: "wait".to_owned() };
        let gate = json!(gate::template("gate-1", wait));
        let objects = [
            json!({
                "kind": "WorkflowTemplate",
                "metadata": { "name": "run", "resourceVersion": "7" },
                "spec": {
                    "entrypoint": "main",
                    "templates": [{ "name": "main", "outputs": {}, "dag": { "tasks": [
                        { "name": "a", "templateRef": { "name": "run-2", "template": "part" } },
                    ]}}],
                },
            }),
            json!({
                "kind": "WorkflowTemplate",
                "metadata": { "name": "run-2" },
                "spec": { "templates": [gate, { "name": "part", "dag": { "tasks": [
                    { "name": "ask", "template": "gate-1", "arguments": {} },
                    { "name": "loop", "template": "part" },
                ]}}]},
            }),
            json!({
                "kind": "Workflow",
                "metadata": { "name": "run" },
                "spec": { "workflowTemplateRef": { "name": "run" } },
                "status": { "phase": "Running" },
            }),
        ];
        let outline = Outline::read(&objects);
        assert_eq!(outline.workflow, "run");
        let callers = vec!["run.a.ask".to_owned()];
        assert_eq!(outline.gates(), [GatePlace { name: "gate-1".to_owned(), callers }]);
    }

    #[test]
    fn objects_that_are_no_workflow_have_no_outline() {
        assert_eq!(Outline::read(&[json!({ "kind": "Pod" }), json!(3)]), Outline::default());
    }
}
