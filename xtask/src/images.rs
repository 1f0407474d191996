//! Which images there are, and what each one holds: one a step, with that one program, and the
//! console's, with `workflow`, `console` and a shell to type them in.
//!
//! The programs are linked against the C library itself, not against a file of it, by the gnu
//! target: no second target has to be installed, and its allocator keeps up with many threads,
//! which that of musl does not. Names are resolved by a library of ours, and the trust roots are
//! a file in the image, so that the programs need nothing else there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fs_err as fs;

use crate::commands::build::cargo;
use crate::machine::Machine;
use crate::oci::{self, Content, Image};
use crate::packages;
use crate::shell;

/// Where the shell is that the console's image takes in; Debian's `busybox-static` puts it there.
const BUSYBOX: &str = "/usr/bin/busybox";

/// The archive of an image, and the name that it is known by once it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        image.contents.insert(PathBuf::from(&program), read(&programs.join(&program))?);
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

/// An image with a shell, for pods that only have to be there, and for tests.
pub fn busybox(machine: &Machine, name: &str) -> Result<Image> {
    Ok(Image { name: name.to_owned(), contents: shell(machine)?, ..Image::default() })
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
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", target.replace('-', "_").to_uppercase());
    shell::run(
        cargo(machine)
            .args(["build", "--bins", "--profile", "image", "--target", &target])
            // With a target named, this is not for procedural macros, which cannot be static.
            .env(variable, "-C target-feature=+crt-static"),
    )?;
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(machine.workspace.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.join(target).join("image").into())
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
        image.contents.insert(path, read(&programs.join(program))?);
    }
    image.contents.extend(shell(machine)?);
    Ok(image)
}

/// Busybox under all of its names.
fn shell(machine: &Machine) -> Result<BTreeMap<PathBuf, Content>> {
    if !Path::new(BUSYBOX).is_file() {
        packages::install(machine, &["busybox-static"], "a static busybox")?;
    }
    let mut contents = BTreeMap::from([("bin/busybox".into(), read(Path::new(BUSYBOX))?)]);
    for name in shell::output(Command::new(BUSYBOX).arg("--list"))?.lines() {
        if name != "busybox" {
            contents.insert(Path::new("bin").join(name), Content::Link("busybox".into()));
        }
    }
    Ok(contents)
}

fn read(program: &Path) -> Result<Content> {
    let bytes = fs::read(program)?;
    if needs_loader(&bytes) {
        bail!("`{}` is not static; an image with nothing else cannot run it", program.display());
    }
    Ok(Content::Program(bytes))
}

/// Whether an ELF file names a loader (a program header of type `PT_INTERP`).
///
/// ```text
/// 0x20  u64  where the program headers are
/// 0x36  u16  the size of one
/// 0x38  u16  how many there are; each starts with its type, a u32
/// ```
fn needs_loader(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number =
        |at: usize| Some(usize::from(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?)));
    let headers = || {
        let start = u64::from_le_bytes(elf.get(0x20..0x28)?.try_into().ok()?);
        let start = usize::try_from(start).ok()?;
        let (size, count) = (number(0x36)?, number(0x38)?);
        Some((0..count).filter_map(move |index| {
            let at = start + index * size;
            elf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
        }))
    };
    headers().is_none_or(|mut kinds| kinds.any(|kind| kind == INTERPRETER))
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
    use super::{needs_loader, trust_roots};

    #[test]
    fn a_program_that_needs_a_loader_is_known_by_its_headers() {
        // The test itself is linked as usual.
        let this = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        assert!(needs_loader(&this));
        assert!(needs_loader(b"not a program"));
        // A header without program headers.
        assert!(!needs_loader(&[0; 64]));
    }

    #[test]
    fn the_trust_roots_are_certificates_to_another_reader() {
        let text = trust_roots();
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.len();
        assert!(roots > 100 && text.matches("-----BEGIN").count() == roots);
        assert!(reqwest::Certificate::from_pem_bundle(text.as_bytes()).unwrap().len() == roots);
    }
}
