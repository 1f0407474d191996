//! What the environment says: the only place of the step programs that reads it.

use std::{
    collections::BTreeMap,
    env::{self, VarError},
    path::PathBuf,
};

use contract::{
    Credentials, Exit, Failure, RunId, WorkerName,
    variables::{self, credential},
};
use tracing_subscriber::EnvFilter;

use crate::{
    context::{Context, SOURCE, TARGET},
    reporter::ProgressFiles,
};

/// The endpoints whose credentials may be in the environment.
const ENDPOINTS: [&str; 2] = [SOURCE, TARGET];

/// Returns the context of this process.
pub(crate) fn context() -> Result<Context, Failure> {
    let run = variable(variables::RUN_ID)?.unwrap_or_else(|| "unnamed".to_owned());
    let worker =
        variable(variables::WORKER)?.unwrap_or_else(|| format!("process-{}", std::process::id()));
    let mut endpoints = BTreeMap::new();
    for endpoint in ENDPOINTS {
        endpoints.insert(endpoint.to_owned(), credentials(endpoint)?);
    }
    let progress = ProgressFiles {
        detail: variable(variables::PROGRESS_FILE)?.map(PathBuf::from),
        count: variable(variables::ARGO_PROGRESS_FILE)?.map(PathBuf::from),
    };
    Ok(Context::new(RunId::new(run), WorkerName::new(worker), storage()?, endpoints, progress))
}

/// Returns where the answer is to be written.
pub(crate) fn answer_file() -> Result<Option<PathBuf>, Failure> {
    Ok(variable(variables::ANSWER_FILE)?.map(PathBuf::from))
}

/// Starts the log on standard error.
pub(crate) fn start_log() {
    // A variable that cannot be read is reported by the step itself, in this log.
    let setting = |name| variable(name).ok().flatten();
    let filter = setting(variables::LOG).unwrap_or_else(|| "info".to_owned());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_target(false);
    if setting(variables::LOG_FORMAT).as_deref() == Some("json") {
        builder.json().init();
    } else {
        builder.with_ansi(false).init();
    }
}

fn storage() -> Result<BTreeMap<String, String>, Failure> {
    let mut storage = BTreeMap::new();
    // Other variables of a pod may belong to anything, and need not be text.
    for (name, value) in env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| variables::is_storage(name)) {
            let value = value.into_string().map_err(|_| not_utf8(name))?;
            storage.insert(name.to_owned(), value);
        }
    }
    Ok(storage)
}

fn credentials(endpoint: &str) -> Result<Credentials, Failure> {
    let part = |part: &str| variable(&variables::of_endpoint(endpoint, part));
    Ok(Credentials {
        username: part(credential::USERNAME)?,
        password: part(credential::PASSWORD)?,
        certificate: part(credential::CERTIFICATE)?,
        key: part(credential::KEY)?,
        authority: part(credential::AUTHORITY)?,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: the environment is read here and nowhere else"
)]
fn variable(name: &str) -> Result<Option<String>, Failure> {
    given(name, env::var(name))
}

/// An empty variable counts as absent.
fn given(name: &str, value: Result<String, VarError>) -> Result<Option<String>, Failure> {
    match value {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        // Without it the step would behave as if no password had been given.
        Err(VarError::NotUnicode(_)) => Err(not_utf8(name)),
    }
}

fn not_utf8(name: &str) -> Failure {
    let message =
        format!("the variable `{name}` is not UTF-8; correct its value in the Secret or the shell");
    Failure::new(Exit::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_password_that_is_not_utf8_is_refused_and_not_taken_for_absent() {
        use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

        let name = "ARGOSY_SOURCE_PASSWORD";
        assert_eq!(given(name, Ok("x".to_owned())).expect("text"), Some("x".to_owned()));
        assert_eq!(given(name, Ok(String::new())).expect("text"), None);
        assert_eq!(given(name, Err(VarError::NotPresent)).expect("text"), None);
        let latin1 = VarError::NotUnicode(OsString::from_vec(vec![b'p', 0xe4]));
        let failure = given(name, Err(latin1)).expect_err("no text");
        assert_eq!(failure.exit, Exit::Invalid);
        assert!(failure.message.starts_with("the variable `ARGOSY_SOURCE_PASSWORD`"), "{failure}");
    }
}
