//! The lines that steps print, whoever ran them.

use std::collections::BTreeMap;

use argo::convention::label;
use jiff::Timestamp;

/// Which logs are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Labels that the step must have; a name without `/` is one of ours.
    pub labels: BTreeMap<String, String>,
    /// Only of this node and of what is below it, by its full name.
    pub node: Option<String>,
    /// Go on with what comes, until the run ends.
    pub follow: bool,
}

impl LogQuery {
    /// Returns whether a step of this name and these labels is asked for.
    pub fn wants(&self, node: &str, labels: &BTreeMap<String, String>) -> bool {
        self.wants_node(node)
            && self.labels.iter().all(|(key, value)| {
                let wanted = if key.contains('/') { key.clone() } else { label::ours(key) };
                labels.get(&wanted) == Some(value)
            })
    }

    /// Returns whether a step of this name is asked for, if its labels are.
    pub fn wants_node(&self, node: &str) -> bool {
        self.node.as_deref().is_none_or(|asked| is_at_or_below(asked, node))
    }
}

/// Returns whether a node's name is that of `above`, or of a node below that.
pub fn is_at_or_below(above: &str, node: &str) -> bool {
    node.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '(']))
}

/// The process that printed a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogSource {
    /// The node's name: its path from the root.
    pub node: String,
    /// The last part of it.
    pub step: String,
    /// Which worker of a fleet.
    pub worker: Option<u32>,
    /// The labels of its pod.
    pub labels: BTreeMap<String, String>,
}

/// Takes what is read of logs.
pub trait LogSink {
    /// Takes a line; its time is unknown if it is not whole.
    fn line(&mut self, source: &LogSource, at: Option<Timestamp>, text: &str)
    -> anyhow::Result<()>;

    /// Takes a remark: what cannot be shown, and why.
    fn remark(&mut self, text: &str);

    /// Returns whether more is wanted; asked now and then while following.
    fn is_wanted(&self) -> bool {
        true
    }
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
