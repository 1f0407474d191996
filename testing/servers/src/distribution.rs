//! Which real servers the tests and the demo run, and how an unpacked one comes here.
//!
//! The integration-test archives on Maven's registry are complete servers without plugins: they
//! index, search, snapshot and restore.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use test_machine::{Machine, terminal};

use crate::{
    java::JavaVersion,
    maven::{self, Artifact},
};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

impl Product {
    /// The product's name in archives, folders and executables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::OpenSearch => "opensearch",
        }
    }

    /// The start of the names of the environment variables that its launcher reads.
    pub(crate) fn variable_prefix(self) -> &'static str {
        match self {
            Self::Elasticsearch => "ES",
            Self::OpenSearch => "OPENSEARCH",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Elasticsearch => "org.elasticsearch.distribution.integ-test-zip",
            Self::OpenSearch => "org.opensearch.distribution.integ-test-zip",
        }
    }
}

/// A server's release: where its archive is and what runs it.
#[derive(Clone, Copy, Debug)]
pub struct Distribution {
    /// The short name that commands take, such as `es717`.
    pub name: &'static str,
    /// Whose server it is.
    pub product: Product,
    /// Its version.
    pub version: &'static str,
    /// The Java that it runs on.
    pub java: JavaVersion,
    sha256: &'static str,
}

/// Elasticsearch 7.10.2: the last one under the Apache licence, which many clusters stayed at.
pub const ELASTICSEARCH_7_10: Distribution = Distribution {
    name: "es710",
    product: Product::Elasticsearch,
    version: "7.10.2",
    java: JavaVersion::Eleven,
    sha256: "38a4232a9b8506235c8a2b6a24cdf3732b2c2aa4b8026c89063e038a610c9f4c",
};

/// Elasticsearch 7.17.29, which runs on the Java that Debian ships.
pub const ELASTICSEARCH_7_17: Distribution = Distribution {
    name: "es717",
    product: Product::Elasticsearch,
    version: "7.17.29",
    java: JavaVersion::Seventeen,
    sha256: "841ee00be1a72ba8e707b5a2fb55f23fe7a4184369b4585393238b1c903eedaf",
};

/// OpenSearch 2.19.4, which runs on the Java that Debian ships.
pub const OPENSEARCH_2_19: Distribution = Distribution {
    name: "os219",
    product: Product::OpenSearch,
    version: "2.19.4",
    java: JavaVersion::Seventeen,
    sha256: "3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406",
};

/// OpenSearch 3.4.0.
pub const OPENSEARCH_3_4: Distribution = Distribution {
    name: "os34",
    product: Product::OpenSearch,
    version: "3.4.0",
    java: JavaVersion::TwentyOneOrNewer,
    sha256: "6540e95fe8bfaedc3eb1c58e829912ea2203af2ac1f88f76411c20a2fc5254a6",
};

/// Elasticsearch 5.6.16, of Lucene 6.6: several mapping types in one index.
pub const ELASTICSEARCH_5_6: Distribution = Distribution {
    name: "es56",
    product: Product::Elasticsearch,
    version: "5.6.16",
    java: JavaVersion::Eleven,
    sha256: "983eada4466d18259a69ebf7cf6a219431b5acc8dc8c1e8258ee8fcf466653c4",
};

/// Elasticsearch 6.2.4, of Lucene 7.2: before soft deletes.
pub const ELASTICSEARCH_6_2: Distribution = Distribution {
    name: "es62",
    product: Product::Elasticsearch,
    version: "6.2.4",
    java: JavaVersion::Eleven,
    sha256: "598a732beccd2a21b2e506b0072b4225718aeb01e883cfe0497f4bf53bf35189",
};

/// Elasticsearch 6.5.4, of Lucene 7.5: the first with soft deletes.
pub const ELASTICSEARCH_6_5: Distribution = Distribution {
    name: "es65",
    product: Product::Elasticsearch,
    version: "6.5.4",
    java: JavaVersion::Eleven,
    sha256: "d572d5e108088c69d9a8f637caaa8f9619c5a06819e3e61bbf2a3462f9c441df",
};

/// Elasticsearch 6.8.23, of Lucene 7.7: soft deletes where an index asks for them.
pub const ELASTICSEARCH_6_8: Distribution = Distribution {
    name: "es68",
    product: Product::Elasticsearch,
    version: "6.8.23",
    java: JavaVersion::Eleven,
    sha256: "d0499f7103d10c16c4cb575a796a509578053f21130979eda5745968f28b9928",
};

/// Elasticsearch 7.3.2, of Lucene 8.1: the last layout of stored fields before Lucene 8.5.
pub const ELASTICSEARCH_7_3: Distribution = Distribution {
    name: "es73",
    product: Product::Elasticsearch,
    version: "7.3.2",
    java: JavaVersion::Eleven,
    sha256: "f335cac2812e98ce34a59282cd9db6d78da50ac60c00337a2fc1aa0b48739079",
};

/// Elasticsearch 7.8.1, of Lucene 8.5: the index of stored fields has a file of its own.
pub const ELASTICSEARCH_7_8: Distribution = Distribution {
    name: "es78",
    product: Product::Elasticsearch,
    version: "7.8.1",
    java: JavaVersion::Eleven,
    sha256: "96a1761b1506f1037f32c2c6551dc697080a6bcd98c7625018a0cf852e2851a0",
};

/// Elasticsearch 7.9.3, of Lucene 8.6: the size of chunks has moved there.
pub const ELASTICSEARCH_7_9: Distribution = Distribution {
    name: "es79",
    product: Product::Elasticsearch,
    version: "7.9.3",
    java: JavaVersion::Eleven,
    sha256: "c95d06ccfc1e1f569710b571c0acb6ee2a03f0fb643a9f84bfa2f13e1a152e62",
};

/// Elasticsearch 8.0.0, of Lucene 9.0: numbers are little-endian from here on.
pub const ELASTICSEARCH_8_0: Distribution = Distribution {
    name: "es80",
    product: Product::Elasticsearch,
    version: "8.0.0",
    java: JavaVersion::Seventeen,
    sha256: "aa33d3c68612fd364c16c3d8da6f7017577faa9ba14731a560622a66b1b94238",
};

/// Elasticsearch 8.7.1, of Lucene 9.5.
pub const ELASTICSEARCH_8_7: Distribution = Distribution {
    name: "es87",
    product: Product::Elasticsearch,
    version: "8.7.1",
    java: JavaVersion::Seventeen,
    sha256: "b04ed46176cd43d6f717aa69c9864bd8af4ac9c35bc3294b0cbeacdb42c5168f",
};

/// Elasticsearch 9.2.0, of Lucene 10.3.
pub const ELASTICSEARCH_9_2: Distribution = Distribution {
    name: "es92",
    product: Product::Elasticsearch,
    version: "9.2.0",
    java: JavaVersion::TwentyOneOrNewer,
    sha256: "bf44938a0490ba2a303d39c9cb64b38963dd08c812ce93e10816e878585bcb6b",
};

/// OpenSearch 1.3.20, of Lucene 8.10.
pub const OPENSEARCH_1_3: Distribution = Distribution {
    name: "os13",
    product: Product::OpenSearch,
    version: "1.3.20",
    java: JavaVersion::Eleven,
    sha256: "031e0cdcd14c7a5b9907dff8050fff76c7c2892c7313ea83c4a0bfbaae9265e3",
};

/// Every server that the commands know.
pub const ALL: [Distribution; 4] =
    [ELASTICSEARCH_7_10, ELASTICSEARCH_7_17, OPENSEARCH_2_19, OPENSEARCH_3_4];

/// The server with this short name.
pub fn by_name(name: &str) -> Result<Distribution> {
    ALL.into_iter().find(|known| known.name == name).with_context(|| {
        let names = ALL.map(|known| known.name).join("`, `");
        format!("no server is called `{name}`; known are `{names}`")
    })
}

impl Distribution {
    /// The release's major version.
    pub fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// The folder of the unpacked server, fetched and unpacked if it is not here yet.
    pub fn unpacked(&self, machine: &Machine) -> Result<PathBuf> {
        let Self { name: _, product, version, java: _, sha256 } = *self;
        let folder_name = format!("{}-{version}", product.name());
        let distributions = machine.area.folder("distributions")?;
        let home = distributions.join(&folder_name);
        if home.is_dir() {
            return Ok(home);
        }
        terminal::say(format!("fetching {} {version}", product.name()));
        let artifact = Artifact {
            group: product.group(),
            name: product.name(),
            version,
            packaging: "zip",
            sha256,
        };
        let archive = maven::fetch(machine, &artifact)?;
        // Unpacked beside its place and moved there at the end: a killed run leaves no half server.
        let unfinished = tempfile::tempdir_in(&distributions)?;
        unpack(&archive, unfinished.path())?;
        let unpacked = unfinished.path().join(&folder_name);
        if !unpacked.is_dir() {
            bail!("`{}` does not hold the folder `{folder_name}`", archive.display());
        }
        if !home.is_dir() {
            fs::rename(&unpacked, &home)?;
        }
        Ok(home)
    }
}

fn unpack(archive: &Path, into: &Path) -> Result<()> {
    let mut zip = zip::ZipArchive::new(fs::File::open(archive)?)
        .with_context(|| format!("`{}` is not a zip archive", archive.display()))?;
    zip.extract(into).with_context(|| format!("cannot unpack `{}`", archive.display()))
}

#[cfg(test)]
mod tests {
    use super::{ALL, by_name};

    #[test]
    fn every_server_is_found_by_its_name_and_an_unknown_name_lists_them() {
        for known in ALL {
            assert_eq!(by_name(known.name).unwrap().version, known.version);
        }
        assert!(by_name("es9").unwrap_err().to_string().contains("`es710`, `es717`"));
    }
}
