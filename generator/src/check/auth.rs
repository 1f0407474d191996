//! Is it said in one way how each cluster is authenticated?

use argo::names;

use super::{Rule, walk};
use crate::{
    config::file::{AuthConfig, BasicAuth, MigrationFile},
    findings::{Report, Severity},
    pointer::Pointer,
};

/// Not exactly one kind.
pub(crate) const ONE_KIND: Rule = Rule {
    id: "auth::one-kind",
    severity: Severity::Error,
    summary: "`authConfig` has no kind or more than one",
    docs: "Exactly one of `basic`, `sigv4` and `mtls` says how requests are authenticated. Leave \
           `authConfig` out for a cluster that wants none.",
};

/// Basic without what it needs.
pub(crate) const INCOMPLETE: Rule = Rule {
    id: "auth::incomplete",
    severity: Severity::Error,
    summary: "`basic` has neither a Secret nor both user name and password, or has both",
    docs: "Name a Secret with the keys `username` and `password` in `secretName`. For a pilot, \
           `username` and `password` can be written instead; not beside it.",
};

/// A password in the file.
pub(crate) const CLEAR_TEXT: Rule = Rule {
    id: "auth::clear-text",
    severity: Severity::Warning,
    summary: "a password stands in the file in clear text",
    docs: "It is accepted, never written into a manifest, and kept as a Secret (or a file that \
           only its owner can read). Everybody who sees the migration file sees it too: a Secret \
           named in `secretName` is better.",
};

/// No Secret can have this name.
pub(crate) const SECRET_NAME: Rule = Rule {
    id: "auth::secret-name",
    severity: Severity::Error,
    summary: "a name that no Secret can have",
    docs: "Names of Secrets are lower-case letters, digits, `-` and `.`.",
};

/// Another service than the two.
pub(crate) const SERVICE: Rule = Rule {
    id: "auth::sigv4-service",
    severity: Severity::Error,
    summary: "`sigv4.service` is neither `es` nor `aoss`",
    docs: "`es` is a managed domain of Amazon OpenSearch Service, `aoss` a serverless collection. \
           Requests signed for another service are refused.",
};

/// A source that has no snapshots.
pub(crate) const SERVERLESS_SOURCE: Rule = Rule {
    id: "auth::serverless-source",
    severity: Severity::Error,
    summary: "a serverless collection is named as a source",
    docs: "Collections of OpenSearch Serverless have no snapshot repositories, so nothing can be \
           read from them. They can be targets.",
};

pub(crate) fn check(file: &MigrationFile, report: &mut Report<'_>) {
    for cluster in walk::clusters(file) {
        if let Some(auth) = cluster.auth {
            one(auth, &cluster.path.key("authConfig"), report);
        }
    }
    for (path, name, source) in walk::sources(file) {
        let sigv4 = source.auth_config.as_ref().and_then(|auth| auth.sigv4.as_ref());
        let service = sigv4.and_then(|sigv4| sigv4.service.as_deref());
        if service == Some("aoss") {
            let path = path.key("authConfig").key("sigv4").key("service");
            report
                .value(&SERVERLESS_SOURCE, &path, format!("source `{name}` is a serverless collection, which has no snapshots"))
                .help("write `service: es` if it is a managed domain; a collection can only be a target");
        }
    }
}

fn one(auth: &AuthConfig, path: &Pointer, report: &mut Report<'_>) {
    let AuthConfig { basic, sigv4, mtls } = auth;
    let mut kinds: Vec<&str> = Vec::new();
    kinds.extend(basic.as_ref().map(|_| "basic"));
    kinds.extend(sigv4.as_ref().map(|_| "sigv4"));
    kinds.extend(mtls.as_ref().map(|_| "mtls"));
    match kinds.as_slice() {
        [] => {
            report
                .key(&ONE_KIND, path, "`authConfig` says nothing")
                .help("add one of `basic`, `sigv4` and `mtls`, or leave `authConfig` out");
        }
        [_] => {}
        [first, rest @ ..] => {
            let rest =
                rest.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" and ");
            report
                .key(&ONE_KIND, path, format!("`authConfig` has `{first}` and {rest}"))
                .help("keep exactly one of them");
        }
    }
    if let Some(basic) = basic {
        check_basic(basic, &path.key("basic"), report);
    }
    if let Some(mtls) = mtls
        && let Some(name) = &mtls.secret_name
    {
        secret_name(name, &path.key("mtls").key("secretName"), report);
    }
    if let Some(service) = sigv4.as_ref().and_then(|sigv4| sigv4.service.as_deref())
        && !matches!(service, "es" | "aoss")
    {
        report
            .value(
                &SERVICE,
                &path.key("sigv4").key("service"),
                format!("there is no service `{service}`"),
            )
            .help("write `es` for a managed domain or `aoss` for a serverless collection");
    }
}

fn check_basic(basic: &BasicAuth, path: &Pointer, report: &mut Report<'_>) {
    let BasicAuth { secret_name: secret, username, password } = basic;
    if let Some(name) = secret {
        secret_name(name, &path.key("secretName"), report);
    }
    match (secret, username, password) {
        (Some(_), None, None) => {}
        (None, Some(_), Some(_)) => {
            report
                .key(&CLEAR_TEXT, &path.key("password"), "the password stands here in clear text")
                .help("put it into a Secret and name that in `secretName`");
        }
        (Some(_), ..) => {
            report
                .key(&INCOMPLETE, path, "`basic` has a Secret and clear-text credentials")
                .help("keep `secretName` and remove `username` and `password`");
        }
        (None, ..) => {
            report
                .key(&INCOMPLETE, path, "`basic` has no complete credentials")
                .help("add `secretName`, or both `username` and `password`");
        }
    }
}

pub(super) fn secret_name(name: &str, path: &Pointer, report: &mut Report<'_>) {
    if name.len() <= 253 && name.split('.').all(names::is_allowed) {
        return;
    }
    report
        .value(&SECRET_NAME, path, format!("no Secret can be called `{name}`"))
        .help("write lower-case letters, digits and `-`");
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

        error[auth::one-kind]: `authConfig` says nothing
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
        warning[auth::clear-text]: the password stands here in clear text
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

        error[auth::secret-name]: no Secret can be called `My_Secret`
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

        error[auth::sigv4-service]: there is no service `opensearch`
         --> migration.yaml:9:56
          |
        9 |     authConfig: { sigv4: { region: eu-west-1, service: opensearch } }
          |                                                        ^^^^^^^^^^
          |
          = help: write `es` for a managed domain or `aoss` for a serverless collection
        ");
    }
}
