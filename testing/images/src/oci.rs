//! How an image is written as an OCI archive, without a container engine, and with the same bytes
//! whenever and wherever the same files go in.
//!
//! ```text
//! NAME.tar
//!   oci-layout            {"imageLayoutVersion":"1.0.0"}
//!   index.json            the manifest's digest and the image's name
//!   blobs/sha256/DIGEST   the manifest: digests of the configuration and of the layer
//!   blobs/sha256/DIGEST   the configuration: entrypoint, user, variables, the layer's digest
//!   blobs/sha256/DIGEST   the layer: a tar of the files, not compressed (what pushes it does that)
//! ```
//!
//! Times are zero and owners are numbers, so an archive says nothing about who wrote it and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use test_machine::hash::hex;

/// The user that every image of ours runs as: no user of the host, and not root.
pub const USER: u32 = 65_532;

/// An image with one layer.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Its name with registry and tag.
    pub name: String,
    /// What runs when a pod says nothing else.
    pub entrypoint: Vec<String>,
    /// Variables of the environment, beside `PATH`.
    pub variables: BTreeMap<String, String>,
    /// The user's number; `None` is root.
    pub user: Option<u32>,
    /// What it holds, by path from the top. Folders on the way are made.
    pub contents: BTreeMap<PathBuf, Content>,
}

/// What an image has at a path.
#[derive(Clone, Debug)]
pub enum Content {
    /// A program or other file that may be run.
    Program(Vec<u8>),
    /// A file that is only read.
    File(Vec<u8>),
    /// A folder of this owner, with this mode.
    Folder {
        /// The owner's number.
        owner: u32,
        /// The permission bits.
        mode: u32,
    },
    /// A symbolic link to this place.
    Link(PathBuf),
}

impl Image {
    /// Writes the archive; a reader of the old file is not disturbed.
    pub fn write(&self, archive: &Path) -> Result<()> {
        let folder = archive.parent().context("an archive is in a folder")?;
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        self.write_to(&mut file)?;
        // A temporary file is for its owner only.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.persist(archive)?;
        Ok(())
    }

    fn write_to(&self, out: impl Write) -> Result<()> {
        let layer = self.layer()?;
        let layer_digest = digest(&layer);
        let config = serde_json::to_vec(&self.config(&layer_digest))?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        }))?;
        let mut described = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        let tag = self.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        described["annotations"] = json!({
            "io.containerd.image.name": self.name,
            "org.opencontainers.image.ref.name": tag,
        });
        let index = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [described],
        }))?;
        let mut archive = Builder::new(out);
        let mut put = |path: &str, bytes: &[u8]| {
            let mut header = header(EntryType::Regular, 0o644, 0, bytes.len());
            archive.append_data(&mut header, path, bytes)
        };
        put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        put("index.json", &index)?;
        for blob in [&manifest, &config, &layer] {
            put(&format!("blobs/sha256/{}", digest(blob)), blob)?;
        }
        archive.into_inner()?.flush()?;
        Ok(())
    }

    /// The files, as a tar: folders before what is in them, all in the order of their paths.
    fn layer(&self) -> Result<Vec<u8>> {
        let named: BTreeSet<&Path> = self.contents.keys().map(PathBuf::as_path).collect();
        let on_the_way: BTreeSet<&Path> = named
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .filter(|path| !path.as_os_str().is_empty() && !named.contains(path))
            .collect();
        let mut layer = Builder::new(Vec::new());
        for path in named.union(&on_the_way) {
            match self.contents.get(*path) {
                None => {
                    let mut header = header(EntryType::Directory, 0o755, 0, 0);
                    layer.append_data(&mut header, path, std::io::empty())?;
                }
                Some(Content::Folder { owner, mode }) => {
                    let mut header = header(EntryType::Directory, *mode, *owner, 0);
                    layer.append_data(&mut header, path, std::io::empty())?;
                }
                Some(Content::Program(bytes)) => {
                    let mut header = header(EntryType::Regular, 0o755, 0, bytes.len());
                    layer.append_data(&mut header, path, bytes.as_slice())?;
                }
                Some(Content::File(bytes)) => {
                    let mut header = header(EntryType::Regular, 0o644, 0, bytes.len());
                    layer.append_data(&mut header, path, bytes.as_slice())?;
                }
                Some(Content::Link(target)) => {
                    let mut header = header(EntryType::Symlink, 0o777, 0, 0);
                    layer.append_link(&mut header, path, target)?;
                }
            }
        }
        Ok(layer.into_inner()?)
    }

    fn config(&self, layer_digest: &str) -> Value {
        let path = ("PATH", "/usr/bin:/bin");
        let others = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let variables: Vec<String> = std::iter::once(path)
            .chain(others)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut config = json!({ "Entrypoint": self.entrypoint, "Env": variables });
        if let Some(user) = self.user {
            config["User"] = json!(format!("{user}:{user}"));
        }
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        })
    }
}

fn header(kind: EntryType, mode: u32, owner: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.into());
    header.set_gid(owner.into());
    header.set_mtime(0);
    header.set_size(size as u64);
    header
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    let digest = format!("sha256:{}", digest(bytes));
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

/// This machine's architecture as images call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Read as _, path::PathBuf};

    use serde_json::Value;

    use super::{Content, Image, digest};

    fn image() -> Image {
        Image {
            name: "localhost/argosy-test:1".to_owned(),
            entrypoint: vec!["/bin/test".to_owned()],
            user: Some(super::USER),
            contents: BTreeMap::from([
                (PathBuf::from("bin/test"), Content::Program(b"program".to_vec())),
                (PathBuf::from("bin/link"), Content::Link(PathBuf::from("test"))),
                (PathBuf::from("tmp"), Content::Folder { owner: 0, mode: 0o1777 }),
            ]),
            ..Image::default()
        }
    }

    fn written(image: &Image) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut bytes).unwrap();
        bytes
    }

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
        files
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        assert_eq!(written(&image()), written(&image()));
    }

    #[test]
    fn every_digest_leads_to_a_blob_with_that_digest() {
        let files = files(&written(&image()));
        let blob = |descriptor: &Value| {
            let (_, name) = descriptor["digest"].as_str().unwrap().split_once(':').unwrap();
            let bytes = &files[&format!("blobs/sha256/{name}")];
            assert_eq!(digest(bytes), name);
            assert_eq!(descriptor["size"], bytes.len());
            bytes.clone()
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        let layer = self::files(&blob(&manifest["layers"][0]));
        assert_eq!(layer.keys().collect::<Vec<_>>(), ["bin", "bin/link", "bin/test", "tmp"]);
        assert_eq!(layer["bin/test"], b"program");
    }
}
