//! What is proved of a migration from a snapshot?

use contract::{Group, MetadataChoices, fleet::WorkerLimits, verify::VerifyMode};

use super::repository::SourceRepository;
use crate::{clusters::proved::Cluster, kinds::gate::GateSpec, pointer::Pointer};

/// Groups that go from one source to one target.
#[derive(Debug)]
pub(crate) struct Migration {
    pub name: String,
    pub source_name: String,
    /// Absent when the snapshot exists and the source is not needed.
    pub source: Option<Cluster>,
    pub target: Cluster,
    pub repository: SourceRepository,
    pub groups: Vec<GroupConfig>,
}

/// A group and what is done with it.
#[derive(Debug)]
pub(crate) struct GroupConfig {
    /// Its place in the file.
    pub path: Pointer,
    pub group: Group,
    /// What the user wants of templates, settings, mappings and aliases; absent when they are not
    /// migrated.
    pub metadata: Option<MetadataChoices>,
    pub documents: Option<Documents>,
    /// The gates that wait for a person.
    pub gates: Vec<&'static GateSpec>,
}

/// How the documents of a group are migrated.
#[derive(Debug)]
pub(crate) struct Documents {
    pub workers: u32,
    pub limits: WorkerLimits,
    pub allowed_rejections: u64,
    pub allow_partial_source: bool,
    pub verify: VerifyMode,
}
