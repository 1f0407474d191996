//! Busybox: the shell of the console's image, and an image of its own for tests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use test_machine::{Machine, packages, shell};

use crate::{
    oci::{Content, Image},
    program,
};

/// Where the shell is that the console's image takes in; Debian's `busybox-static` puts it there.
const BUSYBOX: &str = "/usr/bin/busybox";

/// An image with a shell, for pods that only have to be there, and for tests.
pub fn busybox(machine: &Machine, name: &str) -> Result<Image> {
    Ok(Image { name: name.to_owned(), contents: contents(machine)?, ..Image::default() })
}

/// Busybox under all of its names.
pub(crate) fn contents(machine: &Machine) -> Result<BTreeMap<PathBuf, Content>> {
    if !Path::new(BUSYBOX).is_file() {
        packages::install(machine, &["busybox-static"], "a static busybox")?;
    }
    let mut contents = BTreeMap::from([("bin/busybox".into(), program::read(Path::new(BUSYBOX))?)]);
    for name in shell::output(Command::new(BUSYBOX).arg("--list"))?.lines() {
        if name != "busybox" {
            contents.insert(Path::new("bin").join(name), Content::Link("busybox".into()));
        }
    }
    Ok(contents)
}
