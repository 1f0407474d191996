//! Which images there are, and what each one holds: one a step, with that one program, and the
//! console's, with `workflow`, `console` and a shell to type them in.
//!
//! The programs are linked against the C library itself, not against a file of it, by the gnu
//! target: no second target has to be installed, and its allocator keeps up with many threads,
//! which that of musl does not. Names are resolved by a library of ours, and the trust roots are
//! a file in the image, so that the programs need nothing else there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use fs_err as fs;
use test_machine::{Machine, programs::target_folder, shell::run};

use crate::{
    oci::{self, Content, Image},
    program, shell,
};

/// The archive of an image, and the name that it is known by once it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `REGISTRY/argosy-STEP:TAG`.
    pub name: String,
    /// The OCI archive.
    pub file: PathBuf,
}

/// Builds the programs and writes the archive of every image into a folder.
pub fn write_all(
    machine: &Machine,
    registry: &str,
    tag: &str,
    folder: &Path,
) -> Result<Vec<Archive>> {
    let programs = build(machine)?;
    let mut images = Vec::new();
    for step in steps(machine)? {
        let program = format!("argosy-{step}");
        let mut image = base(format!("{registry}/{program}:{tag}"));
        image.entrypoint = vec![format!("/{program}")];
        image.contents.insert(PathBuf::from(&program), program::read(&programs.join(&program))?);
        images.push((program, image));
    }
    let console = console(machine, format!("{registry}/argosy-console:{tag}"), &programs)?;
    images.push(("argosy-console".to_owned(), console));

    let mut archives = Vec::new();
    for (program, image) in images {
        let file = folder.join(format!("{program}.tar"));
        image.write(&file)?;
        archives.push(Archive { name: image.name, file });
    }
    Ok(archives)
}

/// The steps: the folders of `step-images`.
pub fn steps(machine: &Machine) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(machine.workspace.join("step-images"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            steps.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    steps.sort();
    Ok(steps)
}

/// Builds every program, each in one file; returns where they are.
fn build(machine: &Machine) -> Result<PathBuf> {
    run(&mut build_command(machine))?;
    Ok(target_folder(machine)?.join(target()).join("image"))
}

/// The command that builds the programs of all images.
pub fn build_command(machine: &Machine) -> Command {
    let target = target();
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", target.replace('-', "_").to_uppercase());
    let mut command = machine.cargo();
    command
        .args(["build", "--bins", "--profile", "image", "--target", &target])
        // With a target named, this is not for procedural macros, which cannot be static.
        .env(variable, "-C target-feature=+crt-static");
    command
}

fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// What all images of ours hold: trust roots, a name for the user, a place for files that pass.
fn base(name: String) -> Image {
    let user = oci::USER;
    let passwd = format!("root:x:0:0::/:\nargosy:x:{user}:{user}::/home/argosy:/bin/sh\n");
    let group = format!("root:x:0:\nargosy:x:{user}:\n");
    Image {
        name,
        user: Some(user),
        variables: BTreeMap::from([("HOME".to_owned(), "/home/argosy".to_owned())]),
        contents: BTreeMap::from([
            ("etc/passwd".into(), Content::File(passwd.into_bytes())),
            ("etc/group".into(), Content::File(group.into_bytes())),
            ("etc/ssl/certs/ca-certificates.crt".into(), Content::File(trust_roots().into_bytes())),
            ("home/argosy".into(), Content::Folder { owner: user, mode: 0o755 }),
            ("tmp".into(), Content::Folder { owner: 0, mode: 0o1777 }),
        ]),
        ..Image::default()
    }
}

fn console(machine: &Machine, name: String, programs: &Path) -> Result<Image> {
    let mut image = base(name);
    image.entrypoint = vec!["/bin/sh".to_owned()];
    for program in ["workflow", "console"] {
        let path = Path::new("usr/bin").join(program);
        image.contents.insert(path, program::read(&programs.join(program))?);
    }
    image.contents.extend(shell::contents(machine)?);
    Ok(image)
}

/// The certificates that browsers trust, as the file that programs look for.
fn trust_roots() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in STANDARD.encode(certificate).as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::trust_roots;

    #[test]
    fn the_trust_roots_are_certificates_to_another_reader() {
        let text = trust_roots();
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.len();
        assert!(roots > 100 && text.matches("-----BEGIN").count() == roots);
        assert!(reqwest::Certificate::from_pem_bundle(text.as_bytes()).unwrap().len() == roots);
    }
}
