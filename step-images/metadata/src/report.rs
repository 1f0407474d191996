//! How long may the answer be?
//!
//! It travels as an output parameter of a workflow node, which an API server keeps whole. What is
//! cut is said in the answer, and the log has all of it.

use contract::{
    Summary as _,
    metadata::{MetadataAnswer, MetadataItem, MetadataOutcome},
};

/// The most bytes that an answer may have.
const LIMIT: usize = 100_000;

/// The longest line in a shortened answer.
const LINE: usize = 400;

/// Returns the answer, shortened if it is too long; then the whole of it goes to the log.
pub(crate) fn bounded(answer: MetadataAnswer) -> MetadataAnswer {
    if size(&answer) <= LIMIT {
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
        if size(&answer) <= LIMIT {
            return answer;
        }
    }
    // What needs a person's eyes stays longest.
    let all = answer.items.len();
    let rank = |item: &MetadataItem| match item.outcome {
        MetadataOutcome::Failed => 0,
        MetadataOutcome::Skipped => 1,
        MetadataOutcome::Exists => 2,
        MetadataOutcome::Created => 3,
    };
    answer.items.sort_by_key(rank);
    while size(&answer) > LIMIT {
        let kept = answer.items.len() / 2;
        answer.items.truncate(kept);
        answer.cut = Some(format!("only {kept} of {all} items are shown; the log has all of them"));
    }
    answer
}

fn truncate_line(line: &mut String) {
    if let Some((end, _)) = line.char_indices().nth(LINE) {
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
    fn a_short_answer_stays_as_it_is() {
        assert_eq!(bounded(answer(10, 3)), answer(10, 3));
    }

    #[test]
    fn changes_are_cut_before_items() {
        let cut = bounded(answer(100, 20));
        assert!(size(&cut) <= LIMIT);
        assert_eq!(cut.items.len(), 100);
        assert!(cut.cut.is_some());
    }

    #[test]
    fn of_very_many_items_the_failed_one_is_kept() {
        let cut = bounded(answer(20_000, 1));
        assert!(size(&cut) <= LIMIT);
        assert_eq!(cut.items[0].outcome, MetadataOutcome::Failed);
        assert!(cut.failure().is_some());
    }
}
