//! How are requests to a cluster authenticated?

use std::{collections::BTreeMap, fmt};

use argo::names;
use contract::Auth;

use crate::{
    file::clusters::{AuthConfig, BasicAuth},
    findings::report::Report,
    pointer::Pointer,
    rule::{Rule, Severity},
};

/// The rules that this module raises.
pub(crate) const RULES: &[Rule] = &[ONE_KIND, INCOMPLETE, CLEAR_TEXT, SECRET_NAME, SERVICE];

/// Not exactly one kind.
const ONE_KIND: Rule = Rule {
    id: "auth::one-kind",
    severity: Severity::Error,
    summary: "`authConfig` needs exactly one of `basic`, `sigv4` and `mtls`",
    docs: "Exactly one of `basic`, `sigv4` and `mtls` says how requests are authenticated. Leave \
           `authConfig` out for a cluster without authentication.",
};

/// Basic without what it needs.
const INCOMPLETE: Rule = Rule {
    id: "auth::incomplete",
    severity: Severity::Error,
    summary: "`basic` needs either a Secret, or a user name and a password",
    docs: "Name a Secret with the keys `username` and `password` in `secretName`. For a \
           trial, `username` and `password` can be written instead, but not together with it.",
};

/// A password in the file.
const CLEAR_TEXT: Rule = Rule {
    id: "auth::clear-text",
    severity: Severity::Warning,
    summary: "the file has a password in clear text",
    docs: "The password is accepted. It is never written into a manifest, and is kept as a Secret \
           (or a file that only its owner can read). But every reader of the migration file sees \
           it: use a Secret, and name it in `secretName`.",
};

/// No Secret can have this name.
const SECRET_NAME: Rule = Rule {
    id: "auth::secret-name",
    severity: Severity::Error,
    summary: "a Secret cannot have this name",
    docs: "The name of a Secret consists of lower-case letters, digits, `-` and `.`.",
};

/// Another service than the two.
const SERVICE: Rule = Rule {
    id: "auth::sigv4-service",
    severity: Severity::Error,
    summary: "`sigv4.service` is neither `es` nor `aoss`",
    docs: "`es` is a managed domain of Amazon OpenSearch Service, `aoss` a serverless collection. \
           Requests signed for another service are refused.",
};

/// How requests to a cluster are authenticated, and where its credentials are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Authentication {
    pub auth: Auth,
    /// The Secret with the credentials.
    pub secret: Option<String>,
    /// The credentials, when the file has them in clear text.
    pub clear_text: Option<ClearTextSecret>,
}

/// Credentials that must become a Secret, or a file that only its owner can read.
#[derive(Clone, PartialEq, Eq)]
pub struct ClearTextSecret {
    /// The Secret's name, as the manifests refer to it.
    pub name: String,
    /// Its entries: `username` and `password`.
    pub data: BTreeMap<String, String>,
}

impl fmt::Debug for ClearTextSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, data } = self;
        formatter
            .debug_struct("ClearTextSecret")
            .field("name", name)
            .field("keys", &data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Proves the `authConfig` of a cluster. Credentials in clear text become a Secret that is named
/// after the workflow and the cluster.
pub(crate) fn prove(
    auth: Option<&AuthConfig>,
    cluster: &str,
    workflow: &str,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<Authentication> {
    let without_secret = |auth| Authentication { auth, secret: None, clear_text: None };
    let Some(AuthConfig { basic, sigv4, mtls }) = auth else {
        return Some(without_secret(Auth::None));
    };
    // Each part is proved, also where there should be one only: all findings are reported.
    let basic = basic.as_ref().map(|basic| {
        // The workflow's name distinguishes it from Secrets that a person created, which it must
        // never overwrite.
        let own_name = || names::join(&[workflow, cluster, "credentials"]);
        prove_basic(basic, own_name, &path.key("basic"), report)
    });
    let mtls = mtls.as_ref().map(|mtls| {
        let name = mtls.secret_name.as_ref()?;
        let secret = prove_secret_name(name, &path.key("mtls").key("secretName"), report)?;
        Some(Authentication { secret: Some(secret), ..without_secret(Auth::Mtls) })
    });
    let sigv4 = sigv4.as_ref().map(|sigv4| {
        let service = sigv4.service.as_deref().unwrap_or("es");
        let service = prove_service(service, &path.key("sigv4").key("service"), report)?.to_owned();
        Some(without_secret(Auth::Sigv4 { region: sigv4.region.clone()?, service }))
    });
    let kinds = [("basic", basic), ("sigv4", sigv4), ("mtls", mtls)];
    let given = kinds.into_iter().filter_map(|(kind, proved)| Some((kind, proved?)));
    let mut given: Vec<(&str, Option<Authentication>)> = given.collect();
    match given.as_mut_slice() {
        [] => {
            report
                .key(&ONE_KIND, path, "`authConfig` is empty")
                .help("add one of `basic`, `sigv4` and `mtls`, or leave `authConfig` out");
            None
        }
        [(_, proved)] => proved.take(),
        [(first, _), rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|(kind, _)| format!("`{kind}`")).collect();
            let rest = rest.join(" and ");
            report
                .key(&ONE_KIND, path, format!("`authConfig` has `{first}` and {rest}"))
                .help("keep exactly one of them");
            None
        }
    }
}

fn prove_service<'a>(service: &'a str, path: &Pointer, report: &mut Report<'_>) -> Option<&'a str> {
    if matches!(service, "es" | "aoss") {
        return Some(service);
    }
    report
        .value(&SERVICE, path, format!("unknown service `{service}`"))
        .help("write `es` for a managed domain or `aoss` for a serverless collection");
    None
}

fn prove_basic(
    basic: &BasicAuth,
    own_name: impl FnOnce() -> String,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<Authentication> {
    let BasicAuth { secret_name, username, password } = basic;
    let secret =
        secret_name.as_ref().map(|name| prove_secret_name(name, &path.key("secretName"), report));
    match (secret, username, password) {
        (Some(secret), None, None) => {
            Some(Authentication { auth: Auth::Basic, secret: Some(secret?), clear_text: None })
        }
        (None, Some(username), Some(password)) => {
            report
                .key(
                    &CLEAR_TEXT,
                    &path.key("password"),
                    "the password is in the file in clear text",
                )
                .help("put it into a Secret and name that in `secretName`");
            let data = [("username", username), ("password", password)];
            let data = data.map(|(key, value)| (key.to_owned(), value.clone())).into();
            let secret = ClearTextSecret { name: own_name(), data };
            Some(Authentication {
                auth: Auth::Basic,
                secret: Some(secret.name.clone()),
                clear_text: Some(secret),
            })
        }
        (Some(_), ..) => {
            report
                .key(&INCOMPLETE, path, "`basic` has a Secret and clear-text credentials")
                .help("keep `secretName` and remove `username` and `password`");
            None
        }
        (None, ..) => {
            report
                .key(&INCOMPLETE, path, "`basic` has no complete credentials")
                .help("add `secretName`, or both `username` and `password`");
            None
        }
    }
}

/// Proves that a Secret can have this name.
pub(crate) fn prove_secret_name(
    name: &str,
    path: &Pointer,
    report: &mut Report<'_>,
) -> Option<String> {
    if name.len() <= 253 && name.split('.').all(names::is_allowed) {
        return Some(name.to_owned());
    }
    report
        .value(&SECRET_NAME, path, format!("`{name}` cannot be the name of a Secret"))
        .help("write lower-case letters, digits and `-`");
    None
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{pair, printed};

    #[test]
    fn one_kind_is_needed_and_one_is_enough() {
        let source = "authConfig: { basic: { secretName: a }, sigv4: { region: us-east-1 } }";
        insta::assert_snapshot!(printed(&pair(source, "authConfig: {}")), @"
        error[auth::one-kind]: `authConfig` has `basic` and `sigv4`
         --> migration.yaml:5:5
          |
        5 |     authConfig: { basic: { secretName: a }, sigv4: { region: us-east-1 } }
          |     ^^^^^^^^^^
          |
          = help: keep exactly one of them

        error[auth::one-kind]: `authConfig` is empty
         --> migration.yaml:9:5
          |
        9 |     authConfig: {}
          |     ^^^^^^^^^^
          |
          = help: add one of `basic`, `sigv4` and `mtls`, or leave `authConfig` out
        ");
    }

    #[test]
    fn a_password_in_clear_text_is_a_warning() {
        let source = "authConfig: { basic: { username: admin, password: hunter2 } }";
        insta::assert_snapshot!(printed(&pair(source, "allowInsecure: true")), @"
        warning[auth::clear-text]: the password is in the file in clear text
         --> migration.yaml:5:45
          |
        5 |     authConfig: { basic: { username: admin, password: ******* } }
          |                                             ^^^^^^^^
          |
          = help: put it into a Secret and name that in `secretName`
        ");
    }

    #[test]
    fn half_of_the_credentials_is_refused() {
        let source = "authConfig: { basic: { username: admin } }";
        let target = "authConfig: { basic: { secretName: My_Secret, password: x } }";
        insta::assert_snapshot!(printed(&pair(source, target)), @"
        error[auth::incomplete]: `basic` has no complete credentials
         --> migration.yaml:5:19
          |
        5 |     authConfig: { basic: { username: admin } }
          |                   ^^^^^
          |
          = help: add `secretName`, or both `username` and `password`

        error[auth::incomplete]: `basic` has a Secret and clear-text credentials
         --> migration.yaml:9:19
          |
        9 |     authConfig: { basic: { secretName: My_Secret, password: * } }
          |                   ^^^^^
          |
          = help: keep `secretName` and remove `username` and `password`

        error[auth::secret-name]: `My_Secret` cannot be the name of a Secret
         --> migration.yaml:9:40
          |
        9 |     authConfig: { basic: { secretName: My_Secret, password: * } }
          |                                        ^^^^^^^^^
          |
          = help: write lower-case letters, digits and `-`
        ");
    }

    #[test]
    fn other_services_and_serverless_sources_are_refused() {
        let source = "authConfig: { sigv4: { region: eu-west-1, service: aoss } }";
        let target = "authConfig: { sigv4: { region: eu-west-1, service: opensearch } }";
        insta::assert_snapshot!(printed(&pair(source, target)), @"
        error[auth::serverless-source]: source `old` is a serverless collection, which has no snapshots
         --> migration.yaml:5:56
          |
        5 |     authConfig: { sigv4: { region: eu-west-1, service: aoss } }
          |                                                        ^^^^
          |
          = help: write `service: es` if it is a managed domain; a collection can only be a target

        error[auth::sigv4-service]: unknown service `opensearch`
         --> migration.yaml:9:56
          |
        9 |     authConfig: { sigv4: { region: eu-west-1, service: opensearch } }
          |                                                        ^^^^^^^^^^
          |
          = help: write `es` for a managed domain or `aoss` for a serverless collection
        ");
    }
}
