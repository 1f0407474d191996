//! The lines that steps print, whichever engine runs the steps.

use std::{collections::BTreeMap, sync::Arc};

use argo::convention::label;
use jiff::Timestamp;
use tokio::sync::mpsc;

/// Where log lines are sent. A receiver that is slow slows the reading down.
pub type LogSender = mpsc::Sender<LogEvent>;

/// Something that was read of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A line.
    Line {
        /// The process that printed it.
        source: Arc<LogSource>,
        /// When; unknown if the line is damaged.
        at: Option<Timestamp>,
        /// The text.
        text: String,
    },
    /// A remark: which lines are missing, and why.
    Remark(String),
}

/// Which logs to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Labels that the step must have; a name without `/` is one of ours.
    pub labels: BTreeMap<String, String>,
    /// Only this node and the nodes below it, by its full name.
    pub node: Option<String>,
    /// Whether to continue with new lines until the run ends.
    pub follow: bool,
}

impl LogQuery {
    /// Returns whether it asks for a step of this name and these labels.
    pub(crate) fn wants(&self, node: &str, labels: &BTreeMap<String, String>) -> bool {
        self.wants_node(node)
            && self.labels.iter().all(|(key, value)| {
                let wanted = if key.contains('/') { key.clone() } else { label::ours(key) };
                labels.get(&wanted) == Some(value)
            })
    }

    /// Returns whether it asks for a step of this name, if the labels fit.
    pub(crate) fn wants_node(&self, node: &str) -> bool {
        self.node.as_deref().is_none_or(|above| is_at_or_below(above, node))
    }
}

/// Returns whether `node` is the node `above` or a node below it.
pub(crate) fn is_at_or_below(above: &str, node: &str) -> bool {
    node.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '(']))
}

/// The process that printed a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogSource {
    /// The name of the node: its path from the workflow.
    pub node: String,
    /// The last part of that path.
    pub step: String,
    /// The number of the worker, in a fleet.
    pub worker: Option<u32>,
    /// The labels of its pod.
    pub labels: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_without_a_prefix_is_one_of_ours() {
        let labels = [("argosy.dev/group", "a"), ("app", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let labels = BTreeMap::from(labels);
        let query = |key: &str, value: &str| LogQuery {
            labels: BTreeMap::from([(key.to_owned(), value.to_owned())]),
            ..LogQuery::default()
        };
        assert!(query("group", "a").wants("w.a", &labels));
        assert!(query("argosy.dev/group", "a").wants("w.a", &labels));
        assert!(!query("group", "b").wants("w.a", &labels));
        assert!(!query("app", "x").wants("w.a", &labels));
    }

    #[test]
    fn a_node_means_itself_and_what_is_below_and_not_its_neighbour() {
        let query = LogQuery { node: Some("w.a".to_owned()), ..LogQuery::default() };
        for (node, wanted) in [("w.a", true), ("w.a(0)", true), ("w.a[0].b", true), ("w.ab", false)]
        {
            assert_eq!(query.wants(node, &BTreeMap::new()), wanted, "{node}");
        }
    }
}
