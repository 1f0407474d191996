//! How does a step program start and end?
//!
//! ```text
//!  argument: request as JSON --+
//!  environment ----------------+--> run(request, Context) --> answer file, summary, exit code
//!                                          |
//!                                          +--> progress files, log
//! ```
//!
//! The `main` of a step is one line: `step::main(my_step::run)`. [`environment`] is the only module
//! of the step programs that reads the environment.

mod context;
mod environment;
mod reporter;

use std::{env, ffi::OsString, io::Write as _, process::ExitCode};

use anyhow::Context as _;
use contract::{
    exit::{Exit, Failure, exit_of},
    summary::Summary,
};
use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    context::{Context, SOURCE, TARGET},
    reporter::ConditionWait,
};

/// Threads for reading files and decoding. The allocator keeps memory for each thread, so their
/// number is bounded as the rest of the memory is.
const MAX_BLOCKING_THREADS: usize = 4;

/// Runs a step program: parses the request from the only argument (`@PATH`: from that file), runs
/// `step`, writes the answer, prints the summary or the error.
pub fn main<Request, Answer>(
    step: impl AsyncFnOnce(Request, Context) -> anyhow::Result<Answer>,
) -> ExitCode
where
    Request: DeserializeOwned,
    Answer: Serialize + Summary,
{
    environment::start_log();
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
    step: impl AsyncFnOnce(Request, Context) -> anyhow::Result<Answer>,
) -> anyhow::Result<()>
where
    Request: DeserializeOwned,
    Answer: Serialize + Summary,
{
    let request = request()?;
    let answer_file = environment::answer_file()?;
    let context = environment::context()?;
    let answer = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .context("starting the runtime")?
        .block_on(step(request, context))?;
    if let Some(path) = answer_file {
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

/// Parses the request.
fn request<Request: DeserializeOwned>() -> anyhow::Result<Request> {
    let mut arguments = env::args_os().skip(1).map(OsString::into_string);
    let (Some(Ok(request)), None) = (arguments.next(), arguments.next()) else {
        let message = "expected one argument: the request as JSON. This program is a step of a \
                       workflow; run `workflow submit` to start one";
        return Err(Failure::new(Exit::Invalid, message).into());
    };
    // A request that is too long for an argument is in a file.
    let request = match request.strip_prefix('@') {
        Some(path) => fs_err::read_to_string(path).context(Failure::new(
            Exit::Invalid,
            "the file with the request cannot be read; check that the ConfigMap of this workflow \
             was applied",
        ))?,
        None => request,
    };
    serde_json::from_str(&request).context(Failure::new(
        Exit::Invalid,
        "the request does not fit this step; check that the image has the version of the \
         `workflow` command that made the manifest",
    ))
}
