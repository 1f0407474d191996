//! What does a task of a DAG wait for, as an expression of Argo?

use std::collections::BTreeSet;

use crate::plan::After;

/// Returns the `depends` expression of what waits for `after`, in the DAG of what is directly below
/// `path`. `name_of` returns what is called in that DAG for what the plan has there. Tasks that
/// are elsewhere do not count: what contains this DAG waits for them.
pub(super) fn depends<'a>(
    after: impl IntoIterator<Item = &'a After>,
    path: &str,
    name_of: impl Fn(&'a str) -> &'a str,
) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut terms = Vec::new();
    for after in after {
        let Some(name) = after.task().below(path).map(&name_of) else { continue };
        let has_succeeded = matches!(after, After::Success(_));
        if seen.insert((name, has_succeeded)) {
            terms.push((name, has_succeeded));
        }
    }
    if let [(name, false)] = terms[..] {
        return Some(failure(name));
    }
    let terms = terms.into_iter().map(|(name, has_succeeded)| {
        if has_succeeded { name.to_owned() } else { format!("({})", failure(name)) }
    });
    let terms: Vec<String> = terms.collect();
    (!terms.is_empty()).then(|| terms.join(" && "))
}

fn failure(name: &str) -> String {
    format!("{name}.Failed || {name}.Errored")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TaskId;

    fn depends_in_a(after: &[After]) -> Option<String> {
        depends(after, "a", |name| name)
    }

    #[test]
    fn a_branch_stands_for_the_tasks_in_it() {
        let success = |path: &[&str]| After::Success(TaskId::new(path));
        let failure = |path: &[&str]| After::Failure(TaskId::new(path));
        assert_eq!(depends_in_a(&[]), None);
        assert_eq!(depends_in_a(&[success(&["b", "x"]), success(&["ab", "x"])]), None);
        let two = [success(&["a", "x", "y"]), success(&["a", "z"]), success(&["a", "x", "w"])];
        assert_eq!(depends_in_a(&two).as_deref(), Some("x && z"));
        let failed = failure(&["a", "x"]);
        let both = [failed.clone(), success(&["a", "z"])];
        assert_eq!(depends_in_a(&[failed]).as_deref(), Some("x.Failed || x.Errored"));
        assert_eq!(depends_in_a(&both).as_deref(), Some("(x.Failed || x.Errored) && z"));
    }
}
