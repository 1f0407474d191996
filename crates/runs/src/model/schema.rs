//! The JSON schema of the words that Argo defines.

use argo::{NodePhase, NodeType};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The types that a node can have.
const NODE_TYPES: [NodeType; 8] = [
    NodeType::Pod,
    NodeType::StepGroup,
    NodeType::Steps,
    NodeType::Dag,
    NodeType::TaskGroup,
    NodeType::Retry,
    NodeType::Skipped,
    NodeType::Suspend,
];

/// Returns the schema of a phase.
pub(super) fn phase(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": NodePhase::ALL })
}

/// Returns the schema of a node's type.
pub(super) fn node_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": NODE_TYPES })
}
