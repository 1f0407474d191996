//! How is the plan written as Argo manifests?
//!
//! ```text
//!  argosy-gate, argosy-<step>   static WorkflowTemplates, from workflow-templates/
//!  <workflow>                   WorkflowTemplate: one DAG a migration, one a group
//!  <workflow>                   Workflow: starts it
//!  <workflow>-decisions         ConfigMap: gates that are decided in advance
//! ```
//!
//! A large plan is spread over several WorkflowTemplates ([`layout`]).

mod body;
mod depends;
mod layout;
mod migration;
mod object;
pub(crate) mod request;
mod request_file;
mod scope;
mod step;

use argo::{Manifest, ObjectMeta, Workflow, WorkflowSpec, WorkflowTemplateReference};

use crate::{installation::Installation, plan::Plan};

/// Returns the objects, in the order in which they are to be applied.
pub(crate) fn render(plan: &Plan, installation: &Installation) -> Vec<Manifest> {
    let templates = step::StepTemplates::new(installation);
    let mut migrations = migration::rendered(plan, &templates);
    let requests: Vec<Manifest> = migrations
        .iter_mut()
        .flat_map(migration::RenderedMigration::take_objects)
        .map(Manifest::ConfigMap)
        .collect();

    let mut manifests: Vec<Manifest> = object::account(installation).into();
    manifests.push(Manifest::ConfigMap(object::decisions(&plan.workflow)));
    manifests.extend(requests);
    manifests.extend(templates.manifests());
    manifests.extend(
        layout::spread(plan, migrations, installation).into_iter().map(Manifest::WorkflowTemplate),
    );
    manifests.push(Manifest::Workflow(workflow(plan)));
    manifests
}

/// Returns the objects that are the same for every plan.
pub(crate) fn shared(installation: &Installation) -> Vec<Manifest> {
    let mut manifests: Vec<Manifest> = object::account(installation).into();
    manifests.extend(step::StepTemplates::new(installation).manifests());
    manifests
}

fn workflow(plan: &Plan) -> Workflow {
    let reference = WorkflowTemplateReference { name: plan.workflow.clone() };
    Workflow::new(
        ObjectMeta::named(&plan.workflow, object::labels(&plan.workflow, None)),
        WorkflowSpec { workflow_template_ref: Some(reference), ..WorkflowSpec::default() },
    )
}
