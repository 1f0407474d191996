//! What would change, as text? Items with the same changes are shown together.

use std::collections::BTreeMap;

use contract::{Treatment, numbers};

use runs::preview::{
    ClusterPreview, GroupPreview, IndexPreview, MigrationPreview, OnTarget, TemplatePreview,
};

/// Indices that stand one by one under a heading; JSON has all of them.
const LISTED: usize = 20;

/// Prints what a migration would change.
pub(crate) fn render(view: &MigrationPreview) -> String {
    let MigrationPreview { name, source, target, problems, notes, groups, templates } = view;
    let mut lines = vec![format!("what would change in `{name}`, by the clusters as they are now")];
    lines.push(format!("  source {}", cluster(source)));
    lines.push(format!("  target {}", cluster(target)));
    lines.extend(problems.iter().map(|problem| format!("  ! {problem}")));
    lines.extend(notes.iter().map(|note| format!("  note: {note}")));
    for group in groups {
        push_group(group, &mut lines);
    }
    push_templates(templates, &mut lines);
    lines.join("\n")
}

fn cluster(view: &ClusterPreview) -> String {
    let ClusterPreview { name, version, not_looked_at } = view;
    match (version, not_looked_at) {
        (Some(version), _) => format!("`{name}`: {version}"),
        (None, Some(reason)) => format!("`{name}` could not be read: {reason}"),
        (None, None) => format!("`{name}`"),
    }
}

/// Keeps what is equal together, in the order of the first of each.
fn alike<'a, T, K: Ord + Clone>(items: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<(K, Vec<&'a T>)> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut together: Vec<(K, Vec<&T>)> = Vec::new();
    for item in items {
        let key = key(item);
        let place = *places.entry(key.clone()).or_insert(together.len());
        match together.get_mut(place) {
            Some((_, alike)) => alike.push(item),
            None => together.push((key, vec![item])),
        }
    }
    together
}

fn push_group(group: &GroupPreview, lines: &mut Vec<String>) {
    let GroupPreview { name, indices } = group;
    let all: Vec<&IndexPreview> = indices.iter().collect();
    lines.push(format!("  group `{name}`: {}", total(&all)));
    let width = indices.iter().map(|index| index.name.chars().count()).max().unwrap_or(0);
    let key = |index: &IndexPreview| (fate(index), index.refused.clone(), changes_key(index));
    for ((fate, refused, changes), alike) in alike(indices, key) {
        lines.push(format!("    {}: {fate}", total(&alike)));
        for index in alike.iter().take(LISTED) {
            let on_target = index.on_target.as_ref().map_or_else(String::new, |there| {
                format!("   {} on the target", count(Some(there.documents), "document"))
            });
            lines.push(format!(
                "      {:width$}  {}{on_target}",
                index.name,
                size(index.shards, index.documents, index.bytes)
            ));
        }
        if alike.len() > LISTED {
            let more = alike.len() - LISTED;
            lines.push(format!("      and {more} more; `--output json` lists all of them"));
        }
        lines.extend(changes.iter().map(|change| format!("      - {change}")));
        lines.extend(refused.iter().map(|reason| format!("      ! {reason}")));
    }
}

fn changes_key(index: &IndexPreview) -> Vec<String> {
    index.changes.clone()
}

fn fate(index: &IndexPreview) -> &'static str {
    match &index.on_target {
        None if !index.examined => "metadata not checked",
        None if index.refused.is_some() => "CANNOT BE CREATED",
        None if index.changes.is_empty() => "created without changes",
        None => "created, with these changes",
        Some(OnTarget { treatment: Treatment::Fill, .. }) => {
            "on the target already, and empty: documents are written into it"
        }
        Some(OnTarget { treatment: Treatment::Append, .. }) => {
            "on the target already: documents are added (`existingIndices: append`)"
        }
        Some(OnTarget { treatment: Treatment::LeaveAlone, .. }) => {
            "on the target already: skipped (`existingIndices: skip`)"
        }
        Some(OnTarget { treatment: Treatment::Stop, .. }) => {
            "on the target already: THE MIGRATION STOPS, unless an earlier run of this group wrote \
             them (`existingIndices: refuse`; set `append` or `skip`, or delete them)"
        }
    }
}

fn push_templates(templates: &[TemplatePreview], lines: &mut Vec<String>) {
    let key = |template: &TemplatePreview| {
        let TemplatePreview { kind, name: _, exists, left_out, refused, changes } = template;
        (left_out.clone(), *kind, *exists, refused.clone(), changes.clone())
    };
    if !templates.is_empty() {
        lines.push("  templates".to_owned());
    }
    for ((left_out, kind, exists, refused, changes), alike) in alike(templates, key) {
        let fate = match (&left_out, exists) {
            (Some(reason), _) => {
                lines.push(format!("    {} {kind}(s) left out: {reason}", alike.len()));
                continue;
            }
            (None, true) => "on the target already: not changed",
            (None, false) if refused.is_some() => "CANNOT BE CREATED",
            (None, false) if changes.is_empty() => "created without changes",
            (None, false) => "created, with these changes",
        };
        let names: Vec<&str> = alike.iter().map(|template| template.name.as_str()).collect();
        lines.push(format!("    {kind} `{}`: {fate}", names.join("`, `")));
        lines.extend(changes.iter().map(|change| format!("      - {change}")));
        lines.extend(refused.iter().map(|reason| format!("      ! {reason}")));
    }
}

fn total(indices: &[&IndexPreview]) -> String {
    let sum = |part: fn(&IndexPreview) -> Option<u64>| -> Option<u64> {
        indices.iter().map(|index| part(index)).sum()
    };
    let number = u64::try_from(indices.len()).unwrap_or(u64::MAX);
    let indices = if number == 1 { "1 index".to_owned() } else { format!("{number} indices") };
    let sizes = size(sum(|index| index.shards), sum(|index| index.documents), sum(|i| i.bytes));
    format!("{indices} ({sizes})")
}

fn size(shards: Option<u64>, documents: Option<u64>, bytes: Option<u64>) -> String {
    let (shards, documents) = (count(shards, "shard"), count(documents, "document"));
    let bytes = bytes.map_or_else(|| "size unknown".to_owned(), numbers::size);
    format!("{shards}, {documents}, {bytes}")
}

fn count(number: Option<u64>, word: &str) -> String {
    match number {
        None => format!("{word}s unknown"),
        Some(1) => format!("1 {word}"),
        Some(number) => format!("{} {word}s", numbers::grouped(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, change: Option<&str>) -> IndexPreview {
        IndexPreview {
            name: name.to_owned(),
            shards: Some(1),
            documents: Some(1_200),
            bytes: Some(2_048),
            on_target: None,
            examined: true,
            refused: None,
            changes: change.into_iter().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn indices_that_change_alike_stand_together() {
        let there = OnTarget { documents: 7, treatment: Treatment::LeaveAlone };
        let view = MigrationPreview {
            name: "old-to-new".to_owned(),
            source: ClusterPreview {
                name: "old".to_owned(),
                version: Some("Elasticsearch 7.17.29".to_owned()),
                not_looked_at: None,
            },
            target: ClusterPreview {
                name: "new".to_owned(),
                version: None,
                not_looked_at: Some("no response".to_owned()),
            },
            problems: vec!["group `b` matches no index".to_owned()],
            notes: Vec::new(),
            groups: vec![GroupPreview {
                name: "a".to_owned(),
                indices: vec![
                    index("orders-1", Some("x: y")),
                    index("users", None),
                    index("orders-2", Some("x: y")),
                    IndexPreview { on_target: Some(there), ..index("kept", None) },
                ],
            }],
            templates: Vec::new(),
        };
        let expected = "\
what would change in `old-to-new`, by the clusters as they are now
  source `old`: Elasticsearch 7.17.29
  target `new` could not be read: no response
  ! group `b` matches no index
  group `a`: 4 indices (4 shards, 4,800 documents, 8.1 kB)
    2 indices (2 shards, 2,400 documents, 4.0 kB): created, with these changes
      orders-1  1 shard, 1,200 documents, 2.0 kB
      orders-2  1 shard, 1,200 documents, 2.0 kB
      - x: y
    1 index (1 shard, 1,200 documents, 2.0 kB): created without changes
      users     1 shard, 1,200 documents, 2.0 kB
    1 index (1 shard, 1,200 documents, 2.0 kB): on the target already: skipped (`existingIndices: skip`)
      kept      1 shard, 1,200 documents, 2.0 kB   7 documents on the target";
        assert_eq!(render(&view), expected);
    }
}
