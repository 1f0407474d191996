//! The setup of most tests: a source with two small indices, an empty target, and the programs.

use anyhow::Result;
use serde_json::json;

use crate::{
    argosy::{Argosy, Done},
    servers::TestServer,
};

/// The indices of the source.
pub const INDICES: [&str; 2] = ["orders-1", "orders-2"];

/// Documents in each of them: few, because the tests are about messages.
pub const DOCUMENTS: u64 = 5;

/// One group with all of them.
pub const ALL: &str = "      - { indices: [\"orders-*\"] }\n";

/// Two servers, and the programs.
#[derive(Debug)]
pub struct ClusterPair {
    /// Holds [`INDICES`].
    pub source: TestServer,
    /// Holds nothing.
    pub target: TestServer,
    /// The programs, with a state of their own.
    pub argosy: Argosy,
}

impl ClusterPair {
    /// Empties the servers and fills the source.
    pub fn emptied() -> Result<Self> {
        let source = TestServer::emptied("es717")?;
        let target = TestServer::emptied("os219")?;
        for index in INDICES {
            create_index(&source, index)?;
        }
        Ok(Self { source, target, argosy: Argosy::new()? })
    }

    /// A migration file of these groups.
    pub fn file(&self, groups: &str) -> String {
        self.file_to("new", groups)
    }

    /// A migration file whose target has another name, which makes it another migration.
    pub fn file_to(&self, target: &str, groups: &str) -> String {
        format!(
            "sourceClusters:\n  old:\n    endpoint: {}\n    snapshotRepo: {{ repoPathUri: \
             \"{}\" }}\ntargetClusters:\n  {target}: {{ endpoint: {} }}\nmigrations:\n  - \
             sourceCluster: old\n    targetCluster: {target}\n    snapshotMigrations:\n{groups}",
            self.source.address.url,
            self.source.repository_uri(),
            self.target.address.url,
        )
    }

    /// Runs a migration of these groups to its end.
    pub fn migrate(&self, groups: &str) -> Result<Done> {
        self.migrate_file(&self.file(groups))
    }

    /// Runs the migration of this text to its end.
    pub fn migrate_file(&self, text: &str) -> Result<Done> {
        self.argosy.migrate(&self.argosy.write("migration.yaml", text)?)
    }
}

/// Makes an index with [`DOCUMENTS`] documents.
pub fn create_index(server: &TestServer, index: &str) -> Result<()> {
    for number in 0..DOCUMENTS {
        let path = format!("/{index}/_doc/{number}?refresh=true");
        server.http.put(&path, &json!({ "number": number, "word": "blackberry" }))?;
    }
    Ok(())
}
