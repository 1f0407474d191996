//! The programs of the cluster: what Debian has of them is installed, the rest is built from
//! Go's module proxy, once for each set of pinned versions.
//!
//! ```text
//! tools/
//!   built        what the rest was built from; written last
//!   programs/    kube, with a link for each name it goes by; argo and its controller
//!   images/      what every node holds: the sandbox of a pod, Argo's executor, a shell
//!   argo/        Argo's module, with its manifests and examples
//!   kube/        the Go module that holds all of Kubernetes
//! ```
//!
//! Kubernetes and Argo are modules of their own, for they want different versions of what they
//! share. From empty caches it takes a quarter of an hour on two cores; Go keeps what it compiled.

use std::{
    fmt::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use images::oci::{Content, Image};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use test_machine::{Machine, hash::hex, packages, shell, terminal::say};

use crate::go;

/// The version of Kubernetes; `go.mod` names it too.
pub(crate) const KUBERNETES: &str = "v1.34.4";

/// The version of Argo Workflows.
pub const ARGO: &str = "v3.7.6";

/// An image with a shell, for tests.
pub const SHELL_IMAGE: &str = "localhost/busybox:1";

pub(crate) const EXECUTOR_IMAGE: &str = "localhost/argoexec:1";

/// Where our change of Argo's manifests is among them.
pub(crate) const OUR_KUSTOMIZATION: &str = "one-node";

/// To be changed with what this file does, so that everything is built again.
const RECIPE: &str = "2";

const SANDBOX_IMAGE: &str = "localhost/sandbox:1";
const ARGO_MODULE: &str = "github.com/argoproj/argo-workflows/v3";
const ARGO_SUM: &str = "h1:w38ykeCH2QH6/n77sx3BmhZyai2tB+rD2qCZfFPRHyQ=";

const KUBE_MODULE: &[(&str, &str)] = &[
    ("go.mod", include_str!("../assets/kube/go.mod")),
    ("go.sum", include_str!("../assets/kube/go.sum")),
    ("main.go", include_str!("../assets/kube/main.go")),
];
const KUSTOMIZATION: &str = include_str!("../assets/kustomization.yaml");

/// The names that `kube` goes by.
const KUBE_LINKS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
];

/// A program, and the Debian package that has it.
const PACKAGES: &[(&str, &str)] = &[
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("busybox", "busybox-static"),
    // For tests of programs on a machine whose clock is wrong.
    ("faketime", "faketime"),
];
/// Where the same package of each Debian puts the plugins for the network of pods.
const NETWORK_PLUGIN: &str = "/usr/lib/cni/bridge";

/// Where everything is once it is built.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The folder of the programs.
    pub programs: PathBuf,
    /// The folder of the archives that every node loads.
    pub images: PathBuf,
    /// Argo's module.
    pub argo_source: PathBuf,
    kube_source: PathBuf,
    stamp: PathBuf,
}

impl Tools {
    /// Where they are, or will be.
    pub(crate) fn of(machine: &Machine) -> Result<Self> {
        let folder = machine.area.folder("cluster/tools")?;
        Ok(Self {
            programs: folder.join("programs"),
            images: folder.join("images"),
            argo_source: folder.join("argo"),
            kube_source: folder.join("kube"),
            stamp: folder.join("built"),
        })
    }

    /// Installs and builds what is missing.
    pub fn set_up(machine: &Machine) -> Result<Self> {
        install_packages(machine)?;
        let tools = Self::of(machine)?;
        let stamp = stamp();
        if fs::read_to_string(&tools.stamp).is_ok_and(|found| found == stamp) {
            return Ok(tools);
        }
        let go = go::set_up(machine)?;
        let started = Instant::now();
        say("building Kubernetes and Argo; the first time this takes a quarter of an hour");
        if tools.stamp.exists() {
            fs::remove_file(&tools.stamp)?;
        }
        fs::create_dir_all(&tools.programs)?;
        tools.build_kube(&go)?;
        tools.build_argo(&go)?;
        tools.write_images(machine)?;
        fs::write(&tools.stamp, stamp)?;
        say(format!("built after {} s", started.elapsed().as_secs()));
        Ok(tools)
    }

    fn build_kube(&self, go: &Path) -> Result<()> {
        fs::create_dir_all(&self.kube_source)?;
        for (name, text) in KUBE_MODULE {
            fs::write(self.kube_source.join(name), text)?;
        }
        let mut flags = String::from("-s -w");
        for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
            // Without it each part takes itself for a version between all others.
            let (major, minor) = major_and_minor(KUBERNETES);
            write!(
                flags,
                " -X {package}.gitVersion={KUBERNETES} -X {package}.gitMajor={major} \
                 -X {package}.gitMinor={minor} -X {package}.gitTreeState=clean"
            )?;
        }
        build(go, &self.kube_source, ".", &flags, &self.programs.join("kube"))?;
        for name in KUBE_LINKS {
            let link = self.programs.join(name);
            if !link.is_symlink() {
                symlink("kube", link)?;
            }
        }
        Ok(())
    }

    fn build_argo(&self, go: &Path) -> Result<()> {
        self.copy_argo(go)?;
        let flags = format!(
            "-s -w -X {ARGO_MODULE}.version={ARGO} -X {ARGO_MODULE}.gitTag={ARGO} \
             -X {ARGO_MODULE}.gitTreeState=clean"
        );
        for program in ["workflow-controller", "argoexec", "argo"] {
            let package = format!("./cmd/{program}");
            build(go, &self.argo_source, &package, &flags, &self.programs.join(program))?;
        }
        Ok(())
    }

    /// Copies Argo's module, with what a module cannot hold put in place.
    fn copy_argo(&self, go: &Path) -> Result<()> {
        let module = format!("{ARGO_MODULE}@{ARGO}");
        let downloaded = shell::output(
            command(go, &self.kube_source).args(["mod", "download", "-json", &module]),
        )?;
        let Downloaded { dir, sum } = serde_json::from_str(&downloaded)?;
        if sum != ARGO_SUM {
            bail!("`{module}` has the sum {sum}, and {ARGO_SUM} is pinned");
        }
        if self.argo_source.exists() {
            fs::remove_dir_all(&self.argo_source)?;
        }
        copy_writable(&dir, &self.argo_source)?;
        // Its server embeds the web interface, which the module does not hold.
        let page = self.argo_source.join("ui/dist/app/index.html");
        fs::create_dir_all(page.parent().context("a page is in a folder")?)?;
        fs::write(page, "This build has no web interface.\n")?;
        // A module holds no links, and this file is one: Linux does as macOS does.
        let osspecific = self.argo_source.join("workflow/executor/osspecific");
        symlink("signal_darwin.go", osspecific.join("signal_linux.go"))?;
        let ours = self.argo_source.join("manifests").join(OUR_KUSTOMIZATION);
        fs::create_dir_all(&ours)?;
        fs::write(ours.join("kustomization.yaml"), KUSTOMIZATION)?;
        Ok(())
    }

    fn write_images(&self, machine: &Machine) -> Result<()> {
        let shell = images::busybox(machine, SHELL_IMAGE)?;
        let sandbox = Image {
            name: SANDBOX_IMAGE.to_owned(),
            // It holds the namespaces of a pod, and has nothing else to do.
            entrypoint: ["/bin/busybox", "sleep", "2147483647"].map(str::to_owned).to_vec(),
            ..shell.clone()
        };
        let executor = Content::Program(fs::read(self.programs.join("argoexec"))?);
        let executor = Image {
            name: EXECUTOR_IMAGE.to_owned(),
            entrypoint: vec!["argoexec".to_owned()],
            // It writes the manifest of a resource into the folder.
            contents: [
                ("bin/argoexec".into(), executor),
                ("tmp".into(), Content::Folder { owner: 0, mode: 0o1777 }),
            ]
            .into(),
            ..Image::default()
        };
        for (name, image) in [("shell", shell), ("sandbox", sandbox), ("argoexec", executor)] {
            image.write(&self.images.join(format!("{name}.tar")))?;
        }
        Ok(())
    }
}

/// What `go mod download -json` says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
    sum: String,
}

/// What everything is built from, as one number.
fn stamp() -> String {
    let mut hash = Sha256::new();
    for text in [RECIPE, KUBERNETES, ARGO_SUM, KUSTOMIZATION] {
        hash.update(text);
    }
    for (_, text) in KUBE_MODULE {
        hash.update(text);
    }
    hex(&hash.finalize())
}

fn major_and_minor(version: &str) -> (&str, &str) {
    let mut parts = version.trim_start_matches('v').split('.');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn install_packages(machine: &Machine) -> Result<()> {
    let mut missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(program, _)| machine.program(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !Path::new(NETWORK_PLUGIN).is_file() {
        missing.push("containernetworking-plugins");
    }
    if missing.is_empty() {
        return Ok(());
    }
    packages::install(machine, &missing, "what the cluster needs of Debian")
}

fn command(go: &Path, folder: &Path) -> Command {
    let mut command = Command::new(go);
    command
        .current_dir(folder)
        // Static, and without the paths of this machine.
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false -trimpath");
    command
}

fn build(go: &Path, folder: &Path, package: &str, flags: &str, program: &Path) -> Result<()> {
    let mut command = command(go, folder);
    command.args(["build", "-ldflags", flags, "-o"]).arg(program).arg(package);
    shell::run_quietly(&mut command)
}

/// Copies a folder of the module cache, where everything is read only.
fn copy_writable(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_writable(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            let mode = fs::metadata(&target)?.permissions().mode();
            fs::set_permissions(&target, std::fs::Permissions::from_mode(mode | 0o200))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{KUBE_MODULE, KUBERNETES};

    #[test]
    fn the_go_module_names_the_version_that_is_pinned_here() {
        let (_, text) = KUBE_MODULE.iter().find(|(name, _)| *name == "go.mod").unwrap();
        assert!(text.contains(&format!("k8s.io/kubernetes {KUBERNETES}\n")));
    }
}
