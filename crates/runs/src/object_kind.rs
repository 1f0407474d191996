//! Which kinds of Kubernetes objects exist here, and which paths of the API server are theirs?

/// A kind of Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `Workflow`.
    Workflow,
    /// `WorkflowTemplate`.
    WorkflowTemplate,
    /// `ConfigMap`.
    ConfigMap,
    /// `Secret`.
    Secret,
    /// `ServiceAccount`.
    ServiceAccount,
    /// `Role`.
    Role,
    /// `RoleBinding`.
    RoleBinding,
    /// `Job`.
    Job,
    /// `Pod`.
    Pod,
    /// `StatefulSet`.
    StatefulSet,
    /// `Namespace`.
    Namespace,
}

impl ObjectKind {
    /// Returns the kind with a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the name, as in the field `kind` of objects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workflow => "Workflow",
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::Job => "Job",
            Self::Pod => "Pod",
            Self::StatefulSet => "StatefulSet",
            Self::Namespace => "Namespace",
        }
    }

    /// Returns the API group; the core group has no name.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Workflow | Self::WorkflowTemplate => "argoproj.io",
            Self::Role | Self::RoleBinding => "rbac.authorization.k8s.io",
            Self::Job => "batch",
            Self::StatefulSet => "apps",
            Self::ConfigMap | Self::Secret | Self::ServiceAccount | Self::Pod | Self::Namespace => {
                ""
            }
        }
    }

    /// Returns the version of the API.
    fn version(self) -> &'static str {
        match self {
            Self::Workflow | Self::WorkflowTemplate => "v1alpha1",
            _ => "v1",
        }
    }

    /// Returns the API version, as in the field `apiVersion` of objects.
    pub(crate) fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// Returns the name of the resource, as in the rules of Roles.
    pub(crate) fn resource(self) -> String {
        format!("{}s", self.name().to_lowercase())
    }

    /// Returns whether objects of this kind belong to no namespace.
    pub(crate) fn is_cluster_scoped(self) -> bool {
        self == Self::Namespace
    }

    /// Returns the path of the collection, in a namespace if its objects belong to one.
    pub(crate) fn path(self, namespace: &str) -> String {
        let root = if self.group().is_empty() { "api" } else { "apis" };
        if self.is_cluster_scoped() {
            return format!("/{root}/{}/{}", self.api_version(), self.resource());
        }
        format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.resource())
    }
}

const ALL: [ObjectKind; 11] = [
    ObjectKind::Workflow,
    ObjectKind::WorkflowTemplate,
    ObjectKind::ConfigMap,
    ObjectKind::Secret,
    ObjectKind::ServiceAccount,
    ObjectKind::Role,
    ObjectKind::RoleBinding,
    ObjectKind::Job,
    ObjectKind::Pod,
    ObjectKind::StatefulSet,
    ObjectKind::Namespace,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let path = |kind: ObjectKind| kind.path("ma");
        assert_eq!(path(ObjectKind::Pod), "/api/v1/namespaces/ma/pods");
        assert_eq!(
            path(ObjectKind::WorkflowTemplate),
            "/apis/argoproj.io/v1alpha1/namespaces/ma/workflowtemplates"
        );
        assert_eq!(path(ObjectKind::Job), "/apis/batch/v1/namespaces/ma/jobs");
        assert_eq!(path(ObjectKind::Namespace), "/api/v1/namespaces");
        for kind in ALL {
            assert_eq!(ObjectKind::named(kind.name()), Some(kind));
        }
    }
}
