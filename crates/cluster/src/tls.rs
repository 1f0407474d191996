//! Which certificates does a client trust, and which does it present?
//!
//! Trust roots are compiled in, because an image may contain no file but the program. The roots of
//! the machine and the authority that the user configured are added.

use contract::{Auth, ClusterAccess, Credentials};
use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::RootCertStore;

/// Adds trust roots and the client certificate to a builder; the error says what is wrong with them.
pub(crate) fn configure(
    builder: ClientBuilder,
    access: &ClusterAccess,
    credentials: &Credentials,
) -> Result<ClientBuilder, String> {
    // An error means that another part of the program has installed a provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = if access.allow_insecure {
        builder.tls_danger_accept_invalid_certs(true)
    } else {
        builder.tls_certs_only(roots(credentials.authority.as_deref())?)
    };
    if access.auth != Auth::Mtls {
        return Ok(builder);
    }
    let (Some(certificate), Some(key)) = (&credentials.certificate, &credentials.key) else {
        return Err("`authConfig.mtls` needs a client certificate and its key; add `tls.crt` and \
                    `tls.key` to the Secret that it names"
            .to_owned());
    };
    let identity =
        Identity::from_pem(format!("{certificate}\n{key}\n").as_bytes()).map_err(|_| {
            // The library's message might quote the key.
            "`tls.crt` and `tls.key` of the client certificate are not PEM files of a certificate \
         and its unencrypted key; check the Secret"
                .to_owned()
        })?;
    Ok(builder.identity(identity))
}

fn roots(authority: Option<&str>) -> Result<Vec<Certificate>, String> {
    let mut certificates: Vec<Certificate> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|root| Certificate::from_der(root).ok())
        .collect();
    // The store of a machine often has a few certificates that are not usable as trust roots; they
    // must not make the others unusable.
    let mut probe = RootCertStore::empty();
    for root in rustls_native_certs::load_native_certs().certs {
        if probe.add(root.clone()).is_ok() {
            certificates.extend(Certificate::from_der(&root));
        }
    }
    if let Some(pem) = authority {
        let given = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        if given.is_empty() {
            return Err("`ca.crt` contains no PEM certificate; check the Secret".to_owned());
        }
        certificates.extend(given);
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_compiled_in_roots_are_usable() {
        let roots = roots(None).expect("roots");
        assert!(roots.len() >= webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        drop(rustls::crypto::ring::default_provider().install_default());
        reqwest::Client::builder().tls_certs_only(roots).build().expect("a client");
    }

    #[test]
    fn an_authority_that_is_not_a_certificate_is_refused() {
        assert!(roots(Some("hello")).is_err_and(|problem| problem.contains("`ca.crt`")));
    }
}
