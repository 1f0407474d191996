//! Which of the source's indices go into the snapshot?
//!
//! The names are resolved here, with the patterns' one meaning, and not by the cluster: it knows
//! neither `regex:` nor our exclusions, and would leave out hidden and closed indices silently.

use std::collections::BTreeSet;

use cluster::{
    Client,
    indices::{self, IndexSummary},
};
use step_api::{Exit, Failure, IndexSelection, closest::closest};

/// Lists the source's indices and returns the names that at least one selection means.
pub(crate) async fn select(
    client: &Client,
    selections: &[IndexSelection],
) -> anyhow::Result<Vec<String>> {
    let found = indices::list(client).await.map_err(Failure::from)?;
    let names: Vec<String> = found.iter().map(|index| index.name.clone()).collect();
    let Picked { indices, empty, passed_over } = pick(selections, &names);
    if indices.is_empty() {
        return Err(
            Failure::new(Exit::NotFound, matches_nothing(client, selections, &names)).into()
        );
    }
    for selection in empty {
        tracing::warn!("no index of the source matches {selection}");
    }
    if !passed_over.is_empty() {
        tracing::info!(
            "not in the snapshot, for no pattern with a leading dot names them: {}",
            passed_over.join(", ")
        );
    }
    warn_of_state(&found, &indices);
    Ok(indices)
}

#[derive(Debug)]
struct Picked<'a> {
    /// The names, each once, in their order.
    indices: Vec<String>,
    /// The selections that mean nothing.
    empty: Vec<&'a IndexSelection>,
    /// Names with a leading dot that nobody names.
    passed_over: Vec<String>,
}

fn pick<'a>(selections: &'a [IndexSelection], names: &[String]) -> Picked<'a> {
    let mut indices = BTreeSet::new();
    let mut passed_over = BTreeSet::new();
    let mut empty = Vec::new();
    for selection in selections {
        let selected = selection.pick(names.iter().map(String::as_str));
        if selected.names.is_empty() {
            empty.push(selection);
        }
        indices.extend(selected.names);
        passed_over.extend(selected.passed_over);
    }
    let passed_over = passed_over.difference(&indices).cloned().collect();
    Picked { indices: indices.into_iter().collect(), empty, passed_over }
}

fn matches_nothing(client: &Client, selections: &[IndexSelection], names: &[String]) -> String {
    let patterns = || selections.iter().flat_map(IndexSelection::patterns);
    let written: Vec<String> = patterns().map(|pattern| format!("`{pattern}`")).collect();
    let near: BTreeSet<&str> = patterns()
        .filter(|pattern| !pattern.is_exclusion())
        .flat_map(|pattern| closest(pattern, names))
        .collect();
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let advice = if names.is_empty() {
        "it holds no index at all".to_owned()
    } else if near.is_empty() {
        format!("it holds for example {}", quoted(&mut names.iter().map(String::as_str).take(10)))
    } else {
        format!("did you mean {}?", quoted(&mut near.into_iter()))
    };
    format!(
        "no index of cluster `{}` at `{}` matches {}; {advice}",
        client.cluster(),
        client.url(),
        written.join(", ")
    )
}

/// Says beforehand what the cluster may refuse, so that its refusal is understood.
fn warn_of_state(found: &[IndexSummary], selected: &[String]) {
    for index in found.iter().filter(|index| selected.contains(&index.name)) {
        if index.is_closed() {
            tracing::warn!(
                "index `{}` is closed; if the source cannot take it, open it or exclude it",
                index.name
            );
        } else if index.health.as_deref() == Some("red") {
            tracing::warn!(
                "index `{}` is red: some of its shards are not assigned and cannot be taken",
                index.name
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(patterns: &[&str]) -> IndexSelection {
        let patterns: Vec<String> = patterns.iter().map(|&text| text.to_owned()).collect();
        patterns.try_into().expect("patterns")
    }

    #[test]
    fn the_union_holds_each_name_once() {
        let names = [".tasks", "a1", "a2", "b1"].map(str::to_owned);
        let selections =
            [selection(&["a*", "-a2"]), selection(&["regex:[ab]1", "*2"]), selection(&["c*"])];
        let picked = pick(&selections, &names);
        assert_eq!(picked.indices, ["a1", "a2", "b1"]);
        assert_eq!(picked.empty.len(), 1);
        assert_eq!(picked.passed_over, Vec::<String>::new());
        let all = [selection(&["*"])];
        assert_eq!(pick(&all, &names).passed_over, [".tasks"]);
    }
}
