//! The environment variables of a step program. The manifests in `workflow-templates/` set the same
//! names.

/// The id of the run: the workflow's uid.
pub const RUN_ID: &str = "ARGOSY_RUN_ID";

/// A name of this process, unique among the workers of a run (the pod's name in a cluster).
pub const WORKER: &str = "ARGOSY_WORKER";

/// The file to write the answer to.
pub const ANSWER_FILE: &str = "ARGOSY_ANSWER_FILE";

/// The file to write [`crate::Progress`] to, as JSON.
pub const PROGRESS_FILE: &str = "ARGOSY_PROGRESS_FILE";

/// The file to write `N/M` to, as Argo reads it.
pub const ARGO_PROGRESS_FILE: &str = "ARGO_PROGRESS_FILE";

/// What to log: a level or a filter, as in `info` or `rfs_step=debug`.
pub const LOG: &str = "ARGOSY_LOG";

/// `json` for one JSON object a line; text otherwise.
pub const LOG_FORMAT: &str = "ARGOSY_LOG_FORMAT";

/// The parts of an endpoint's credentials.
pub mod credential {
    /// The user name.
    pub const USERNAME: &str = "USERNAME";
    /// The password.
    pub const PASSWORD: &str = "PASSWORD";
    /// The PEM client certificate.
    pub const CERTIFICATE: &str = "CERTIFICATE";
    /// The PEM private key.
    pub const KEY: &str = "KEY";
    /// The PEM certificate authority.
    pub const AUTHORITY: &str = "AUTHORITY";
}

/// Returns whether a variable is a setting of an object store.
pub fn is_storage(name: &str) -> bool {
    ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the variable of a part of an endpoint's credentials, as in `ARGOSY_SOURCE_PASSWORD`.
pub fn of_endpoint(endpoint: &str, part: &str) -> String {
    format!("ARGOSY_{}_{part}", endpoint.to_ascii_uppercase())
}
