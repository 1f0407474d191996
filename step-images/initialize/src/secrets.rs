//! Does the Secret exist that a cluster's `authConfig` names?
//!
//! A missing Secret is not an error of the pod, because a cluster may need none. This is the first
//! place that notices it, and the one that knows its name.

use contract::{Auth, ClusterAccess, Credentials};

/// A Secret and its content.
pub(crate) struct Secret<'a> {
    /// Its name; `None` if the cluster has none.
    pub(crate) name: Option<&'a str>,
    /// The entries that exist.
    pub(crate) credentials: &'a Credentials,
}

/// Returns what is missing and how to create it, or `None` if the Secret has everything that is
/// needed.
pub(crate) fn missing(access: &ClusterAccess, secret: &Secret<'_>) -> Option<String> {
    let Secret { name, credentials } = secret;
    let name = (*name)?;
    let (kind, entries, flags) = match access.auth {
        Auth::None | Auth::Sigv4 { .. } => return None,
        Auth::Basic => (
            "basic",
            [("username", &credentials.username), ("password", &credentials.password)],
            "",
        ),
        Auth::Mtls => (
            "mtls",
            [("tls.crt", &credentials.certificate), ("tls.key", &credentials.key)],
            " --certificate FILE --key FILE",
        ),
    };
    let absent = entries.into_iter().filter(|(_, value)| value.is_none());
    let absent: Vec<String> = absent.map(|(entry, _)| format!("`{entry}`")).collect();
    if absent.is_empty() {
        return None;
    }
    let command = "workflow configure credentials";
    Some(format!(
        "`authConfig.{kind}` of cluster `{}` needs {} of Secret `{name}`, which does not exist or \
         does not have it; create it with `{command} create {name}{flags}`, or use `update` if it \
         exists",
        access.name,
        absent.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(auth: Auth) -> ClusterAccess {
        ClusterAccess {
            name: "legacy".to_owned(),
            endpoint: "http://host".to_owned(),
            version: None,
            allow_insecure: false,
            auth,
        }
    }

    #[test]
    fn the_secret_and_the_command_are_named() {
        let none = Credentials::default();
        let of = |name, credentials| Secret { name: Some(name), credentials };
        let message = missing(&access(Auth::Basic), &of("old", &none)).expect("a message");
        let expected = "`authConfig.basic` of cluster `legacy` needs `username` and `password` of \
                        Secret `old`, which does not exist or does not have it; create it with \
                        `workflow configure credentials create old`, or use `update` if it exists";
        assert_eq!(message, expected);
        let half = Credentials { certificate: Some("c".to_owned()), ..Credentials::default() };
        let message = missing(&access(Auth::Mtls), &of("pki", &half)).expect("a message");
        for part in ["needs `tls.key` of Secret `pki`", "create pki --certificate FILE --key FILE"]
        {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn nothing_is_missing_where_nothing_is_needed() {
        let none = Credentials::default();
        let sigv4 = Auth::Sigv4 { region: "r".to_owned(), service: "es".to_owned() };
        for auth in [Auth::None, sigv4] {
            let secret = Secret { name: Some("s"), credentials: &none };
            assert_eq!(missing(&access(auth), &secret), None);
        }
        let given = Credentials {
            username: Some("u".to_owned()),
            password: Some("p".to_owned()),
            ..Credentials::default()
        };
        let secret = Secret { name: Some("s"), credentials: &given };
        assert_eq!(missing(&access(Auth::Basic), &secret), None);
    }
}
