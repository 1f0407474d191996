//! A released schema does not change: a file that was valid stays valid.

use std::path::Path;

use anyhow::Result;
use test_machine::hash::sha256_of;

use super::Finding;
use crate::release::ReleasedSchema;

pub(super) fn check(workspace: &Path, released: &[ReleasedSchema]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for ReleasedSchema { path, sha256 } in released {
        let file = workspace.join(path);
        if !file.is_file() {
            findings.push(Finding::of_file(path, "a released schema is missing: restore it"));
        } else if sha256_of(&file)? != *sha256 {
            let message = "a released schema changed: restore it, and make a new version";
            findings.push(Finding::of_file(path, message));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::release::ReleasedSchema;

    #[test]
    fn a_changed_and_a_missing_schema_are_found() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("v1.json"), "abc").unwrap();
        let same = ReleasedSchema {
            path: "v1.json",
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        };
        assert!(check(folder.path(), &[same]).unwrap().is_empty());
        let changed = ReleasedSchema { path: "v1.json", sha256: "00" };
        let missing = ReleasedSchema { path: "v2.json", sha256: "00" };
        assert_eq!(check(folder.path(), &[changed, missing]).unwrap().len(), 2);
    }
}
