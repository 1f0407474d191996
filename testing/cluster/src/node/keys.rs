//! Who is who in the cluster: an authority of its own, a certificate for each part, and the
//! kubeconfigs that hold them. Made again for each start, and of no use after it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use fs_err as fs;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use serde_json::{Value, json};

/// The folder of all keys, and the authority that signs them.
pub(super) struct Keys {
    folder: PathBuf,
    authority: Issuer<'static, KeyPair>,
    authority_pem: String,
}

/// How a client shows who it is.
pub(super) enum Credential<'a> {
    /// By the certificate of this name.
    Certificate(&'a str),
    /// By a token of a service account.
    Token(&'a str),
}

impl Keys {
    /// Makes the authority, and the key that signs the tokens of service accounts.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = named(&[(DnType::CommonName, "kubernetes")]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let authority_pem = params.self_signed(&key)?.pem();
        fs::write(folder.join("authority.crt"), &authority_pem)?;
        let tokens = KeyPair::generate()?;
        fs::write(folder.join("tokens.key"), tokens.serialize_pem())?;
        fs::write(folder.join("tokens.pub"), tokens.public_key_pem())?;
        let authority = Issuer::new(params, key);
        Ok(Self { folder: folder.to_path_buf(), authority, authority_pem })
    }

    /// Writes `FILE.crt` and `FILE.key` for a user or part with a name, in an organisation, at these
    /// addresses.
    pub(super) fn sign(
        &self,
        file: &str,
        name: &str,
        organisation: Option<&str>,
        addresses: &[&str],
    ) -> Result<()> {
        let addresses: Vec<String> = addresses.iter().map(|&address| address.to_owned()).collect();
        let mut params = CertificateParams::new(addresses)?;
        let organisation = organisation.map(|value| (DnType::OrganizationName, value));
        let subject: Vec<_> =
            organisation.into_iter().chain([(DnType::CommonName, name)]).collect();
        params.distinguished_name = named(&subject);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        fs::write(self.folder.join(format!("{file}.crt")), certificate.pem())?;
        fs::write(self.folder.join(format!("{file}.key")), key.serialize_pem())?;
        Ok(())
    }

    /// Writes a kubeconfig (JSON, which is YAML too) for a client of the API at a port.
    pub(super) fn kubeconfig(
        &self,
        file: &Path,
        port: u16,
        credential: &Credential<'_>,
    ) -> Result<()> {
        let user = match credential {
            Credential::Token(token) => json!({ "token": token }),
            Credential::Certificate(name) => json!({
                "client-certificate-data": self.encoded(&format!("{name}.crt"))?,
                "client-key-data": self.encoded(&format!("{name}.key"))?,
            }),
        };
        let cluster = json!({
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority-data": STANDARD.encode(&self.authority_pem),
        });
        let config: Value = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "argosy",
            "clusters": [{ "name": "argosy", "cluster": cluster }],
            "users": [{ "name": "argosy", "user": user }],
            "contexts": [
                { "name": "argosy", "context": { "cluster": "argosy", "user": "argosy" } },
            ],
        });
        Ok(fs::write(file, serde_json::to_vec_pretty(&config)?)?)
    }

    fn encoded(&self, file: &str) -> Result<String> {
        Ok(STANDARD.encode(fs::read(self.folder.join(file))?))
    }
}

fn named(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}
