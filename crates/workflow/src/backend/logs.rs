//! The lines that steps print, whoever ran them.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Which logs are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogQuery {
    /// Labels that the step must have; a name without `/` is one of ours.
    pub(crate) labels: BTreeMap<String, String>,
    /// Go on with what comes, until the run ends.
    pub(crate) follow: bool,
}

impl LogQuery {
    /// Returns whether a step of these labels is asked for.
    pub(crate) fn wants(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| {
            let label = if key.contains('/') { key.clone() } else { format!("argosy.dev/{key}") };
            labels.get(&label) == Some(value)
        })
    }
}

/// The process that printed a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogSource {
    /// The node's name: its path from the root.
    pub(crate) node: String,
    /// The last part of it.
    pub(crate) step: String,
    /// Which worker of a fleet.
    pub(crate) worker: Option<u32>,
    /// The labels of its pod.
    pub(crate) labels: BTreeMap<String, String>,
}

/// Takes what is read of logs.
pub(crate) trait LogSink {
    /// Takes a line; its time is unknown if it is not whole.
    fn line(&mut self, source: &LogSource, at: Option<Timestamp>, text: &str)
    -> anyhow::Result<()>;

    /// Takes a remark: what cannot be shown, and why.
    fn remark(&mut self, text: &str);
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
            follow: false,
        };
        assert!(query("group", "a").wants(&labels));
        assert!(query("argosy.dev/group", "a").wants(&labels));
        assert!(!query("group", "b").wants(&labels));
        assert!(!query("app", "x").wants(&labels));
    }
}
