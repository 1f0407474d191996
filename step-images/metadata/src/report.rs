//! How long may the answer be?
//!
//! It is an output parameter of a workflow node, which an API server stores. A shortened answer says
//! so, and the log has the complete one.

use contract::{
    Summary as _,
    metadata::{MetadataAnswer, MetadataItem, MetadataOutcome},
};

/// The longest answer, in bytes of JSON.
const MAX_ANSWER_BYTES: usize = 100_000;

/// The longest line in a shortened answer, in characters.
const MAX_LINE_CHARS: usize = 400;

/// Returns the answer, shortened if it is too long; then the complete one is logged.
pub(crate) fn bounded(answer: MetadataAnswer) -> MetadataAnswer {
    if size(&answer) <= MAX_ANSWER_BYTES {
        return answer;
    }
    for line in answer.summary().lines() {
        tracing::info!("{line}");
    }
    shorten(answer)
}

fn size(answer: &MetadataAnswer) -> usize {
    serde_json::to_vec(answer).map_or(usize::MAX, |json| json.len())
}

fn shorten(mut answer: MetadataAnswer) -> MetadataAnswer {
    for changes in [10, 3, 0] {
        for item in &mut answer.items {
            item.changes.truncate(changes);
            item.changes.iter_mut().chain(&mut item.reason).for_each(truncate_line);
        }
        answer.cut =
            Some(format!("only {changes} changes of each item are shown; the log has all of them"));
        if size(&answer) <= MAX_ANSWER_BYTES {
            return answer;
        }
    }
    // Items that need attention are kept longest.
    let all = answer.items.len();
    let rank = |item: &MetadataItem| match item.outcome {
        MetadataOutcome::Failed => 0,
        MetadataOutcome::Skipped => 1,
        MetadataOutcome::Exists => 2,
        MetadataOutcome::Created => 3,
    };
    answer.items.sort_by_key(rank);
    while size(&answer) > MAX_ANSWER_BYTES {
        let kept = answer.items.len() / 2;
        answer.items.truncate(kept);
        answer.cut = Some(format!("only {kept} of {all} items are shown; the log has all of them"));
    }
    answer
}

fn truncate_line(line: &mut String) {
    if let Some((end, _)) = line.char_indices().nth(MAX_LINE_CHARS) {
        line.truncate(end);
        line.push_str("..");
    }
}

#[cfg(test)]
mod tests {
    use contract::metadata::{MetadataKind, MetadataMode};

    use super::*;

    fn answer(items: usize, changes: usize) -> MetadataAnswer {
        let item = |number: usize| MetadataItem {
            kind: MetadataKind::Index,
            name: format!("index-{number}"),
            outcome: if number + 1 == items {
                MetadataOutcome::Failed
            } else {
                MetadataOutcome::Created
            },
            changes: vec!["ü".repeat(50); changes],
            reason: None,
        };
        let items = (0..items).map(item).collect();
        MetadataAnswer { mode: MetadataMode::Evaluate, items, cut: None }
    }

    #[test]
    fn a_short_answer_is_not_changed() {
        assert_eq!(bounded(answer(10, 3)), answer(10, 3));
    }

    #[test]
    fn changes_are_cut_before_items() {
        let cut = bounded(answer(100, 20));
        assert!(size(&cut) <= MAX_ANSWER_BYTES);
        assert_eq!(cut.items.len(), 100);
        assert!(cut.cut.is_some());
    }

    #[test]
    fn of_very_many_items_the_failed_one_is_kept() {
        let cut = bounded(answer(20_000, 1));
        assert!(size(&cut) <= MAX_ANSWER_BYTES);
        assert_eq!(cut.items[0].outcome, MetadataOutcome::Failed);
        assert!(cut.failure().is_some());
    }
}
