//! Is an object too large for Kubernetes, or a request for a process?

use argo::Manifest;

use super::Rule;
use crate::{
    findings::{Report, Severity},
    plan::{Plan, PlannedGroup, Work},
    pointer::Pointer,
    render::request,
};

/// An object that the API server would refuse.
pub(crate) const OBJECT: Rule = Rule {
    id: "manifest::too-large",
    severity: Severity::Error,
    summary: "an object is larger than Kubernetes takes",
    docs: "Kubernetes refuses objects over about 1 MiB. Large migrations are spread over several \
           WorkflowTemplates by themselves; what all groups of one migration mean must still fit \
           into one ConfigMap. Split the migration into several, or write fewer patterns.",
};

/// A run that Argo could not keep.
pub(crate) const RUN: Rule = Rule {
    id: "manifest::run-too-large",
    severity: Severity::Warning,
    summary: "a run of so many groups is larger than Argo keeps",
    docs: "Argo keeps a run in one object of 1 MiB, and copies every template that the run uses \
           into it, about 10 KB a group, beside the state of each step, another 2.5 KB. So `submit` \
           refuses such a file on Argo. Split it into several, each a workflow of its own \
           (`--workflow-name`), and give the migrations in each another `name`: of two runs of \
           migrations of one name, the later takes the place of the earlier. Or let the embedded \
           engine run it, which has no such limit.",
};

/// A group whose patterns fit no argument.
pub(crate) const GROUP: Rule = Rule {
    id: "group::too-many-patterns",
    severity: Severity::Error,
    summary: "the patterns of a group are too long for one argument",
    docs: "The patterns of a group travel to each of its processes in one argument, which may \
           have 100,000 bytes. Use wildcards or a regular expression, or make several groups.",
};

/// What the API server takes, with some room for what it adds itself.
const LARGEST_OBJECT: usize = 1_000_000;

/// What Argo's object of a run may hold: 1 MiB, with some room for long messages.
const LARGEST_RUN: usize = 1_000_000;

/// What the templates of the steps take there, rounded up; every file brings them along.
const STEP_TEMPLATES: usize = 50_000;

/// What the state of a node takes there. Argo compresses it; a finished group of 23 nodes, many
/// times over with other names and times, came to 2,300 bytes a group.
const NODE_STATE: usize = 110;

/// Checks the requests of groups.
pub(crate) fn check_plan(plan: &Plan, report: &mut Report<'_>) {
    for (position, migration) in plan.migrations.iter().enumerate() {
        let path = Pointer::root().key("migrations").index(position).key("snapshotMigrations");
        for (position, group) in migration.groups.iter().enumerate() {
            // What a migration's groups have in common is measured with the first of them.
            if position > 0 && !may_be_long(group) {
                continue;
            }
            let longest = group.tasks.iter().map(|task| match &task.work {
                Work::EvaluateMetadata(request) | Work::MigrateMetadata(request) => {
                    request::text(request).len()
                }
                Work::RestoreDocuments(restore) => request::between_quotes(&restore.request).len(),
                Work::VerifyDocuments(request) => request::text(request).len(),
                _ => 0,
            });
            let longest = longest.max().unwrap_or_default();
            if longest > request::LONGEST_ARGUMENT {
                let message = format!("a request with these patterns has {longest} bytes");
                report.key(&GROUP, &path.index(position).key("indices"), message).help(format!(
                    "use wildcards or a `regex:`, or make several groups; {} bytes fit",
                    request::LONGEST_ARGUMENT
                ));
            }
        }
    }
}

/// Returns whether a group says so much that its requests are worth measuring.
fn may_be_long(group: &PlannedGroup) -> bool {
    // Each letter takes at most twelve bytes (`\ud83d` with its second half); all else in a request
    // is a few thousand bytes.
    let selection = group.tasks.iter().find_map(|task| match &task.work {
        Work::EvaluateMetadata(request) => Some(&request.group.indices),
        Work::RestoreDocuments(restore) => Some(&restore.request.group.indices),
        _ => None,
    });
    let patterns = selection.iter().flat_map(|selection| selection.patterns());
    let letters: usize = patterns.map(|pattern| pattern.to_string().len() + 16).sum();
    letters + group.name.len() > 4_000
}

/// Checks the objects, and returns how large all WorkflowTemplates are together.
pub(crate) fn check_manifests(manifests: &[Manifest], report: &mut Report<'_>) -> usize {
    let mut templates = 0;
    for manifest in manifests {
        let size = argo::json_size(manifest);
        if matches!(manifest, Manifest::WorkflowTemplate(_)) {
            templates += size;
        }
        if size > LARGEST_OBJECT {
            let message = format!(
                "the {} `{}` would have {size} bytes, and Kubernetes takes {LARGEST_OBJECT}",
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
    let groups = plan.migrations.iter().flat_map(|migration| &migration.groups);
    let nodes: usize = groups.clone().map(nodes).sum();
    // Argo writes down what our manifests leave out, a sixteenth of them.
    let size = templates + templates / 16 + nodes * NODE_STATE;
    if size <= LARGEST_RUN {
        return;
    }
    let groups = groups.count();
    let files = size.div_ceil(LARGEST_RUN - STEP_TEMPLATES);
    let message = format!(
        "a run of {groups} groups would become {size} bytes, and Argo has room for {LARGEST_RUN}"
    );
    report.key(&RUN, &Pointer::root().key("migrations"), message).help(format!(
        "make {files} files of at most {} groups, each a workflow of its own (`--workflow-name`) whose \
         migrations have a `name` of their own, or run it on one machine (`--engine local`)",
        groups.div_ceil(files)
    ));
}

/// Returns how many nodes a group becomes in Argo's status, with one try a pod.
fn nodes(group: &PlannedGroup) -> usize {
    let of_task = |work: &Work| match work {
        // The template, what it runs at once, and the node that waits.
        Work::Gate(_) => 3,
        // The template and its two steps; the fleet with two tasks; and two steps that are pods.
        Work::RestoreDocuments(_) => 3 + 3 + 2 * 2,
        // The pod, and the node that tries again.
        _ => 2,
    };
    1 + group.tasks.iter().map(|task| of_task(&task.work)).sum::<usize>()
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
