//! How does a step program start and end? The edge that all of them share.
//!
//! This is the one module that reads the environment. The variables are in [`variables`]; the
//! manifests in `workflow-templates/` set the same names.

use std::{
    collections::BTreeMap,
    env::{self, VarError},
    ffi::OsString,
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use serde::{Serialize, de::DeserializeOwned};
use tracing_subscriber::EnvFilter;

use crate::{
    access::Credentials,
    exit::{Exit, Failure, exit_of},
    progress::Progress,
};

/// The environment variables of a step program.
pub mod variables {
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
    /// Prefix of the source's credentials: `USERNAME`, `PASSWORD`, `CERTIFICATE`, `KEY` and
    /// `AUTHORITY` follow it.
    pub const SOURCE_PREFIX: &str = "ARGOSY_SOURCE_";
    /// Prefix of the target's credentials, with the same parts.
    pub const TARGET_PREFIX: &str = "ARGOSY_TARGET_";
    /// Returns whether a variable is a setting of an object store.
    pub fn is_storage(name: &str) -> bool {
        ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The id of one run of a workflow (Argo's `workflow.uid`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId(String);

impl RunId {
    /// Takes an id as it is.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first eight letters or digits, for names that people read.
    pub fn short(&self) -> String {
        self.0.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
    }
}

/// What a step program is given beside its request.
#[derive(Clone, Debug)]
pub struct Context {
    /// The run this step belongs to.
    pub run: RunId,
    /// The name of this process among the workers of the run.
    pub worker: String,
    /// Secrets for the source cluster.
    pub source: Credentials,
    /// Secrets for the target cluster.
    pub target: Credentials,
    /// Settings of object stores: the `AWS_*`, `GOOGLE_*` and `AZURE_*` variables.
    pub storage: BTreeMap<String, String>,
    progress_file: Option<PathBuf>,
    argo_progress_file: Option<PathBuf>,
}

impl Context {
    /// Makes a context without an environment, as tests and command lines need it.
    pub fn new(run: RunId, worker: impl Into<String>) -> Self {
        Self {
            run,
            worker: worker.into(),
            source: Credentials::default(),
            target: Credentials::default(),
            storage: BTreeMap::new(),
            progress_file: None,
            argo_progress_file: None,
        }
    }

    /// Tells how far the step is. A progress file that cannot be written never fails a step: it
    /// is logged.
    pub fn report(&self, progress: &Progress) {
        if let Some(path) = &self.argo_progress_file {
            let count =
                if progress.documents.total > 0 { progress.documents } else { progress.shards };
            if count.total > 0 {
                let text = format!("{}/{}\n", count.done.min(count.total), count.total);
                write_whole(path, text.as_bytes());
            }
        }
        if let Some(path) = &self.progress_file
            && let Ok(json) = serde_json::to_vec(progress)
        {
            write_whole(path, &json);
        }
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it.
fn write_whole(path: &PathBuf, bytes: &[u8]) {
    let mut beside = path.clone().into_os_string();
    beside.push(".new");
    let written = fs_err::write(&beside, bytes).and_then(|()| fs_err::rename(&beside, path));
    if let Err(error) = written {
        tracing::warn!(%error, "cannot write the progress file");
    }
}

/// The words a step prints for a person when it is done.
pub trait Summary {
    /// Returns the summary, without a last newline.
    fn summary(&self) -> String;

    /// Returns why the step failed although it has an answer to give; most steps that have an
    /// answer have not failed.
    fn failure(&self) -> Option<Failure> {
        None
    }
}

/// Runs a step program: parses the request from the only argument (`@PATH`: from that file), runs
/// `step`, writes the answer, prints the summary or the error.
pub fn main<Request, Answer>(
    step: impl FnOnce(Request, Context) -> anyhow::Result<Answer>,
) -> ExitCode
where
    Request: DeserializeOwned,
    Answer: Serialize + Summary,
{
    start_log();
    match run(step) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            let exit = exit_of(&error);
            tracing::error!(exit = exit.code(), "{error:#}");
            exit.into()
        }
    }
}

fn run<Request, Answer>(
    step: impl FnOnce(Request, Context) -> anyhow::Result<Answer>,
) -> anyhow::Result<()>
where
    Request: DeserializeOwned,
    Answer: Serialize + Summary,
{
    let mut arguments = env::args_os().skip(1).map(OsString::into_string);
    let (Some(Ok(request)), None) = (arguments.next(), arguments.next()) else {
        let message = "expected one argument: the request as JSON. This program is a step of a \
                       workflow; run `workflow submit` to start one";
        return Err(Failure::new(Exit::Invalid, message).into());
    };
    // A request that is too long for an argument lies in a file.
    let request = match request.strip_prefix('@') {
        Some(path) => fs_err::read_to_string(path).context(Failure::new(
            Exit::Invalid,
            "the file with the request cannot be read; was its ConfigMap applied?",
        ))?,
        None => request,
    };
    let request = serde_json::from_str(&request).context(Failure::new(
        Exit::Invalid,
        "the request does not fit this step; is the image of the same version as the manifest?",
    ))?;
    let answer = step(request, context()?)?;
    if let Some(path) = variable(variables::ANSWER_FILE)? {
        let json = serde_json::to_vec(&answer).context("writing the answer as JSON")?;
        fs_err::write(path, json).context("writing the answer")?;
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", answer.summary()).context("printing the summary")?;
    match answer.failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(()),
    }
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
        // To go on without it would look as if no password had been given.
        Err(VarError::NotUnicode(_)) => Err(not_utf8(name)),
    }
}

fn not_utf8(name: &str) -> Failure {
    let message =
        format!("the variable `{name}` is not UTF-8; write its value anew where it comes from");
    Failure::new(Exit::Invalid, message)
}

fn context() -> Result<Context, Failure> {
    let mut storage = BTreeMap::new();
    // Other variables of a pod are anybody's, and need not be text.
    for (name, value) in env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| variables::is_storage(name)) {
            let value = value.into_string().map_err(|_| not_utf8(name))?;
            storage.insert(name.to_owned(), value);
        }
    }
    Ok(Context {
        run: RunId::new(variable(variables::RUN_ID)?.unwrap_or_else(|| "unnamed".to_owned())),
        worker: variable(variables::WORKER)?
            .unwrap_or_else(|| format!("process-{}", std::process::id())),
        source: credentials(variables::SOURCE_PREFIX)?,
        target: credentials(variables::TARGET_PREFIX)?,
        storage,
        progress_file: variable(variables::PROGRESS_FILE)?.map(PathBuf::from),
        argo_progress_file: variable(variables::ARGO_PROGRESS_FILE)?.map(PathBuf::from),
    })
}

fn credentials(prefix: &str) -> Result<Credentials, Failure> {
    let part = |name: &str| variable(&format!("{prefix}{name}"));
    Ok(Credentials {
        username: part("USERNAME")?,
        password: part("PASSWORD")?,
        certificate: part("CERTIFICATE")?,
        key: part("KEY")?,
        authority: part("AUTHORITY")?,
    })
}

fn start_log() {
    // What cannot be read is told by the step itself, in this log.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_password_that_is_not_utf8_is_refused_and_not_taken_for_absent() {
        use std::os::unix::ffi::OsStringExt as _;

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
