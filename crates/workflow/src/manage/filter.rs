//! Which nodes are in the tree, and in what order? Those that are open, or those that are asked for.

use std::collections::BTreeMap;

use runs::{NodeState, RunModel, RunNode};

use crate::view::text;

/// A tree of more nodes begins with its groups closed.
const OPEN_UP_TO: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Words that the name has in it, in any case.
    pub(super) text: String,
    /// By its state.
    pub(super) show: Show,
}

/// Which standings are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Show {
    /// Any.
    #[default]
    All,
    /// Gates that wait, and steps that failed.
    Attention,
    /// Gates that wait.
    Waiting,
    /// Steps that failed.
    Failed,
    /// Steps at work.
    Running,
    /// What is not reached yet.
    Pending,
}

impl Show {
    /// Returns the one after it; after the last comes the first.
    pub(super) fn next(self) -> Self {
        match self {
            Self::All => Self::Attention,
            Self::Attention => Self::Waiting,
            Self::Waiting => Self::Failed,
            Self::Failed => Self::Running,
            Self::Running => Self::Pending,
            Self::Pending => Self::All,
        }
    }

    /// Says it in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Attention => "waiting or failed",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Pending => "not reached",
        }
    }

    fn takes(self, node: &RunNode) -> bool {
        match self {
            Self::All => true,
            Self::Attention => node.needs_attention(),
            Self::Waiting => node.state == NodeState::Waiting,
            Self::Failed => node.state == NodeState::Failed,
            Self::Running => node.state == NodeState::Running,
            Self::Pending => node.state == NodeState::Pending,
        }
    }
}

impl Filter {
    /// Returns whether everything is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.show == Show::All
    }

    /// Says what is asked for.
    pub(super) fn words(&self) -> String {
        match (self.show, self.text.as_str()) {
            (show, "") => show.words().to_owned(),
            (Show::All, text) => format!("`{text}`"),
            (show, text) => format!("{} with `{text}`", show.words()),
        }
    }
}

/// Which nodes with something below them a person opened or closed.
pub(super) type Opened = BTreeMap<String, bool>;

/// Returns whether what is below a node is shown, when nothing is filtered.
pub(super) fn is_open(model: &RunModel, opened: &Opened, position: usize) -> bool {
    let Some(node) = model.nodes.get(position) else { return false };
    opened.get(&node.name).copied().unwrap_or_else(|| {
        let mut below = position + 1..node.subtree_end;
        let is_group = |below: usize| model.nodes.get(below).is_some_and(|it| !it.is_leaf(below));
        position == 0 || model.nodes.len() <= OPEN_UP_TO || below.any(is_group)
    })
}

/// Returns the positions of the nodes that are shown, in their order. The first node always is.
pub(super) fn rows(model: &RunModel, opened: &Opened, filter: &Filter) -> Vec<usize> {
    if filter.is_empty() { open_rows(model, opened) } else { found_rows(model, filter) }
}

fn open_rows(model: &RunModel, opened: &Opened) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut position = 0;
    while let Some(node) = model.nodes.get(position) {
        rows.push(position);
        position = if is_open(model, opened, position) { position + 1 } else { node.subtree_end };
    }
    rows
}

/// What is found, and what it is in.
fn found_rows(model: &RunModel, filter: &Filter) -> Vec<usize> {
    let wanted = filter.text.to_lowercase();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let mut is_shown = vec![false; model.nodes.len()];
    for (position, node) in model.nodes.iter().enumerate() {
        let has_text = || {
            let shown = format!("{} {}", node.name, text::line(node)).to_lowercase();
            wanted.iter().all(|word| shown.contains(word))
        };
        // The state of a group is that of its steps, and the steps are what is asked for.
        let is_found =
            position == 0 || node.is_leaf(position) && filter.show.takes(node) && has_text();
        let mut above = is_found.then_some(position);
        while let Some(shown) = above.and_then(|above| is_shown.get_mut(above)) {
            if std::mem::replace(shown, true) {
                break;
            }
            above = above.and_then(|above| model.nodes.get(above)?.parent);
        }
    }
    (0..model.nodes.len()).filter(|position| is_shown.get(*position) == Some(&true)).collect()
}
