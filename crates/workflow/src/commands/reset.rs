//! `workflow reset`: remove what workflows leave behind.

use argo::NodePhase;
use cli_support::output::{self, failure};
use contract::Exit;
use globset::Glob;
use runs::{Backend, Removable, RemovableKind};
use serde_json::{Value, json};

use super::{ask, submit::end};
use crate::args::{Format, Reset};

/// Runs `workflow reset`.
pub(crate) async fn run(
    backend: &dyn Backend,
    flags: &Reset,
    format: Format,
) -> anyhow::Result<Exit> {
    let removables = backend.removables().await?;
    if flags.list {
        return list(&removables, format);
    }
    let chosen = chosen(&removables, flags)?;
    if chosen.is_empty() {
        output::message("there is nothing to remove");
    } else {
        for removable in &chosen {
            output::message(&format!("  {}", sentence(removable)));
        }
        output::message(
            "migrated data stays on the targets and snapshots stay in their repositories; the \
             session's migration file and credentials stay too",
        );
        if !flags.yes && !ask::confirm("remove this?", "--yes")? {
            return Ok(Exit::Done);
        }
    }
    for removable in &chosen {
        if let RemovableKind::Workflow(NodePhase::Pending | NodePhase::Running) = removable.kind
            && let Some(run) = backend.find(&removable.name).await?
        {
            output::message(&format!(
                "stopping `{}` first, so that its cleanup runs",
                removable.name
            ));
            end(backend, &run).await?;
        }
        backend.remove(removable).await?;
        output::message(&format!("removed {}", removable.name));
    }
    if format == Format::Json {
        let names: Vec<&str> = chosen.iter().map(|removable| removable.name.as_str()).collect();
        output::json(&json!({ "removed": names }))?;
    }
    Ok(Exit::Done)
}

fn list(removables: &[Removable], format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Json => {
            let objects: Vec<Value> = removables.iter().map(object).collect();
            output::json(&objects)?;
        }
        Format::Text if removables.is_empty() => output::message("there is nothing to remove"),
        Format::Text => {
            for removable in removables {
                output::result(&sentence(removable))?;
            }
            output::hint("workflow reset NAME");
        }
    }
    Ok(Exit::Done)
}

fn object(removable: &Removable) -> Value {
    let Removable { name, kind, parts, needed_by } = removable;
    let phase = match kind {
        RemovableKind::Workflow(phase) => Some(phase.as_str()),
        RemovableKind::Leftovers | RemovableKind::Shared => None,
    };
    json!({
        "name": name,
        "kind": word(*kind),
        "phase": phase,
        "parts": parts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "neededBy": needed_by,
    })
}

fn word(kind: RemovableKind) -> &'static str {
    match kind {
        RemovableKind::Workflow(_) | RemovableKind::Leftovers => "workflow",
        RemovableKind::Shared => "shared",
    }
}

fn sentence(removable: &Removable) -> String {
    let Removable { name, kind, parts, needed_by } = removable;
    let mut text = match kind {
        RemovableKind::Leftovers => format!("{name}: what remains of a workflow"),
        RemovableKind::Workflow(phase) => format!("{name}: workflow, {}", phase.as_str()),
        RemovableKind::Shared => format!("{name}: templates and accounts of all workflows"),
    };
    let count = parts.len();
    text.push_str(&format!(" ({count} {})", if count == 1 { "object" } else { "objects" }));
    if !needed_by.is_empty() {
        text.push_str(&format!(", needed by {}", needed_by.join(", ")));
    }
    text
}

/// Returns what is to be removed, dependents first.
fn chosen(removables: &[Removable], flags: &Reset) -> anyhow::Result<Vec<Removable>> {
    let Reset { names, all: _, cascade, list: _, yes: _ } = flags;
    // Without a name, everything is removed, as with `--all`.
    let mut picked: Vec<bool> = vec![names.is_empty(); removables.len()];
    for name in names {
        let glob = Glob::new(name)
            .map_err(|error| failure(Exit::Invalid, format!("`{name}` is not a glob: {error}")))?
            .compile_matcher();
        let mut found = false;
        for (removable, picked) in removables.iter().zip(&mut picked) {
            if removable.name == *name || glob.is_match(&removable.name) {
                (found, *picked) = (true, true);
            }
        }
        if !found {
            let message =
                format!("there is no `{name}`; `workflow reset --list` shows what can be removed");
            return Err(failure(Exit::NotFound, message));
        }
    }
    loop {
        let is_picked = |name: &String| {
            removables
                .iter()
                .zip(&picked)
                .any(|(removable, picked)| *picked && removable.name == *name)
        };
        let missing: Vec<(String, String)> = removables
            .iter()
            .zip(&picked)
            .filter(|(_, picked)| **picked)
            .flat_map(|(removable, _)| removable.needed_by.iter().map(|by| (by, &removable.name)))
            .filter(|(by, _)| !is_picked(by))
            .map(|(by, name)| (by.clone(), name.clone()))
            .collect();
        let Some((by, name)) = missing.first() else { break };
        if !cascade {
            let message = format!(
                "`{name}` is needed by `{by}`; add `--cascade` to remove that too, or stop it first"
            );
            return Err(failure(Exit::Conflict, message));
        }
        let mut found = false;
        for (removable, picked) in removables.iter().zip(&mut picked) {
            if missing.iter().any(|(by, _)| *by == removable.name) {
                (found, *picked) = (true, true);
            }
        }
        if !found {
            break;
        }
    }
    Ok(removables
        .iter()
        .zip(&picked)
        .filter(|(_, picked)| **picked)
        .map(|(h, _)| h.clone())
        .collect())
}

#[cfg(test)]
mod tests {
    use runs::Part;

    use super::*;

    fn removables() -> Vec<Removable> {
        let removable = |name: &str, kind, needed_by: &[&str]| Removable {
            name: name.to_owned(),
            kind,
            parts: vec![Part::Run { uid: "u".to_owned() }],
            needed_by: needed_by.iter().map(|name| (*name).to_owned()).collect(),
        };
        vec![
            removable("live", RemovableKind::Workflow(NodePhase::Running), &[]),
            removable("old-1", RemovableKind::Workflow(NodePhase::Failed), &[]),
            removable("templates", RemovableKind::Shared, &["live"]),
        ]
    }

    fn flags(names: &[&str]) -> Reset {
        Reset {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            list: false,
            all: false,
            cascade: false,
            yes: true,
        }
    }

    fn names(flags: &Reset) -> Result<Vec<String>, String> {
        let chosen = chosen(&removables(), flags).map_err(|error| error.to_string())?;
        Ok(chosen.into_iter().map(|removable| removable.name).collect())
    }

    #[test]
    fn names_and_globs_select_and_no_name_selects_everything() {
        assert_eq!(names(&flags(&[])).expect("chosen"), ["live", "old-1", "templates"]);
        assert_eq!(names(&flags(&["*o*"])).expect("chosen"), ["old-1"]);
    }

    #[test]
    fn what_others_need_goes_with_them_or_not_at_all() {
        let error = names(&flags(&["templates"])).expect_err("needed");
        assert!(error.contains("needed by `live`") && error.contains("--cascade"), "{error}");
        let cascade = Reset { cascade: true, ..flags(&["templates"]) };
        assert_eq!(names(&cascade).expect("chosen"), ["live", "templates"]);
        assert!(names(&flags(&["nothing-*"])).expect_err("none").contains("reset --list"));
    }
}
