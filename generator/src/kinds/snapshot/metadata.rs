//! What does the user want of a group's metadata? Each part is proved, or there is a finding.

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    IndexPattern, MetadataChoices, MetadataOverride, NamePatterns, OverrideKind, TemplateChoice,
};

use super::file::{MetadataMigration, Override, RuleSwitch, TemplateNames};
use crate::{
    findings::report::Report,
    nearest::nearest,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[UNKNOWN_RULE, NAME_PATTERN, OVERRIDE_NAMES, OVERRIDE_EMPTY];

/// A rule that does not exist.
const UNKNOWN_RULE: Rule = Rule {
    id: "metadata::unknown-rule",
    severity: Severity::Error,
    summary: "`rules` names a rule that does not exist",
    docs: "`rules` switches rules of the metadata migration off, as in `rules: { codec: off }`. \
           `workflow plan` and the reports of the steps show the id of a rule in brackets behind \
           each change that it makes.",
};

/// Not a pattern of names.
const NAME_PATTERN: Rule = Rule {
    id: "metadata::pattern",
    severity: Severity::Error,
    summary: "an invalid pattern of names",
    docs: "Names of indices and templates are selected by exact names, `*` and `?` wildcards and \
           `regex:expressions`; in lists also by `-exclusions`.",
};

/// An override for nothing, or for several kinds.
const OVERRIDE_NAMES: Rule = Rule {
    id: "metadata::override-names",
    severity: Severity::Error,
    summary: "an override must name indices, templates or component templates",
    docs: "An entry of `overrides` has one of the keys `index`, `template` and `component`, each \
           with a pattern of names. Write an entry for each kind.",
};

/// An override without effect.
const OVERRIDE_EMPTY: Rule = Rule {
    id: "metadata::override-empty",
    severity: Severity::Error,
    summary: "an override changes nothing",
    docs: "An entry of `overrides` has `settings`, `mappings` or `aliases`, with what the items have \
           on the target. `null` removes something.",
};

/// Proves what the user wants; `None` if part of it cannot be read.
pub(super) fn prove(
    part: Option<&MetadataMigration>,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<MetadataChoices> {
    let Some(part) = part else { return Some(MetadataChoices::default()) };
    let MetadataMigration { enabled: _, templates, rules, overrides } = part;
    let templates = prove_templates(templates.as_ref(), &path.key("templates"), report);
    let disabled_rules = prove_rules(rules.as_ref(), &path.key("rules"), report);
    let path = path.key("overrides");
    let overrides: Vec<Option<MetadataOverride>> = overrides
        .iter()
        .flatten()
        .enumerate()
        .map(|(position, one)| prove_override(one, &path.index(position), report))
        .collect();
    Some(MetadataChoices {
        templates: templates?,
        disabled_rules: disabled_rules?,
        overrides: overrides.into_iter().collect::<Option<_>>()?,
    })
}

fn prove_templates(
    names: Option<&TemplateNames>,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<TemplateChoice> {
    let Some(TemplateNames { include, exclude }) = names else {
        return Some(TemplateChoice::default());
    };
    let mut list = |texts: Option<&Vec<String>>, key: &str| match texts {
        None => Some(None),
        Some(texts) => {
            let path = path.key(key);
            let patterns: Vec<Option<IndexPattern>> = texts
                .iter()
                .enumerate()
                .map(|(position, text)| prove_pattern(text, &path.index(position), report))
                .collect();
            Some(Some(patterns.into_iter().collect::<Option<NamePatterns>>()?))
        }
    };
    let include = list(include.as_ref(), "include");
    let exclude = list(exclude.as_ref(), "exclude");
    Some(TemplateChoice { include: include?, exclude: exclude? })
}

fn prove_rules(
    rules: Option<&BTreeMap<String, RuleSwitch>>,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<BTreeSet<String>> {
    let mut are_known = true;
    for id in rules.into_iter().flatten().map(|(id, _)| id) {
        if transform::rule_ids().any(|known| known == id) {
            continue;
        }
        are_known = false;
        let finding = report.key(&UNKNOWN_RULE, &path.key(id), format!("there is no rule `{id}`"));
        match nearest(id, transform::rule_ids()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(
                "`workflow plan` shows the id of a rule in brackets behind each change that it \
                 makes",
            ),
        };
    }
    let off = rules.into_iter().flatten().filter(|(_, switch)| **switch == RuleSwitch::Off);
    are_known.then(|| off.map(|(id, _)| id.clone()).collect())
}

fn prove_override(
    one: &Override,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<MetadataOverride> {
    let Override { index, template, component, settings, mappings, aliases } = one;
    let named = [
        (OverrideKind::Index, index),
        (OverrideKind::Template, template),
        (OverrideKind::Component, component),
    ];
    let named: Vec<(OverrideKind, &String)> =
        named.into_iter().filter_map(|(kind, text)| Some((kind, text.as_ref()?))).collect();
    if settings.is_none() && mappings.is_none() && aliases.is_none() {
        report
            .value(&OVERRIDE_EMPTY, path, "this override changes nothing")
            .help("add `settings`, `mappings` or `aliases`, or remove the override");
    }
    let &[(kind, text)] = named.as_slice() else {
        let message = if named.is_empty() {
            "this override does not say what it is for"
        } else {
            "this override is for several kinds"
        };
        report.value(&OVERRIDE_NAMES, path, message).help(
            "write one of `index`, `template` and `component`, for example `index: \"orders-*\"`",
        );
        return None;
    };
    let pattern = prove_pattern(text, &path.key(kind.key()), report)?;
    Some(MetadataOverride {
        kind,
        names: NamePatterns::from_iter([pattern]),
        settings: settings.clone().unwrap_or_default(),
        mappings: mappings.clone().unwrap_or_default(),
        aliases: aliases.clone().unwrap_or_default(),
    })
}

fn prove_pattern(text: &str, path: &Pointer, report: &mut Report<'_>) -> Option<IndexPattern> {
    IndexPattern::of_any_name(text)
        .map_err(|error| {
            report.value(&NAME_PATTERN, path, error.to_string());
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        Installation,
        check::testing::{grouped, printed},
        compile,
        plan::{Body, StepCall},
    };

    fn group(metadata: &str) -> String {
        grouped(&format!(
            "\n      - indices: [\"orders-*\"]\n        metadataMigration:\n{metadata}"
        ))
    }

    #[test]
    fn the_step_gets_what_the_user_wants() {
        let source = group(
            "          templates: { include: [\"Orders*\"], exclude: [\"-x\", \"old-*\"] }
          rules: { codec: off, \"lifecycle\": \"off\", wildcard: on }
          overrides:
            - index: \"orders-*\"
              settings: { number_of_replicas: 2, index.search.slowlog: null }
              mappings: { properties: { note: { type: text }, gone: null } }
            - component: \"*\"
              aliases: { old: null }",
        );
        let compiled = compile(&source, &Installation::default());
        let plan = compiled.output.unwrap_or_else(|| panic!("{}", printed(&source))).plan;
        let mut choices = plan.tasks.iter().filter_map(|task| match &task.body {
            Body::Step(StepCall::Metadata(request)) => {
                Some(serde_json::to_value(&request.choices).expect("JSON"))
            }
            _ => None,
        });
        let expected = json!({
            "templates": { "include": ["Orders*"], "exclude": ["-x", "old-*"] },
            "disabledRules": ["codec", "lifecycle"],
            "overrides": [
                {
                    "kind": "index", "names": ["orders-*"],
                    "settings": { "number_of_replicas": 2, "index.search.slowlog": null },
                    "mappings": { "properties": { "note": { "type": "text" }, "gone": null } },
                },
                { "kind": "component", "names": ["*"], "aliases": { "old": null } },
            ],
        });
        assert_eq!(choices.next(), Some(expected.clone()));
        assert_eq!(choices.next(), Some(expected));
    }

    #[test]
    fn what_cannot_be_read_is_reported() {
        let source = group(
            "          templates: { include: [\"regex:(\"] }
          rules: { codecs: off, zzz: off }
          overrides:
            - settings: { codec: null }
            - { index: a, template: b, settings: {} }
            - { index: a }",
        );
        insta::assert_snapshot!(printed(&source), @r#"
        error[metadata::pattern]: `regex:(` is not a regular expression: unclosed group
          --> migration.yaml:16:34
           |
        16 |           templates: { include: ["regex:("] }
           |                                  ^^^^^^^^^

        error[metadata::unknown-rule]: there is no rule `codecs`
          --> migration.yaml:17:20
           |
        17 |           rules: { codecs: off, zzz: off }
           |                    ^^^^^^
           |
           = help: did you mean `codec`?

        error[metadata::unknown-rule]: there is no rule `zzz`
          --> migration.yaml:17:33
           |
        17 |           rules: { codecs: off, zzz: off }
           |                                 ^^^
           |
           = help: `workflow plan` shows the id of a rule in brackets behind each change that it makes

        error[metadata::override-names]: this override does not say what it is for
          --> migration.yaml:19:15
           |
        19 |             - settings: { codec: null }
           |               ^
           |
           = help: write one of `index`, `template` and `component`, for example `index: "orders-*"`

        error[metadata::override-names]: this override is for several kinds
          --> migration.yaml:20:15
           |
        20 |             - { index: a, template: b, settings: {} }
           |               ^
           |
           = help: write one of `index`, `template` and `component`, for example `index: "orders-*"`

        error[metadata::override-empty]: this override changes nothing
          --> migration.yaml:21:15
           |
        21 |             - { index: a }
           |               ^
           |
           = help: add `settings`, `mappings` or `aliases`, or remove the override
        "#);
    }

    #[test]
    fn a_rule_is_off_or_not_written() {
        insta::assert_snapshot!(printed(&group("          rules: { codec: true }")), @r#"
        error[config::value]: `codec` is the truth value true
          --> migration.yaml:16:27
           |
        16 |           rules: { codec: true }
           |                           ^^^^
           |
           = help: write one of `on`, `off`
        "#);
    }
}
