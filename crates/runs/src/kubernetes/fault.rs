//! What did the API server refuse, and what helps?

use std::{error::Error, fmt};

use contract::Exit;
use kube::core::Status;

use crate::object_kind::ObjectKind;

/// A request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `get`, `list`, `create`, `patch` or `delete`.
    pub verb: String,
    /// The kind of object.
    pub kind: ObjectKind,
    /// The subresource, as in `log`.
    pub subresource: Option<&'static str>,
    /// The name of the object; empty for all objects.
    pub name: String,
    /// The namespace.
    pub namespace: String,
}

impl Operation {
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

    /// Takes the verb from the message of the server: an apply is a patch or a create.
    fn refused_as(mut self, message: &str) -> Self {
        let verb = message.split_once(" cannot ").and_then(|(_, rest)| rest.split_once(' '));
        if let Some((verb, _)) = verb {
            verb.clone_into(&mut self.verb);
        }
        self
    }

    /// Says that the namespace is missing, if the server does.
    fn without_namespace(self, status: &Status) -> Self {
        let missing = status.details.as_ref().is_some_and(|details| details.kind == "namespaces");
        if !missing {
            return self;
        }
        Self { kind: ObjectKind::Namespace, name: self.namespace.clone(), ..self }
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

/// A request that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The account has no permission.
    Forbidden {
        /// The request.
        operation: Operation,
        /// What the server says.
        message: String,
    },
    /// The server does not know the account.
    Unauthorized {
        /// The server, and where its address is from.
        server: String,
        /// What the server says.
        message: String,
    },
    /// There is no such object.
    NotFound {
        /// The request.
        operation: Operation,
    },
    /// There is no such kind of object.
    NoSuchKind {
        /// The server, and where its address is from.
        server: String,
        /// The kind.
        kind: ObjectKind,
    },
    /// It exists already, or changed meanwhile.
    Conflict {
        /// The request.
        operation: Operation,
        /// What the server says.
        message: String,
    },
    /// The server did not accept the object or the patch.
    Refused {
        /// The request.
        operation: Operation,
        /// What the server says.
        message: String,
    },
    /// The server, or the way to it, is not there.
    Unreachable {
        /// The server, and where its address is from.
        server: String,
        /// Why.
        cause: String,
    },
    /// Anything else.
    Failed {
        /// The request.
        operation: Operation,
        /// What the server says.
        message: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { operation, message } if operation.kind.is_cluster_scoped() => write!(
                formatter,
                "not permitted: `{}` of {} ({message}); ask an administrator to create it, or \
                 to add this rule to a ClusterRole:\n{}",
                operation.verb,
                operation.object(),
                operation.rule()
            ),
            Self::Forbidden { operation, message } => write!(
                formatter,
                "not permitted: `{}` of `{}` in namespace `{}` ({message}); ask an administrator to add \
                 this rule to a Role of that namespace:\n{}",
                operation.verb,
                operation.resource(),
                operation.namespace,
                operation.rule()
            ),
            Self::Unauthorized { server, message } => write!(
                formatter,
                "the API server at {server} does not accept these credentials ({message}); renew \
                 them, or choose others with `--context` or `--kubeconfig`"
            ),
            Self::NotFound { operation } if operation.kind.is_cluster_scoped() => write!(
                formatter,
                "there is no namespace `{}`; choose another with `--namespace`, or create it with \
                 `workflow install --create-namespace --namespace {}` or `kubectl create namespace \
                 {}`",
                operation.name, operation.name, operation.name
            ),
            Self::NotFound { operation } => {
                write!(
                    formatter,
                    "there is no {} in namespace `{}`",
                    operation.object(),
                    operation.namespace
                )
            }
            Self::NoSuchKind { server, kind } => write!(
                formatter,
                "the cluster at {server} has no {}s: Argo Workflows is not installed there, or \
                 only in part; install it, or choose another cluster with `--context`",
                kind.name()
            ),
            Self::Conflict { operation, message } => write!(
                formatter,
                "{} has changed meanwhile, or exists already: {message}",
                operation.object()
            ),
            Self::Refused { operation, message } => {
                write!(formatter, "the API server refuses {}: {message}", operation.object())?;
                match limit(message) {
                    Some(Limit::Quota) => {
                        write!(
                            formatter,
                            "; ask an administrator to raise the quota, or delete \
                         what is not needed"
                        )
                    }
                    Some(Limit::Deletion) => write!(
                        formatter,
                        "; namespace `{}` is being deleted: wait until it is gone and create \
                         it again, or choose another with `--namespace`",
                        operation.namespace
                    ),
                    None => Ok(()),
                }
            }
            Self::Unreachable { server, cause } => write!(
                formatter,
                "the API server at {server} cannot be reached: {cause}; check that the cluster is \
                 running and that it is the right one (`--context` and `--kubeconfig` choose \
                 another), then try again"
            ),
            Self::Failed { operation, message } => write!(
                formatter,
                "the API server failed at `{}` of {}: {message}",
                operation.verb,
                operation.object()
            ),
        }
    }
}

impl Fault {
    /// Classifies an error of the client.
    pub(super) fn new(operation: Operation, server: &str, error: &kube::Error) -> Self {
        let server = server.to_owned();
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
                return Self::Unreachable { server, cause: causes(error) };
            }
            kube::Error::Auth(_) => {
                return Self::Unauthorized { server, message: causes(error) };
            }
            other => return Self::Failed { operation, message: causes(other) },
        };
        let message = status.message.clone();
        match status.code {
            401 => Self::Unauthorized { server, message },
            403 if limit(&message).is_none() => {
                Self::Forbidden { operation: operation.refused_as(&message), message }
            }
            // A path that does not exist has no details about an object.
            404 if status.details.as_ref().is_none_or(|details| details.name.is_empty()) => {
                Self::NoSuchKind { server, kind: operation.kind }
            }
            404 => Self::NotFound { operation: operation.without_namespace(status) },
            409 => Self::Conflict { operation, message },
            400 | 403 | 413 | 415 | 422 => Self::Refused { operation, message },
            429 | 502..=504 => Self::Unreachable { server, cause: message },
            _ => Self::Failed { operation, message },
        }
    }

    /// Returns whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Returns the code that a command ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Forbidden { .. } | Self::Unauthorized { .. } => Exit::NotPermitted,
            Self::NotFound { .. } => Exit::NotFound,
            Self::Conflict { .. } => Exit::Conflict,
            Self::Unreachable { .. } => Exit::Temporary,
            Self::NoSuchKind { .. } | Self::Refused { .. } | Self::Failed { .. } => Exit::Failed,
        }
    }
}

impl Error for Fault {}

/// Refusals with status 403 that no permission avoids.
enum Limit {
    /// A quota is exceeded.
    Quota,
    /// The namespace is being deleted.
    Deletion,
}

fn limit(message: &str) -> Option<Limit> {
    if message.contains("exceeded quota") {
        Some(Limit::Quota)
    } else if message.contains("is being terminated") {
        Some(Limit::Deletion)
    } else {
        None
    }
}

/// Returns an error with its causes, each once.
fn causes(error: &kube::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&dyn Error> = Some(error);
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

    fn operation() -> Operation {
        Operation {
            verb: "list".to_owned(),
            kind: ObjectKind::Pod,
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
        Fault::new(operation(), "https://server", &kube::Error::Api(status.boxed()))
    }

    #[test]
    fn a_missing_permission_names_the_rule_to_add() {
        let said = r#"User "x" cannot create resource "pods/log" in API group """#;
        let error = fault(403, said, "");
        assert_eq!(error.exit(), Exit::NotPermitted);
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
        assert!(quota.to_string().ends_with("delete what is not needed"), "{quota}");
        let going = fault(403, "because it is being terminated", "x");
        assert!(going.to_string().contains("namespace `ma` is being deleted"), "{going}");
        assert!(matches!(fault(404, "not found", "x"), Fault::NotFound { .. }));
        assert!(matches!(fault(404, "404 page not found", ""), Fault::NoSuchKind { .. }));
        assert!(fault(503, "starting", "").is_transient());
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
        let gone = Fault::new(operation(), "https://server", &kube::Error::Api(status.boxed()));
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
        assert_eq!(away.exit(), Exit::Temporary);
    }
}
