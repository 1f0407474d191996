//! What do all calls of a migration or of a group have in common? Labels and Secrets.

use argo::Parameter;

use super::step::{Program, StepTemplates};
use crate::plan::{Labels, PlannedMigration};

/// What the calls of a migration, or of one of its groups, have in common.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub workflow: &'a str,
    pub templates: &'a StepTemplates,
    pub labels: ScopeLabels<'a>,
    pub source_secret: Option<&'a str>,
    pub target_secret: Option<&'a str>,
    pub storage_secret: Option<&'a str>,
}

/// The labels of a migration, or of one of its groups.
#[derive(Clone, Copy)]
pub(super) struct ScopeLabels<'a> {
    pub migration: &'a Labels,
    /// The group's name in Argo; absent for what belongs to no group.
    pub group: Option<&'a str>,
}

impl<'a> ScopeLabels<'a> {
    /// Returns the labels that there are, without their prefix.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let Labels { migration, source, target, of_kind } = self.migration;
        let of_all = [
            Some(("migration", migration.as_str())),
            self.group.map(|group| ("group", group)),
            Some(("source", source.as_str())),
            Some(("target", target.as_str())),
        ];
        let of_kind = of_kind.iter().map(|(name, value)| (*name, value.as_str()));
        of_all.into_iter().flatten().chain(of_kind)
    }
}

impl<'a> Scope<'a> {
    /// Returns the scope of a migration.
    pub(super) fn new(
        workflow: &'a str,
        templates: &'a StepTemplates,
        migration: &'a PlannedMigration,
    ) -> Self {
        Self {
            workflow,
            templates,
            labels: ScopeLabels { migration: &migration.labels, group: None },
            source_secret: migration.source_secret.as_deref(),
            target_secret: migration.target_secret.as_deref(),
            storage_secret: migration.storage_secret.as_deref(),
        }
    }

    /// Returns the scope of a group of this migration.
    pub(super) fn of_group(self, group: &'a str) -> Self {
        Self { labels: ScopeLabels { group: Some(group), ..self.labels }, ..self }
    }

    /// Returns the migration's name in Argo.
    pub(super) fn migration(&self) -> &'a str {
        &self.labels.migration.migration
    }

    /// Returns the group's name in Argo; empty for what belongs to no group.
    pub(super) fn group(&self) -> &'a str {
        self.labels.group.unwrap_or_default()
    }

    /// Returns the parameters of a call, without the request.
    pub(super) fn parameters(&self, program: Program, task: &str) -> Vec<Parameter> {
        // Five labels, the task, three Secrets, and what the caller adds.
        let mut parameters = Vec::with_capacity(12);
        let of_kind = &self.labels.migration.of_kind;
        let is_taken =
            |name: &str| !of_kind.contains_key(name) || self.templates.takes(program, name);
        let labels = self.labels.iter().filter(|(name, _)| is_taken(name));
        parameters.extend(labels.map(|(name, value)| Parameter::new(name, value)));
        parameters.push(Parameter::new("task", task));
        let secrets = [
            ("source-secret", self.source_secret),
            ("target-secret", self.target_secret),
            ("storage-secret", self.storage_secret),
        ];
        for (name, secret) in secrets {
            if let Some(secret) = secret
                && self.templates.takes(program, name)
            {
                parameters.push(Parameter::new(name, secret));
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Installation;

    #[test]
    fn every_template_takes_what_its_calls_give() {
        let labels = Labels {
            migration: "m".to_owned(),
            source: "a".to_owned(),
            target: "b".to_owned(),
            of_kind: [("snapshot", "s".to_owned())].into(),
        };
        let templates = StepTemplates::new(&Installation::default());
        let scope = Scope {
            workflow: "w",
            templates: &templates,
            labels: ScopeLabels { migration: &labels, group: Some("g") },
            source_secret: Some("s"),
            target_secret: Some("t"),
            storage_secret: Some("k"),
        };
        for program in Program::ALL {
            let parameters = scope.parameters(program, "task");
            let mut given: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
            given.push("request");
            let inputs = &templates.run(program).inputs.as_ref().expect("inputs").parameters;
            for input in inputs {
                assert!(given.contains(&input.name.as_str()), "{program:?}: {}", input.name);
            }
            assert_eq!(given.len(), inputs.len(), "{program:?}");
        }
    }
}
