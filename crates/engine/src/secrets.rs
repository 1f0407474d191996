//! Which secrets may the processes of a run see? Files that only the user can read.
//!
//! ```text
//! secrets/            0700
//!   <name>/           0700   a Secret
//!     <key>           0600   one entry: its value, byte for byte
//! ```

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use thiserror::Error;

/// The folder of secrets.
#[derive(Clone, Debug)]
pub struct Secrets {
    folder: PathBuf,
}

/// A secret that cannot be read or written.
#[derive(Debug, Error)]
pub enum SecretError {
    /// A name that could leave the folder.
    #[error("`{0}` cannot be the name of a secret; use letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// The secret does not exist.
    #[error(
        "there is no secret `{0}`; create it with `workflow configure credentials create {0}`, \
         then run `workflow resume`"
    )]
    NoSecret(String),
    /// The secret has no such entry.
    #[error(
        "secret `{name}` has no entry `{key}`; add it with `workflow configure credentials update \
         {name}`, then run `workflow resume`"
    )]
    Missing {
        /// The secret.
        name: String,
        /// The entry.
        key: String,
    },
    /// The entry is not text.
    #[error("entry `{key}` of secret `{name}` is not UTF-8 text and cannot be a variable")]
    NotText {
        /// The secret.
        name: String,
        /// The entry.
        key: String,
    },
    /// The file system.
    #[error("the folder of secrets cannot be used")]
    Files(#[from] io::Error),
}

impl Secrets {
    /// Uses a folder, which is created when the first secret is written.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Writes an entry; an older value is replaced atomically.
    pub fn write(&self, name: &str, key: &str, value: &[u8]) -> Result<(), SecretError> {
        let path = self.path(name, key)?;
        private_folder(&self.folder)?;
        private_folder(&self.folder.join(name))?;
        let beside = path.with_file_name(format!(".{key}.new"));
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        let mut file = fs::OpenOptions::from_options(options).open(&beside)?;
        file.write_all(value)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        Ok(())
    }

    /// Reads an entry as text.
    pub fn read(&self, name: &str, key: &str) -> Result<String, SecretError> {
        let path = self.path(name, key)?;
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                SecretError::Missing { name: name.to_owned(), key: key.to_owned() }
            }
            _ => error.into(),
        })?;
        String::from_utf8(bytes)
            .map_err(|_| SecretError::NotText { name: name.to_owned(), key: key.to_owned() })
    }

    /// Reads all entries of a secret.
    pub fn read_all(&self, name: &str) -> Result<BTreeMap<String, String>, SecretError> {
        check(name)?;
        let folder = self.folder.join(name);
        if !folder.is_dir() {
            return Err(SecretError::NoSecret(name.to_owned()));
        }
        names_in(&folder)?
            .into_iter()
            .map(|key| Ok((key.clone(), self.read(name, &key)?)))
            .collect()
    }

    /// Returns the names of the secrets and of their entries, in order.
    pub fn list(&self) -> Result<Vec<(String, Vec<String>)>, SecretError> {
        let mut secrets = Vec::new();
        for name in names_in(&self.folder)? {
            let keys = names_in(&self.folder.join(&name))?;
            secrets.push((name, keys));
        }
        Ok(secrets)
    }

    /// Removes a secret with all its entries; returns whether it existed.
    pub fn remove(&self, name: &str) -> Result<bool, SecretError> {
        check(name)?;
        match fs::remove_dir_all(self.folder.join(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn path(&self, name: &str, key: &str) -> Result<PathBuf, SecretError> {
        check(name)?;
        check(key)?;
        Ok(self.folder.join(name).join(key))
    }
}

/// Refuses names that are not a single, visible part of a path.
fn check(name: &str) -> Result<(), SecretError> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        return Err(SecretError::Name(name.to_owned()));
    }
    Ok(())
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path)
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_entry_is_for_the_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let secrets = Secrets::in_folder(folder.path().join("secrets"));
        secrets.write("source", "password", b"first").expect("written");
        secrets.write("source", "password", "zażółć\n".as_bytes()).expect("written again");
        assert_eq!(secrets.read("source", "password").expect("read"), "zażółć\n");
        let mode = |path: &str| {
            let path = folder.path().join("secrets").join(path);
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!((mode(""), mode("source"), mode("source/password")), (0o700, 0o700, 0o600));
        let entries = secrets.read_all("source").expect("read");
        assert_eq!(entries, [("password".to_owned(), "zażółć\n".to_owned())].into());
        let listed = secrets.list().expect("listed");
        assert_eq!(listed, [("source".to_owned(), vec!["password".to_owned()])]);
        assert!(secrets.remove("source").expect("removed"));
        assert!(matches!(secrets.read("source", "password"), Err(SecretError::Missing { .. })));
        assert!(matches!(secrets.read_all("source"), Err(SecretError::NoSecret(_))));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let secrets = Secrets::in_folder("/nowhere");
        for name in ["..", ".", "", "a/b", "../a", ".hidden", "a\0b"] {
            assert!(matches!(secrets.read(name, "key"), Err(SecretError::Name(_))), "{name}");
            assert!(matches!(secrets.read("a", name), Err(SecretError::Name(_))), "{name}");
        }
    }
}
