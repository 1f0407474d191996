//! Process 1 of the node: lays the ground, starts every part in order, and then collects what
//! ends, until a part of the cluster is among it.
//!
//! ```text
//! etcd, API server, relay to the outside
//! controller manager, scheduler, proxy
//! containerd, its images, kubelet
//! Argo's definitions, accounts and roles, its controller
//! ```

mod argo;
mod ground;
mod keys;
mod parts;
mod relay;

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use fs_err as fs;

use self::keys::{Credential, Keys};
use self::parts::Parts;
use super::tools::Tools;
use super::{ADDRESS, Cluster, Definitions, control_group, control_groups};
use crate::machine::Machine;
use crate::shell;
use crate::terminal::say;

/// The file in the node's folder that appears when everything answers.
pub(super) const READY: &str = "ready";

/// The folder in the node's folder that names the parts which are away on purpose.
pub(super) const AWAY: &str = "away";

/// The folders of which the node has its own; what lies in the machine's is not seen by it.
pub(super) const HIDDEN_FOLDERS: &[&str] = &["/var/lib", "/var/log", "/run"];

/// The address of the API server as a service, and the range that it is from.
const API_SERVICE: &str = "10.96.0.1";
const SERVICES: &str = "10.96.0.0/16";

const ETCD: &str = "http://127.0.0.1:2379";

/// The files that parts read, by their names in the node's folder.
const FILES: &[(&str, &str)] = &[
    ("containerd.toml", include_str!("../../assets/cluster/containerd.toml")),
    ("cni/pods.conflist", include_str!("../../assets/cluster/pods.conflist")),
    ("kubelet.yaml", include_str!("../../assets/cluster/kubelet.yaml")),
    ("proxy.yaml", include_str!("../../assets/cluster/proxy.yaml")),
    ("resolv.conf", ""),
];

struct Node {
    programs: PathBuf,
    images: PathBuf,
    argo_source: PathBuf,
    kubeconfig: PathBuf,
    keys: Keys,
    parts: Parts,
    /// The port of the API: in the node's network the same as outside, so that one kubeconfig
    /// serves in both.
    port: u16,
}

/// Runs the node until a part of it ends. Expects to be process 1 of namespaces of its own, with
/// the socket of the API on `port` of the machine as its standard input.
pub fn run(machine: &Machine, port: u16, definitions: Definitions) -> Result<()> {
    let cluster = Cluster::of(machine)?;
    let folder = cluster.node_folder();
    fs::create_dir_all(&folder)?;
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    control_groups::make(&control_group(port))?;
    ground::mount_own_folders(&folder)?;
    ground::connect(&folder)?;
    let folder = Path::new("/run/node");
    for (name, text) in FILES {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        fs::write(file, text)?;
    }
    let tools = Tools::of(machine)?;
    let mut node = Node {
        programs: tools.programs,
        images: tools.images,
        argo_source: tools.argo_source,
        kubeconfig: folder.join("keys/admin.conf"),
        keys: Keys::new(&folder.join("keys"))?,
        parts: Parts::new(&cluster.folder.join("logs"))?,
        port,
    };
    node.make_keys(&cluster)?;
    node.start_api(listener)?;
    node.start_controllers()?;
    node.start_pods()?;
    argo::install(&node, definitions)?;
    argo::start(&mut node)?;
    let mut ready = node.kubectl();
    ready.args(["wait", "--for", "condition=Ready", "node/node", "--timeout", "1s"]);
    node.parts.wait_until("the node is ready", || shell::output(&mut ready).is_ok())?;
    fs::write(folder.join(READY), "")?;
    say("ready");
    Err(node.parts.until_one_ends(&folder.join(AWAY)))
}

impl Node {
    fn make_keys(&self, cluster: &Cluster) -> Result<()> {
        let own = ADDRESS.to_string();
        let names = ["localhost", "kubernetes.default.svc", "127.0.0.1", API_SERVICE, &own];
        self.keys.sign("kube-apiserver", "kube-apiserver", None, &names)?;
        self.keys.sign("admin", "admin", Some("system:masters"), &[])?;
        self.keys.sign("kubelet", "system:node:node", Some("system:nodes"), &[])?;
        for part in ["kube-controller-manager", "kube-scheduler", "kube-proxy"] {
            self.keys.sign(part, &format!("system:{part}"), None, &[])?;
        }
        for part in ["kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "admin"]
        {
            let file = Path::new("/run/node/keys").join(format!("{part}.conf"));
            self.keys.kubeconfig(&file, self.port, &Credential::Certificate(part))?;
        }
        self.keys.kubeconfig(&cluster.kubeconfig(), self.port, &Credential::Certificate("admin"))
    }

    fn start_api(&mut self, listener: TcpListener) -> Result<()> {
        let etcd = self.command(
            "etcd",
            &["--data-dir=/run/node/etcd", "--unsafe-no-fsync", "--log-level=warn"],
        );
        self.start("etcd", etcd)?;
        let keys = "/run/node/keys";
        let server = self.command(
            "kube-apiserver",
            &[
                &format!("--etcd-servers={ETCD}"),
                &format!("--secure-port={}", self.port),
                &format!("--advertise-address={ADDRESS}"),
                &format!("--service-cluster-ip-range={SERVICES}"),
                &format!("--tls-cert-file={keys}/kube-apiserver.crt"),
                &format!("--tls-private-key-file={keys}/kube-apiserver.key"),
                &format!("--client-ca-file={keys}/authority.crt"),
                &format!("--kubelet-client-certificate={keys}/admin.crt"),
                &format!("--kubelet-client-key={keys}/admin.key"),
                // The node's name is known to nobody who could be asked for its address.
                "--kubelet-preferred-address-types=InternalIP",
                "--service-account-issuer=https://kubernetes.default.svc",
                &format!("--service-account-key-file={keys}/tokens.pub"),
                &format!("--service-account-signing-key-file={keys}/tokens.key"),
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
            ],
        );
        self.start("kube-apiserver", server)?;
        relay::serve(listener, self.port);
        let mut ready = self.kubectl();
        ready.args(["get", "--raw", "/readyz"]);
        self.parts.wait_until("the API server is ready", || shell::output(&mut ready).is_ok())
    }

    fn start_controllers(&mut self) -> Result<()> {
        let keys = "/run/node/keys";
        let manager = self.command(
            "kube-controller-manager",
            &[
                &format!("--kubeconfig={keys}/kube-controller-manager.conf"),
                "--leader-elect=false",
                &format!("--root-ca-file={keys}/authority.crt"),
                &format!("--service-account-private-key-file={keys}/tokens.key"),
                "--use-service-account-credentials",
                "--flex-volume-plugin-dir=/var/lib/kubelet/plugins",
            ],
        );
        self.start("kube-controller-manager", manager)?;
        let scheduler = self.command(
            "kube-scheduler",
            &[&format!("--kubeconfig={keys}/kube-scheduler.conf"), "--leader-elect=false"],
        );
        self.start("kube-scheduler", scheduler)?;
        let proxy = self.command("kube-proxy", &["--config=/run/node/proxy.yaml"]);
        self.start("kube-proxy", proxy)
    }

    fn start_pods(&mut self) -> Result<()> {
        let mut containerd = Command::new("containerd");
        containerd.args(["--config", "/run/node/containerd.toml", "--log-level", "warn"]);
        self.start("containerd", containerd)?;
        let ctr = || {
            let mut command = Command::new("ctr");
            command.args(["--namespace", "k8s.io"]);
            command
        };
        self.parts.wait_until("containerd answers", || {
            shell::output(ctr().args(["images", "list", "--quiet"])).is_ok()
        })?;
        for entry in fs::read_dir(&self.images)? {
            shell::output(ctr().args(["images", "import"]).arg(entry?.path()))?;
        }
        let kubelet = self.command(
            "kubelet",
            &[
                "--config=/run/node/kubelet.yaml",
                "--kubeconfig=/run/node/keys/kubelet.conf",
                &format!("--node-ip={ADDRESS}"),
                "--hostname-override=node",
                &format!("--cgroup-root=/{}", control_group(self.port)),
            ],
        );
        self.start("kubelet", kubelet)
    }

    fn start(&mut self, name: &str, command: Command) -> Result<()> {
        self.parts.start(name, command)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program(name));
        command.args(arguments);
        command
    }

    fn kubectl(&self) -> Command {
        let mut command = Command::new(self.program("kubectl"));
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", "/run/node");
        command
    }
}
