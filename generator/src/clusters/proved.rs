//! What is proved of the clusters of a migration file?

use contract::{ClusterAccess, ServerVersion};
use indexmap::IndexMap;

use super::auth::ClearTextSecret;
use crate::file::walk::Side;

/// A part of the file that may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<T> {
    Absent,
    Proved(T),
    /// There is a finding about it.
    Refused,
}

impl<T> Part<T> {
    /// Returns what is proved; `None` if it is absent or there is a finding about it.
    pub(crate) const fn proved(&self) -> Option<&T> {
        match self {
            Self::Proved(value) => Some(value),
            Self::Absent | Self::Refused => None,
        }
    }
}

/// The clusters of a migration file, in its order.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    pub(super) sources: IndexMap<String, Entry>,
    pub(super) targets: IndexMap<String, Entry>,
}

/// A cluster. Its version is proved by itself: an error in another part must not hide that data
/// cannot be migrated.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub version: Part<ServerVersion>,
    /// Absent for a source that is not needed, because its snapshot exists.
    pub cluster: Part<Cluster>,
}

/// A cluster that requests can be sent to.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// How it is addressed and how requests are authenticated.
    pub access: ClusterAccess,
    /// The Secret with its credentials.
    pub secret: Option<String>,
    /// The host in its endpoint.
    pub(crate) host: String,
    /// Its credentials, when the file has them in clear text.
    pub(crate) clear_text: Option<ClearTextSecret>,
}

impl Clusters {
    /// Returns the sources that have an endpoint.
    pub fn sources(&self) -> impl Iterator<Item = &Cluster> {
        proved(&self.sources)
    }

    /// Returns the targets.
    pub fn targets(&self) -> impl Iterator<Item = &Cluster> {
        proved(&self.targets)
    }

    /// Returns a cluster of this name; `None` if the file has none or there is a finding about it.
    pub(crate) fn get(&self, side: Side, name: &str) -> Option<&Part<Cluster>> {
        self.side(side).get(name).map(|entry| &entry.cluster)
    }

    /// Returns the version of a cluster, if the file has it and it can be read.
    pub(super) fn version(&self, side: Side, name: &str) -> Option<ServerVersion> {
        self.side(side).get(name)?.version.proved().copied()
    }

    const fn side(&self, side: Side) -> &IndexMap<String, Entry> {
        match side {
            Side::Source => &self.sources,
            Side::Target => &self.targets,
        }
    }
}

fn proved(entries: &IndexMap<String, Entry>) -> impl Iterator<Item = &Cluster> {
    entries.values().filter_map(|entry| entry.cluster.proved())
}
