//! Tasks of a DAG and steps: does each name a template, and in which order can they run?

use std::collections::{BTreeMap, BTreeSet};

use argo::{DagTask, DagTemplate, Parameter, TemplateRef, WorkflowStep};

use crate::{
    check::{
        parameters::{given, missing_arguments},
        scope::Scope,
    },
    depends::{self, Depends},
    expression::{self, Dialect},
    program::{Call, Dag, Expansion, FailFast, Task, TemplateIndex},
    refusal::Refusals,
    substitute::stand_in,
};

/// Resolves a DAG: orders the tasks so that each comes after those that it depends on.
pub(crate) fn dag(dag: &DagTemplate, scope: &Scope<'_>, refusals: &mut Refusals) -> Option<Dag> {
    let DagTemplate { target, tasks, fail_fast } = dag;
    let names: BTreeSet<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    let mut resolved = BTreeMap::new();
    let has_depends = tasks.iter().any(|task| task.depends.is_some());
    let has_order = has_depends || tasks.iter().any(|task| !task.dependencies.is_empty());
    for (position, task) in tasks.iter().enumerate() {
        let path = scope.at(&format!("dag.tasks[{position}]"));
        if has_order && task.name.starts_with(|character: char| character.is_ascii_digit()) {
            let message = "a name must not start with a digit where tasks depend on each other";
            refusals.add(format!("{path}.name"), message);
        }
        if has_depends && task.continue_on.is_some() {
            let message =
                "not allowed where tasks have `depends`; write `task.Failed` there instead";
            refusals.add(format!("{path}.continueOn"), message);
        }
        if has_depends && !task.dependencies.is_empty() {
            let message = "a DAG has either `depends` or `dependencies`, not both";
            refusals.add(format!("{path}.dependencies"), message);
        }
        if let Some(task) = self::task(task, &names, &path, scope, refusals) {
            let name = task.call.name.clone();
            if resolved.insert(name, (position, task)).is_some() {
                refusals.add(format!("{path}.name"), "there are two tasks of this name");
            }
        }
    }
    if resolved.len() != tasks.len() {
        return None;
    }
    let needed: BTreeSet<String> =
        resolved.values().flat_map(|(_, task)| task.dependencies.iter().cloned()).collect();
    let targets: Vec<String> = match target {
        Some(target) => target.split_whitespace().map(str::to_owned).collect(),
        None => resolved.keys().filter(|name| !needed.contains(*name)).cloned().collect(),
    };
    if let Some(unknown) = targets.iter().find(|name| !names.contains(name.as_str())) {
        refusals.add(scope.at("dag.target"), format!("there is no task `{unknown}`"));
        return None;
    }
    let Some(tasks) = in_order(resolved) else {
        refusals.add(scope.at("dag.tasks"), "some tasks depend on each other in a cycle");
        return None;
    };
    let fail_fast = if *fail_fast == Some(false) { FailFast::No } else { FailFast::Yes };
    Some(Dag { tasks, targets, fail_fast })
}

/// Sorts tasks so that each comes after its dependencies; `None` if that is impossible.
fn in_order(mut waiting: BTreeMap<String, (usize, Task)>) -> Option<Vec<Task>> {
    let mut open: BTreeMap<String, usize> =
        waiting.iter().map(|(name, (_, task))| (name.clone(), task.dependencies.len())).collect();
    let mut dependents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, (_, task)) in &waiting {
        for dependency in &task.dependencies {
            dependents.entry(dependency.clone()).or_default().push(name.clone());
        }
    }
    // Among those that can run, the one written first comes first.
    let mut ready: BTreeSet<(usize, String)> = waiting
        .iter()
        .filter(|(_, (_, task))| task.dependencies.is_empty())
        .map(|(name, (position, _))| (*position, name.clone()))
        .collect();
    let mut ordered = Vec::new();
    while let Some((_, name)) = ready.pop_first() {
        for dependent in dependents.remove(&name).unwrap_or_default() {
            let left = open.get_mut(&dependent)?;
            *left -= 1;
            if *left == 0 {
                let position = waiting.get(&dependent)?.0;
                ready.insert((position, dependent));
            }
        }
        ordered.push(waiting.remove(&name)?.1);
    }
    waiting.is_empty().then_some(ordered)
}

fn task(
    task: &DagTask,
    names: &BTreeSet<&str>,
    path: &str,
    scope: &Scope<'_>,
    refusals: &mut Refusals,
) -> Option<Task> {
    let depends = match &task.depends {
        None => Depends::all_of(&task.dependencies),
        Some(text) => match depends::parse(text) {
            Ok(depends) => Some(depends),
            Err(error) => {
                refusals.add(format!("{path}.depends"), error);
                None
            }
        },
    };
    let dependencies: BTreeSet<String> =
        depends.iter().flat_map(Depends::tasks).map(str::to_owned).collect();
    for dependency in &dependencies {
        if !names.contains(dependency.as_str()) {
            refusals.add(format!("{path}.depends"), format!("there is no task `{dependency}`"));
        }
    }
    Some(Task { call: call(task, path, scope, refusals)?, depends, dependencies })
}

/// Resolves steps.
pub(crate) fn steps(
    groups: &[Vec<WorkflowStep>],
    scope: &Scope<'_>,
    refusals: &mut Refusals,
) -> Option<Vec<Vec<Call>>> {
    let mut names = BTreeSet::new();
    let mut resolved = Vec::new();
    let mut is_whole = true;
    for (row, group) in groups.iter().enumerate() {
        let mut calls = Vec::new();
        for (column, step) in group.iter().enumerate() {
            let path = scope.at(&format!("steps[{row}][{column}]"));
            if !names.insert(&step.name) {
                refusals.add(format!("{path}.name"), "there are two steps of this name");
            }
            match call(&as_task(step), &path, scope, refusals) {
                Some(call) => calls.push(call),
                None => is_whole = false,
            }
        }
        resolved.push(calls);
    }
    is_whole.then_some(resolved)
}

/// Returns a step as a task without dependencies: the order of the steps gives its place.
fn as_task(step: &WorkflowStep) -> DagTask {
    let WorkflowStep {
        name,
        template,
        template_ref,
        arguments,
        when,
        with_items,
        with_param,
        with_sequence,
        continue_on,
    } = step.clone();
    DagTask {
        name,
        depends: None,
        dependencies: Vec::new(),
        template,
        template_ref,
        arguments,
        when,
        with_items,
        with_param,
        with_sequence,
        continue_on,
    }
}

fn call(task: &DagTask, path: &str, scope: &Scope<'_>, refusals: &mut Refusals) -> Option<Call> {
    let DagTask {
        name,
        depends: _,
        dependencies: _,
        template,
        template_ref,
        arguments,
        when,
        with_items,
        with_param,
        with_sequence,
        continue_on,
    } = task;
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        refusals.add(format!("{path}.name"), "letters, digits and `-` are needed");
    }
    let arguments: Vec<Parameter> =
        arguments.iter().flat_map(|arguments| &arguments.parameters).cloned().collect();
    for (position, argument) in arguments.iter().enumerate() {
        given(argument, &format!("{path}.arguments.parameters[{position}]"), refusals);
    }
    if let Some(text) = when
        && let Err(error) = expression::parse(&stand_in(text, "0"), Dialect::When)
    {
        refusals.add(format!("{path}.when"), error);
    }
    let expansion = match (with_items, with_param, with_sequence) {
        (None, None, None) => Expansion::Once,
        (Some(items), None, None) => Expansion::Items(items.clone()),
        (None, Some(text), None) => Expansion::Parameter(text.clone()),
        (None, None, Some(sequence)) => Expansion::Sequence(sequence.clone()),
        _ => {
            let message = "only one of `withItems`, `withParam` and `withSequence` can be given";
            refusals.add(path, message);
            Expansion::Once
        }
    };
    let callee = callee(template.as_ref(), template_ref.as_ref(), path, scope, refusals)?;
    missing_arguments(&arguments, scope.written, callee, path, refusals);
    let is_gate = scope.written.get(callee.0).is_some_and(|template| {
        template.suspend.as_ref().is_some_and(|suspend| suspend.duration.is_none())
    });
    if is_gate && !matches!(expansion, Expansion::Once) {
        let message = "a gate in a loop has no name by which it could be approved; call a template \
                       with the gate in it";
        refusals.add(path, message);
    }
    Some(Call {
        name: name.clone(),
        callee,
        arguments,
        when: when.clone(),
        expansion,
        continue_on: continue_on.unwrap_or_default(),
    })
}

fn callee(
    template: Option<&String>,
    template_ref: Option<&TemplateRef>,
    path: &str,
    scope: &Scope<'_>,
    refusals: &mut Refusals,
) -> Option<TemplateIndex> {
    let (key, field) = match (template, template_ref) {
        (Some(name), None) => ((scope.holder.clone(), name.clone()), "template"),
        (None, Some(TemplateRef { name, template })) => {
            ((Some(name.clone()), template.clone()), "templateRef")
        }
        _ => {
            refusals.add(path, "exactly one of `template` and `templateRef` is needed");
            return None;
        }
    };
    let found = scope.index.get(&key).copied();
    if found.is_none() {
        let (object, template) = key;
        let object = object.map(|object| format!(" in WorkflowTemplate `{object}`"));
        let message = format!("there is no template `{template}`{}", object.unwrap_or_default());
        refusals.add(format!("{path}.{field}"), message);
    }
    found
}
