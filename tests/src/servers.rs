//! Which real servers a test may use. The tests do not start them: `cargo xtask test` does and
//! says where they are, and while you work `cargo xtask servers up` leaves them running.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::{Value, json};
use test_servers::{
    http::{Http, encoded},
    server::{Address, kept::KeptServers},
};

use crate::host;

/// A real server, emptied for one test.
#[derive(Debug)]
pub struct TestServer {
    /// Where it is.
    pub address: Address,
    /// The way to talk to it.
    pub http: Http,
}

impl TestServer {
    /// The server with this short name, such as `es717`, with nothing in it.
    pub fn emptied(name: &str) -> Result<Self> {
        let address =
            all()?.into_iter().find(|address| address.name == name).with_context(|| {
                format!("the server `{name}` does not run; `cargo xtask servers up` starts it")
            })?;
        let server = Self::at(address)?;
        server.empty()?;
        Ok(server)
    }

    /// A server that was started for one test.
    pub fn at(address: Address) -> Result<Self> {
        Ok(Self { http: Http::new(&address.url)?, address })
    }

    /// The snapshot repository's folder as a migration file names it.
    pub fn repository_uri(&self) -> String {
        format!("file://{}", self.address.repository.display())
    }

    /// Removes everything that is in it.
    pub fn empty(&self) -> Result<()> {
        for (repository, _) in self.members("/_snapshot")? {
            let path = format!("/_snapshot/{}", encoded(&repository));
            let listed = self.http.get(&format!("{path}/_all"))?;
            for snapshot in listed["snapshots"].as_array().into_iter().flatten() {
                let name = snapshot["snapshot"].as_str().context("a snapshot has no name")?;
                self.http.delete(&format!("{path}/{}", encoded(name)))?;
            }
            self.http.delete(&path)?;
        }
        for index in self.indices()? {
            self.http.delete(&format!("/{}", encoded(&index)))?;
        }
        for (template, _) in self.members("/_template")? {
            self.http.delete(&format!("/_template/{}", encoded(&template)))?;
        }
        for kind in ["index_template", "component_template"] {
            let listed = self.http.get(&format!("/_{kind}"))?;
            for template in listed[format!("{kind}s")].as_array().into_iter().flatten() {
                let name = template["name"].as_str().context("a template has no name")?;
                self.http.delete(&format!("/_{kind}/{}", encoded(name)))?;
            }
        }
        // What a killed test left behind, which no repository knows any more.
        for entry in fs::read_dir(&self.address.repository)? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        Ok(())
    }

    /// The names of all its indices, hidden ones too.
    pub fn indices(&self) -> Result<BTreeSet<String>> {
        let found = self.members("/_all/_settings?expand_wildcards=all&flat_settings=true")?;
        Ok(found.into_iter().map(|(index, _)| index).collect())
    }

    /// How many documents an index holds.
    pub fn documents(&self, index: &str) -> Result<u64> {
        let path = format!("/{}", encoded(index));
        self.http.post(&format!("{path}/_refresh"), &json!({}))?;
        let counted = self.http.get(&format!("{path}/_count"))?;
        counted["count"].as_u64().context("no count")
    }

    fn members(&self, path: &str) -> Result<serde_json::Map<String, Value>> {
        match self.http.get(path)? {
            Value::Object(members) => Ok(members),
            other => anyhow::bail!("`{path}` was answered with {other}"),
        }
    }
}

/// Every server that runs for the tests.
fn all() -> Result<Vec<Address>> {
    if let Some(list) = std::env::var_os("ARGOSY_TEST_SERVERS") {
        return Ok(serde_json::from_slice(&fs::read(PathBuf::from(list))?)?);
    }
    KeptServers::of_tests(&host::machine()?)?.running()
}
