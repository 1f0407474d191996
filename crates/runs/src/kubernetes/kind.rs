//! Which kinds of objects do we talk about, and where does the API server have them?

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Workflow,
    WorkflowTemplate,
    ConfigMap,
    Secret,
    ServiceAccount,
    Role,
    RoleBinding,
    Job,
    Pod,
    Deployment,
    StatefulSet,
    Service,
    PersistentVolumeClaim,
    Namespace,
}

impl Kind {
    /// Returns the kind of a name, if it is one of these.
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the name, as objects have it.
    pub(super) fn name(self) -> &'static str {
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
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Service => "Service",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Namespace => "Namespace",
        }
    }

    /// Returns the API group; the oldest one has no name.
    pub(super) fn group(self) -> &'static str {
        match self {
            Self::Workflow | Self::WorkflowTemplate => "argoproj.io",
            Self::Role | Self::RoleBinding => "rbac.authorization.k8s.io",
            Self::Job => "batch",
            Self::Deployment | Self::StatefulSet => "apps",
            Self::ConfigMap
            | Self::Secret
            | Self::ServiceAccount
            | Self::Pod
            | Self::Service
            | Self::PersistentVolumeClaim
            | Self::Namespace => "",
        }
    }

    /// Returns the version of the API.
    fn version(self) -> &'static str {
        match self {
            Self::Workflow | Self::WorkflowTemplate => "v1alpha1",
            _ => "v1",
        }
    }

    /// Returns the API version, as objects have it.
    pub(super) fn api_version(self) -> String {
        match self.group() {
            "" => self.version().to_owned(),
            group => format!("{group}/{}", self.version()),
        }
    }

    /// Returns the name of the resource, as rules of Roles have it.
    pub(super) fn resource(self) -> String {
        format!("{}s", self.name().to_lowercase())
    }

    /// Returns whether objects of this kind are in no namespace.
    pub(super) fn is_of_cluster(self) -> bool {
        self == Self::Namespace
    }

    /// Returns the path of the collection, in a namespace if its objects are in one.
    pub(super) fn path(self, namespace: &str) -> String {
        let root = if self.group().is_empty() { "api" } else { "apis" };
        if self.is_of_cluster() {
            return format!("/{root}/{}/{}", self.api_version(), self.resource());
        }
        format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.resource())
    }
}

const ALL: [Kind; 14] = [
    Kind::Workflow,
    Kind::WorkflowTemplate,
    Kind::ConfigMap,
    Kind::Secret,
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
    Kind::Job,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::Service,
    Kind::PersistentVolumeClaim,
    Kind::Namespace,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let path = |kind: Kind| kind.path("ma");
        assert_eq!(path(Kind::Pod), "/api/v1/namespaces/ma/pods");
        assert_eq!(
            path(Kind::WorkflowTemplate),
            "/apis/argoproj.io/v1alpha1/namespaces/ma/workflowtemplates"
        );
        assert_eq!(path(Kind::Job), "/apis/batch/v1/namespaces/ma/jobs");
        assert_eq!(path(Kind::Namespace), "/api/v1/namespaces");
        for kind in ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }
}
