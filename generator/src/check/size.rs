//! Is an object too large for Kubernetes, or a request for a process?

use argo::Manifest;
use contract::Group;

use crate::{
    findings::report::Report,
    plan::{Body, Owner, Plan, PlannedGroup},
    pointer::Pointer,
    render::request::{self, Request},
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[OBJECT, RUN, GROUP];

/// An object that the API server would refuse.
const OBJECT: Rule = Rule {
    id: "manifest::too-large",
    severity: Severity::Error,
    summary: "an object is too large for Kubernetes",
    docs: "Kubernetes refuses objects of more than about 1 MiB. A large migration is spread over \
           several WorkflowTemplates automatically, but the patterns of all its groups must fit \
           into one ConfigMap. Split the migration into several, or write fewer patterns.",
};

/// A run that Argo could not keep.
pub(crate) const RUN: Rule = Rule {
    id: "manifest::run-too-large",
    severity: Severity::Warning,
    summary: "a run with so many groups is too large for Argo",
    docs: "Argo keeps a run in one object of at most 1 MiB. It copies every template that the run \
           uses into this object, about 10 KB for each group, and adds the state of each step, \
           about 2.5 KB for each group. So `submit` refuses such a file on Argo. Split it into \
           several files, each a workflow of its own (`--workflow-name`), and give their migrations \
           different names: a later run of a migration of the same name replaces the earlier one. \
           Or run it with the embedded engine, which has no such limit.",
};

/// A group whose patterns do not fit into an argument.
const GROUP: Rule = Rule {
    id: "group::too-many-patterns",
    severity: Severity::Error,
    summary: "a group has too many patterns",
    docs: "Each process of a group gets the patterns in one argument, which may have 100,000 \
           bytes. Use wildcards or a regular expression, or make several groups.",
};

/// The size of an object that the API server accepts, with room for what it adds itself.
const MAX_OBJECT_BYTES: usize = 1_000_000;

/// The size of Argo's object of a run: 1 MiB, with room for long messages.
const MAX_RUN_BYTES: usize = 1_000_000;

/// The size of the templates of the steps in it, rounded up; every run has them.
const STEP_TEMPLATE_BYTES: usize = 50_000;

/// The size of the state of a node in it. Argo compresses the state; in a measurement, many
/// finished groups of 23 nodes with different names and times took 2,300 bytes each.
const NODE_STATE_BYTES: usize = 110;

/// Checks the requests of groups.
pub(crate) fn check_plan(plan: &Plan, report: &mut Report<'_>) {
    for tasks in plan.tasks.chunk_by(|one, other| one.owner == other.owner) {
        let Some(Owner { migration, group: Some(position) }) = tasks.first().map(|it| it.owner)
        else {
            continue;
        };
        // What a migration's groups have in common is measured with the first of them.
        let group = plan.migrations.get(migration).and_then(|it| it.groups.get(position));
        let Some(group) = group.filter(|group| position == 0 || may_be_long(group)) else {
            continue;
        };
        let longest = tasks.iter().map(|task| longest_request(&task.body)).max();
        let longest = longest.unwrap_or_default();
        if longest > request::MAX_ARGUMENT_BYTES {
            let message = format!("a request with these patterns has {longest} bytes");
            report.key(&GROUP, &group.path.key("indices"), message).help(format!(
                "use wildcards or a `regex:`, or make several groups; {} bytes fit",
                request::MAX_ARGUMENT_BYTES
            ));
        }
    }
}

/// Returns how long the longest request of a task is.
fn longest_request(body: &Body) -> usize {
    match body {
        Body::Step(call) => request::text(&Request(call)).len(),
        // The role of the workers has the shortest word, and their request the longest form.
        Body::Workers(workers) => request::between_quotes(&Request(&workers.call)).len(),
        Body::Fleet(fleet) => longest_request(&fleet.workers.body),
        Body::Gate(_) => 0,
    }
}

/// Returns whether a group has so many patterns that its requests must be measured.
fn may_be_long(planned: &PlannedGroup) -> bool {
    // Each character takes at most twelve bytes (`\ud83d` with its second half); all else in a
    // request is a few thousand bytes.
    let Group { name, indices, .. } = &planned.group;
    let characters: usize =
        indices.patterns().iter().map(|pattern| pattern.to_string().len() + 16).sum();
    characters + name.as_str().len() > 4_000
}

/// Checks the objects, and returns how large all WorkflowTemplates are together.
pub(crate) fn check_manifests(manifests: &[Manifest], report: &mut Report<'_>) -> usize {
    let mut templates = 0;
    for manifest in manifests {
        let size = argo::json_size(manifest);
        if matches!(manifest, Manifest::WorkflowTemplate(_)) {
            templates += size;
        }
        if size > MAX_OBJECT_BYTES {
            let message = format!(
                "the {} `{}` would have {size} bytes; Kubernetes accepts {MAX_OBJECT_BYTES}",
                manifest.kind(),
                manifest.metadata().name
            );
            report
                .key(&OBJECT, &Pointer::root().key("migrations"), message)
                .help("split the migration into several, or write fewer patterns");
        }
    }
    templates
}

/// Checks what Argo keeps of a run.
pub(crate) fn check_run(plan: &Plan, templates: usize, report: &mut Report<'_>) {
    let groups: usize = plan.migrations.iter().map(|migration| migration.groups.len()).sum();
    let tasks = plan.tasks.iter().filter(|task| task.owner.group.is_some());
    // Each group is a node too.
    let nodes = groups + tasks.map(|task| nodes(&task.body)).sum::<usize>();
    // Argo adds defaults that our manifests leave out, about a sixteenth of their size.
    let size = templates + templates / 16 + nodes * NODE_STATE_BYTES;
    if size <= MAX_RUN_BYTES {
        return;
    }
    let files = size.div_ceil(MAX_RUN_BYTES - STEP_TEMPLATE_BYTES);
    let message = format!(
        "a run of {groups} groups would become {size} bytes, and Argo has room for {MAX_RUN_BYTES}"
    );
    report.key(&RUN, &Pointer::root().key("migrations"), message).help(format!(
        "make {files} files of at most {} groups, each a workflow of its own (`--workflow-name`) whose \
         migrations have a `name` of their own, or run it on one machine (`--engine local`)",
        groups.div_ceil(files)
    ));
}

/// Returns how many nodes a task becomes in Argo's status, with one try for each pod.
fn nodes(body: &Body) -> usize {
    match body {
        // The template, its group of concurrent steps, and the node that waits.
        Body::Gate(_) => 3,
        // The pod, and the node that tries again.
        Body::Step(_) | Body::Workers(_) => 2,
        // The template and its two groups of steps; the fleet with two tasks; and two steps that
        // are pods.
        Body::Fleet(_) => 3 + 3 + 2 * 2,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Installation, Steps, check::testing::grouped, compile};

    fn ids(source: &str) -> Vec<&'static str> {
        let compiled = compile(source, &Installation::default());
        compiled.findings.iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn a_group_with_very_many_patterns_is_refused() {
        let patterns: Vec<String> = (0..9_000).map(|number| format!("orders-{number}")).collect();
        let source = grouped(&format!("\n      - indices: [{}]", patterns.join(", ")));
        assert_eq!(ids(&source), ["group::too-many-patterns"]);
    }

    #[test]
    fn a_run_that_argo_could_not_keep_is_refused_and_the_parts_that_are_proposed_are_not() {
        let file = |groups: usize| {
            let group = |number| format!("\n      - indices: [\"tenant-{number:05}-*\"]");
            grouped(&(0..groups).map(group).collect::<Vec<_>>().concat())
        };
        let pods = Installation { steps: Steps::Pods, ..Installation::default() };
        let compiled = compile(&file(1_000), &pods);
        let [finding] = compiled.findings.iter().collect::<Vec<_>>()[..] else {
            panic!("{:?}", compiled.findings)
        };
        assert_eq!(finding.id, super::RUN.id);
        let help = finding.help.as_deref().unwrap_or_default();
        let numbers: Vec<usize> = help.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [files, groups] = numbers[..] else { panic!("{help}") };
        assert!(files * groups >= 1_000, "{help}");
        assert!(compile(&file(groups), &pods).findings.is_empty(), "{help}");
        assert_eq!(ids(&file(1_000)), [""; 0]);
    }

    #[test]
    fn a_migration_that_fits_no_config_map_is_refused() {
        let long = "x".repeat(2_000);
        let group = |number| format!("\n      - indices: [a{number}-{long}]");
        let groups: Vec<String> = (0..600).map(group).collect();
        let groups = groups.concat();
        let ids = ids(&grouped(&groups));
        assert!(!ids.is_empty() && ids.iter().all(|id| *id == "manifest::too-large"), "{ids:?}");
    }
}
