//! How a test server is configured: its settings file, and its Java options with everything relative
//! made absolute, since the unpacked server stays read only and each node has a folder of its own.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fs_err as fs;

use crate::distribution::{Distribution, Product};

/// One node: which server it is, where it lives and where it listens.
#[derive(Clone, Copy, Debug)]
pub struct NodeConfig<'a> {
    /// The server.
    pub distribution: &'a Distribution,
    /// The folder of the unpacked server.
    pub home: &'a Path,
    /// The node's own folder.
    pub folder: &'a Path,
    /// The address that it answers HTTP at; other nodes would find it on loopback.
    pub host: Ipv4Addr,
    /// The port that it answers HTTP at.
    pub http_port: u16,
    /// Where it would talk to other nodes.
    pub transport_port: u16,
    /// Whether the security module is there, which must then be turned off.
    pub has_security: bool,
    /// Whether the Java runtime has the vector module that newer servers ask for.
    pub has_vectors: bool,
}

impl NodeConfig<'_> {
    /// The folder that the node may write snapshots to.
    pub fn repository(&self) -> PathBuf {
        self.folder.join("repository")
    }

    /// What the node prints.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.join("logs/stdout.log")
    }

    /// The Java options of the node; Elasticsearch 5 takes their place as an argument.
    pub(crate) fn java_options_file(&self) -> PathBuf {
        self.folder.join("config/jvm.options")
    }

    /// What the launcher is called with: Elasticsearch 5 takes its configuration folder from here.
    pub fn arguments(&self) -> Vec<String> {
        let old =
            self.distribution.product == Product::Elasticsearch && self.distribution.major() < 6;
        let folder = self.folder.join("config");
        old.then(|| format!("-Epath.conf={}", folder.display())).into_iter().collect()
    }

    /// Makes the node's folders and writes its configuration.
    pub fn write(&self) -> Result<()> {
        for name in ["config", "data", "logs", "repository", "tmp"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        let config = self.folder.join("config");
        copy_folder(&self.home.join("config"), &config)?;
        let options = self.java_options_file();
        let text = fs::read_to_string(&options).context("the server has no `jvm.options`")?;
        fs::write(options, self.java_options(&text))?;
        let product = self.distribution.product.name();
        fs::write(config.join(format!("{product}.yml")), self.settings())?;
        Ok(())
    }

    /// The node's settings file.
    pub fn settings(&self) -> String {
        let folder = self.folder.display();
        let transport = match (self.distribution.product, self.distribution.major()) {
            (Product::Elasticsearch, 0..=7) | (Product::OpenSearch, 0..=1) => "transport.tcp.port",
            _ => "transport.port",
        };
        let mut lines = vec![
            format!("cluster.name: {}", self.distribution.name),
            format!("node.name: {}", self.distribution.name),
            format!("path.data: {folder}/data"),
            format!("path.logs: {folder}/logs"),
            format!("path.repo: [\"{}\"]", self.repository().display()),
            "network.host: 127.0.0.1".to_owned(),
            format!("http.host: {}", self.host),
            format!("http.port: {}", self.http_port),
            format!("{transport}: {}", self.transport_port),
            "discovery.type: single-node".to_owned(),
            // A test machine's disk is often nearly full, and the node would turn read only.
            "cluster.routing.allocation.disk.threshold_enabled: false".to_owned(),
            "action.destructive_requires_name: false".to_owned(),
        ];
        if self.has_security {
            lines.push("xpack.security.enabled: false".to_owned());
            if self.distribution.major() >= 8 {
                lines.push("xpack.security.enrollment.enabled: false".to_owned());
            }
        }
        lines.join("\n") + "\n"
    }

    /// The Java options of the unpacked server, made to fit this node.
    pub(crate) fn java_options(&self, original: &str) -> String {
        let logs = self.folder.join("logs");
        let logs = logs.display();
        let home = self.home.display();
        original
            .lines()
            .filter(|line| !line.starts_with("-Xms") && !line.starts_with("-Xmx"))
            .filter(|line| self.has_vectors || !line.contains("jdk.incubator.vector"))
            .map(|line| {
                line.replace("logs/gc.log", &format!("{logs}/gc.log"))
                    .replace("file=gc.log", &format!("file={logs}/gc.log"))
                    .replace("logs/hs_err", &format!("{logs}/hs_err"))
                    .replace("=hs_err", &format!("={logs}/hs_err"))
                    .replace("HeapDumpPath=data", &format!("HeapDumpPath={logs}"))
                    .replace("-javaagent:agent/", &format!("-javaagent:{home}/agent/"))
            })
            .fold(String::new(), |text, line| text + &line + "\n")
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, path::Path};

    use super::NodeConfig;
    use crate::distribution::{self, Distribution};

    fn node(distribution: &Distribution) -> NodeConfig<'_> {
        NodeConfig {
            distribution,
            home: Path::new("/dist"),
            folder: Path::new("/run/node"),
            host: Ipv4Addr::LOCALHOST,
            http_port: 9201,
            transport_port: 9301,
            has_security: true,
            has_vectors: false,
        }
    }

    #[test]
    fn the_transport_port_has_the_name_that_each_server_knows() {
        assert!(
            node(&distribution::ELASTICSEARCH_7_17).settings().contains("transport.tcp.port: 9301")
        );
        assert!(node(&distribution::OPENSEARCH_2_19).settings().contains("\ntransport.port: 9301"));
    }

    #[test]
    fn java_options_lose_the_heap_and_what_the_runtime_lacks_and_relative_paths() {
        let original = "-Xms1g\n-Xmx1g\n8:-Xloggc:logs/gc.log\n-XX:HeapDumpPath=data\n\
                        -XX:ErrorFile=logs/hs_err_pid%p.log\n20-:--add-modules=jdk.incubator.vector\n\
                        21-:-javaagent:agent/opensearch-agent.jar\n";
        assert_eq!(
            node(&distribution::OPENSEARCH_3_4).java_options(original),
            "8:-Xloggc:/run/node/logs/gc.log\n-XX:HeapDumpPath=/run/node/logs\n\
             -XX:ErrorFile=/run/node/logs/hs_err_pid%p.log\n\
             21-:-javaagent:/dist/agent/opensearch-agent.jar\n"
        );
    }
}
