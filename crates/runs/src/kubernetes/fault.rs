//! What did the API server refuse, and what is to be done?

use std::fmt;

use contract::{Exit, Failure};
use kube::core::Status;

use super::kind::Kind;

/// What was asked of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// `get`, `list`, `create`, `patch` or `delete`.
    pub(super) verb: String,
    /// Of which kind.
    pub(super) kind: Kind,
    /// A part of it, as in `log`.
    pub(super) subresource: Option<&'static str>,
    /// Which one; all of them when empty.
    pub(super) name: String,
    /// In which namespace.
    pub(super) namespace: String,
}

impl Wish {
    fn resource(&self) -> String {
        let resource = self.kind.resource();
        match self.subresource {
            Some(part) => format!("{resource}/{part}"),
            None => resource,
        }
    }

    fn object(&self) -> String {
        let kind = self.kind.name();
        if self.name.is_empty() { format!("{kind}s") } else { format!("{kind} `{}`", self.name) }
    }

    /// Takes the verb from what the server says: to apply is to patch, or to create.
    fn refused_as(mut self, message: &str) -> Self {
        let verb = message.split_once(" cannot ").and_then(|(_, rest)| rest.split_once(' '));
        if let Some((verb, _)) = verb {
            verb.clone_into(&mut self.verb);
        }
        self
    }

    /// Takes the namespace for what is missing, if the server says so.
    fn without_namespace(self, status: &Status) -> Self {
        let missing = status.details.as_ref().is_some_and(|details| details.kind == "namespaces");
        if !missing {
            return self;
        }
        Self { kind: Kind::Namespace, name: self.namespace.clone(), ..self }
    }

    /// Returns the rule that a Role needs, as YAML.
    fn rule(&self) -> String {
        let group = self.kind.group();
        let group = if group.is_empty() { "\"\"" } else { group };
        format!(
            "  - apiGroups: [{group}]\n    resources: [{}]\n    verbs: [{}]",
            self.resource(),
            self.verb
        )
    }
}

/// What the API server did not do. It is no `std` error: on its way to a person it becomes a
/// [`Failure`] with its exit code.
#[derive(Debug)]
pub(super) enum Fault {
    /// The account may not.
    Forbidden { wish: Wish, message: String },
    /// The server does not know the account.
    Unauthorized { server: String, message: String },
    /// There is no such object.
    NotFound { wish: Wish },
    /// There is no such kind of object.
    NoSuchKind { server: String, kind: Kind },
    /// It exists already, or changed meanwhile.
    Conflict { wish: Wish, message: String },
    /// The server did not accept the object or the patch.
    Refused { wish: Wish, message: String },
    /// The server, or the way to it, is not there.
    Unreachable { server: String, cause: String },
    /// Anything else.
    Failed { wish: Wish, message: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { wish, message } if wish.kind.is_of_cluster() => write!(
                formatter,
                "not permitted: `{}` of {} ({message}); ask somebody who may to make it, or for \
                 this rule in a ClusterRole:\n{}",
                wish.verb,
                wish.object(),
                wish.rule()
            ),
            Self::Forbidden { wish, message } => write!(
                formatter,
                "not permitted: `{}` of `{}` in namespace `{}` ({message}); ask for this rule in a \
                 Role of that namespace:\n{}",
                wish.verb,
                wish.resource(),
                wish.namespace,
                wish.rule()
            ),
            Self::Unauthorized { server, message } => write!(
                formatter,
                "the API server at {server} does not accept these credentials ({message}); renew \
                 them, or choose others with `--context` or `--kubeconfig`"
            ),
            Self::NotFound { wish } if wish.kind.is_of_cluster() => write!(
                formatter,
                "there is no namespace `{}`; choose another with `--namespace`, or make it by \
                 `workflow install --create-namespace --namespace {}` or `kubectl create namespace \
                 {}`",
                wish.name, wish.name, wish.name
            ),
            Self::NotFound { wish } => {
                write!(formatter, "there is no {} in namespace `{}`", wish.object(), wish.namespace)
            }
            Self::NoSuchKind { server, kind } => write!(
                formatter,
                "the cluster at {server} knows no {}s: Argo Workflows is not installed there, or \
                 only in part; install it, or choose another cluster with `--context`",
                kind.name()
            ),
            Self::Conflict { wish, message } => write!(
                formatter,
                "{} changed meanwhile, or exists already: {message}",
                wish.object()
            ),
            Self::Refused { wish, message } => {
                write!(formatter, "the API server refuses {}: {message}", wish.object())?;
                match limit(message) {
                    Some(Limit::Quota) => {
                        write!(
                            formatter,
                            "; ask for the quota to be raised, or remove what is not needed"
                        )
                    }
                    Some(Limit::End) => write!(
                        formatter,
                        "; namespace `{}` is being deleted: wait until it is gone and make it \
                         anew, or choose another with `--namespace`",
                        wish.namespace
                    ),
                    None => Ok(()),
                }
            }
            Self::Unreachable { server, cause } => write!(
                formatter,
                "the API server at {server} cannot be reached: {cause}; is the cluster running, and \
                 is it the one that you mean? `--context` and `--kubeconfig` choose another; then \
                 try again"
            ),
            Self::Failed { wish, message } => write!(
                formatter,
                "the API server failed at `{}` of {}: {message}",
                wish.verb,
                wish.object()
            ),
        }
    }
}

impl Fault {
    /// Reads what the client says.
    pub(super) fn new(wish: Wish, server: &str, error: &kube::Error) -> Self {
        let server = server.to_owned();
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
                return Self::Unreachable { server, cause: causes(error) };
            }
            kube::Error::Auth(_) => {
                return Self::Unauthorized { server, message: causes(error) };
            }
            other => return Self::Failed { wish, message: causes(other) },
        };
        let message = status.message.clone();
        match status.code {
            401 => Self::Unauthorized { server, message },
            403 if limit(&message).is_none() => {
                Self::Forbidden { wish: wish.refused_as(&message), message }
            }
            // A path that is not there has no details about an object.
            404 if status.details.as_ref().is_none_or(|details| details.name.is_empty()) => {
                Self::NoSuchKind { server, kind: wish.kind }
            }
            404 => Self::NotFound { wish: wish.without_namespace(status) },
            409 => Self::Conflict { wish, message },
            400 | 403 | 413 | 415 | 422 => Self::Refused { wish, message },
            429 | 502..=504 => Self::Unreachable { server, cause: message },
            _ => Self::Failed { wish, message },
        }
    }

    /// Returns whether it may pass by itself.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Forbidden { .. } | Self::Unauthorized { .. } => Exit::NotPermitted,
            Self::NotFound { .. } => Exit::NotFound,
            Self::Conflict { .. } => Exit::Conflict,
            Self::Unreachable { .. } => Exit::Temporary,
            Self::NoSuchKind { .. } | Self::Refused { .. } | Self::Failed { .. } => Exit::Failed,
        }
    }
}

impl From<Fault> for anyhow::Error {
    fn from(fault: Fault) -> Self {
        Failure::new(fault.exit(), fault.to_string()).into()
    }
}

/// What is refused with 403 too, though no rule helps.
enum Limit {
    Quota,
    /// The namespace is on its way out.
    End,
}

fn limit(message: &str) -> Option<Limit> {
    if message.contains("exceeded quota") {
        Some(Limit::Quota)
    } else if message.contains("is being terminated") {
        Some(Limit::End)
    } else {
        None
    }
}

/// Writes an error with its causes, each once.
fn causes(error: &kube::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        // An outer error often ends with the text of the inner one.
        parts.retain(|outer| !outer.ends_with(&text));
        parts.push(text);
        next = cause.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use kube::core::response::StatusDetails;

    use super::*;

    fn wish() -> Wish {
        Wish {
            verb: "list".to_owned(),
            kind: Kind::Pod,
            subresource: Some("log"),
            name: String::new(),
            namespace: "ma".to_owned(),
        }
    }

    fn fault(code: u16, message: &str, name: &str) -> Fault {
        let details = StatusDetails {
            name: name.to_owned(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        };
        let status = Status::failure(message, "").with_code(code).with_details(details);
        Fault::new(wish(), "https://server", &kube::Error::Api(status.boxed()))
    }

    #[test]
    fn a_missing_permission_names_the_rule_to_add() {
        let said = r#"User "x" cannot create resource "pods/log" in API group """#;
        let error = anyhow::Error::from(fault(403, said, ""));
        assert_eq!(contract::exit::exit_of(&error), Exit::NotPermitted);
        let text = error.to_string();
        assert!(text.contains("`create` of `pods/log` in namespace `ma`"), "{text}");
        assert!(
            text.ends_with("  - apiGroups: [\"\"]\n    resources: [pods/log]\n    verbs: [create]"),
            "{text}"
        );
    }

    #[test]
    fn what_no_rule_helps_against_is_no_missing_permission() {
        let quota = fault(403, "pods is forbidden: exceeded quota: q", "x");
        assert!(matches!(quota, Fault::Refused { .. }));
        assert!(quota.to_string().ends_with("remove what is not needed"), "{quota}");
        let going = fault(403, "because it is being terminated", "x");
        assert!(going.to_string().contains("namespace `ma` is being deleted"), "{going}");
        assert!(matches!(fault(404, "not found", "x"), Fault::NotFound { .. }));
        assert!(matches!(fault(404, "404 page not found", ""), Fault::NoSuchKind { .. }));
        assert!(fault(503, "starting", "").is_passing());
    }

    #[test]
    fn a_namespace_that_is_not_there_is_told_apart_from_what_is_not_in_it() {
        let details = StatusDetails {
            name: "ma".to_owned(),
            kind: "namespaces".to_owned(),
            group: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        };
        let status = Status::failure("namespaces \"ma\" not found", "NotFound");
        let status = status.with_code(404).with_details(details);
        let gone = Fault::new(wish(), "https://server", &kube::Error::Api(status.boxed()));
        assert!(gone.to_string().starts_with("there is no namespace `ma`;"), "{gone}");
        assert!(gone.to_string().contains("--create-namespace"), "{gone}");
        let other = fault(404, "not found", "x");
        assert!(!other.to_string().contains("--create-namespace"), "{other}");
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_named_with_what_to_do() {
        let away = fault(503, "starting", "");
        let text = away.to_string();
        assert!(text.starts_with("the API server at https://server cannot be reached"), "{text}");
        assert!(text.contains("`--kubeconfig`"), "{text}");
        // No step is tried again here, so the command line ends with `Exit::Failed`.
        assert_eq!(contract::exit::exit_of(&away.into()), Exit::Temporary);
    }
}
