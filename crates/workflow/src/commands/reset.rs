//! `workflow reset`: remove what workflows leave behind.

use argo::NodePhase;
use contract::Exit;
use globset::Glob;
use runs::{Backend, Holding, HoldingKind};
use serde_json::{Value, json};

use super::{configure::ask, submit::end};
use crate::{
    args::{Format, Reset},
    output::{self, failure},
};

/// Runs `workflow reset`.
pub(crate) fn run(backend: &dyn Backend, flags: &Reset, format: Format) -> anyhow::Result<Exit> {
    let holdings = backend.holdings()?;
    if flags.list {
        return list(&holdings, format);
    }
    let chosen = chosen(&holdings, flags)?;
    if chosen.is_empty() {
        output::message("there is nothing to remove");
    } else {
        for holding in &chosen {
            output::message(&format!("  {}", sentence(holding)));
        }
        output::message(
            "what was migrated stays on the targets, and snapshots in their repositories; so do \
             the session's file and credentials",
        );
        if !flags.yes && !ask("remove this?", "--yes")? {
            return Ok(Exit::Done);
        }
    }
    for holding in &chosen {
        if let HoldingKind::Workflow(NodePhase::Pending | NodePhase::Running) = holding.kind
            && let Some(run) = backend.find(&holding.name)?
        {
            output::message(&format!("stopping `{}` first, so that it cleans up", holding.name));
            end(backend, &run)?;
        }
        backend.remove(holding)?;
        output::message(&format!("removed {}", holding.name));
    }
    if format == Format::Json {
        let names: Vec<&str> = chosen.iter().map(|holding| holding.name.as_str()).collect();
        output::json(&json!({ "removed": names }))?;
    }
    Ok(Exit::Done)
}

fn list(holdings: &[Holding], format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Json => {
            let objects: Vec<Value> = holdings.iter().map(object).collect();
            output::json(&objects)?;
        }
        Format::Text if holdings.is_empty() => output::message("there is nothing to remove"),
        Format::Text => {
            for holding in holdings {
                output::result(&sentence(holding))?;
            }
            output::hint("workflow reset NAME");
        }
    }
    Ok(Exit::Done)
}

fn object(holding: &Holding) -> Value {
    let Holding { name, kind, parts, needed_by } = holding;
    let phase = match kind {
        HoldingKind::Workflow(phase) => Some(phase.as_str()),
        HoldingKind::Shared | HoldingKind::Proxy | HoldingKind::Storage => None,
    };
    json!({
        "name": name,
        "kind": word(kind),
        "phase": phase,
        "parts": parts,
        "neededBy": needed_by,
    })
}

fn word(kind: &HoldingKind) -> &'static str {
    match kind {
        HoldingKind::Workflow(_) => "workflow",
        HoldingKind::Shared => "shared",
        HoldingKind::Proxy => "proxy",
        HoldingKind::Storage => "storage",
    }
}

fn sentence(holding: &Holding) -> String {
    let Holding { name, kind, parts, needed_by } = holding;
    let mut text = match kind {
        HoldingKind::Workflow(NodePhase::Omitted) => {
            format!("{name}: what a workflow left behind")
        }
        HoldingKind::Workflow(phase) => format!("{name}: workflow, {}", phase.as_str()),
        HoldingKind::Shared => format!("{name}: templates and accounts of all workflows"),
        HoldingKind::Proxy => format!("{name}: capture proxy"),
        HoldingKind::Storage => format!("{name}: volume"),
    };
    let count = parts.len();
    text.push_str(&format!(" ({count} {})", if count == 1 { "object" } else { "objects" }));
    if !needed_by.is_empty() {
        text.push_str(&format!(", needed by {}", needed_by.join(", ")));
    }
    text
}

/// Returns what is to be removed, dependents first.
fn chosen(holdings: &[Holding], flags: &Reset) -> anyhow::Result<Vec<Holding>> {
    let Reset { names, all: _, cascade, include_proxies, delete_storage, .. } = flags;
    // No name asks about all there is, as `--all` does.
    let mut picked: Vec<bool> = vec![names.is_empty(); holdings.len()];
    for name in names {
        let glob = Glob::new(name)
            .map_err(|error| failure(Exit::Invalid, format!("`{name}` is not a glob: {error}")))?
            .compile_matcher();
        let mut found = false;
        for (holding, picked) in holdings.iter().zip(&mut picked) {
            if holding.name == *name || glob.is_match(&holding.name) {
                (found, *picked) = (true, true);
            }
        }
        if !found {
            let message =
                format!("there is no `{name}`; `workflow reset --list` shows what there is");
            return Err(failure(Exit::NotFound, message));
        }
    }
    for (holding, picked) in holdings.iter().zip(&mut picked) {
        let flag = match holding.kind {
            HoldingKind::Proxy if !include_proxies => "--include-proxies",
            HoldingKind::Storage if !delete_storage => "--delete-storage",
            _ => continue,
        };
        if *picked && names.contains(&holding.name) {
            let message = format!("`{}` is protected; add `{flag}`", holding.name);
            return Err(failure(Exit::Conflict, message));
        }
        *picked = false;
    }
    loop {
        let is_picked = |name: &String| {
            holdings.iter().zip(&picked).any(|(holding, picked)| *picked && holding.name == *name)
        };
        let missing: Vec<(String, String)> = holdings
            .iter()
            .zip(&picked)
            .filter(|(_, picked)| **picked)
            .flat_map(|(holding, _)| holding.needed_by.iter().map(|by| (by, &holding.name)))
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
        for (holding, picked) in holdings.iter().zip(&mut picked) {
            if missing.iter().any(|(by, _)| *by == holding.name) {
                (found, *picked) = (true, true);
            }
        }
        if !found {
            break;
        }
    }
    Ok(holdings
        .iter()
        .zip(&picked)
        .filter(|(_, picked)| **picked)
        .map(|(h, _)| h.clone())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdings() -> Vec<Holding> {
        let holding = |name: &str, kind, needed_by: &[&str]| Holding {
            name: name.to_owned(),
            kind,
            parts: vec!["Workflow/x".to_owned()],
            needed_by: needed_by.iter().map(|name| (*name).to_owned()).collect(),
        };
        vec![
            holding("live", HoldingKind::Workflow(NodePhase::Running), &[]),
            holding("old-1", HoldingKind::Workflow(NodePhase::Failed), &[]),
            holding("templates", HoldingKind::Shared, &["live"]),
            holding("proxy", HoldingKind::Proxy, &[]),
            holding("volume", HoldingKind::Storage, &[]),
        ]
    }

    fn flags(names: &[&str]) -> Reset {
        Reset {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            list: false,
            all: false,
            cascade: false,
            include_proxies: false,
            delete_storage: false,
            yes: true,
        }
    }

    fn names(flags: &Reset) -> Result<Vec<String>, String> {
        let chosen = chosen(&holdings(), flags).map_err(|error| error.to_string())?;
        Ok(chosen.into_iter().map(|holding| holding.name).collect())
    }

    #[test]
    fn proxies_and_volumes_are_protected() {
        let all = names(&flags(&[])).expect("chosen");
        assert_eq!(all, ["live", "old-1", "templates"]);
        assert!(names(&flags(&["volume"])).expect_err("protected").contains("--delete-storage"));
        assert_eq!(names(&flags(&["*o*"])).expect("chosen"), ["old-1"]);
        let with = Reset { include_proxies: true, ..flags(&["*o*"]) };
        assert_eq!(names(&with).expect("chosen"), ["old-1", "proxy"]);
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
