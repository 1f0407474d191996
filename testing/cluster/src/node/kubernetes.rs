//! The parts of Kubernetes on the node: keys, then etcd and the API server, then the controllers,
//! then what runs pods.

use std::{net::TcpListener, path::Path, process::Command};

use anyhow::Result;
use fs_err as fs;
use test_machine::shell;

use super::{context::Node, keys::Credential, relay};
use crate::layout::{ADDRESS, control_group};

/// The address of the API server as a service, and the range that it is from.
const API_SERVICE: &str = "10.96.0.1";
const SERVICES: &str = "10.96.0.0/16";

const ETCD: &str = "http://127.0.0.1:2379";

impl Node {
    pub(super) fn make_keys(&self, admin: &Path) -> Result<()> {
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
        self.keys.kubeconfig(admin, self.port, &Credential::Certificate("admin"))
    }

    pub(super) fn start_api(&mut self, listener: TcpListener) -> Result<()> {
        let etcd = self.command(
            "etcd",
            &["--data-dir=/run/node/etcd", "--unsafe-no-fsync", "--log-level=warn"],
        );
        self.parts.start("etcd", etcd)?;
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
                // No name server knows the node's name.
                "--kubelet-preferred-address-types=InternalIP",
                "--service-account-issuer=https://kubernetes.default.svc",
                &format!("--service-account-key-file={keys}/tokens.pub"),
                &format!("--service-account-signing-key-file={keys}/tokens.key"),
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
            ],
        );
        self.parts.start("kube-apiserver", server)?;
        relay::serve(listener, self.port);
        let mut ready = self.kubectl();
        ready.args(["get", "--raw", "/readyz"]);
        self.parts.wait_until("the API server is ready", || shell::output(&mut ready).is_ok())
    }

    pub(super) fn start_controllers(&mut self) -> Result<()> {
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
        self.parts.start("kube-controller-manager", manager)?;
        let scheduler = self.command(
            "kube-scheduler",
            &[&format!("--kubeconfig={keys}/kube-scheduler.conf"), "--leader-elect=false"],
        );
        self.parts.start("kube-scheduler", scheduler)?;
        let proxy = self.command("kube-proxy", &["--config=/run/node/proxy.yaml"]);
        self.parts.start("kube-proxy", proxy)
    }

    pub(super) fn start_pods(&mut self) -> Result<()> {
        let mut containerd = Command::new("containerd");
        containerd.args(["--config", "/run/node/containerd.toml", "--log-level", "warn"]);
        self.parts.start("containerd", containerd)?;
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
        self.parts.start("kubelet", kubelet)
    }
}
