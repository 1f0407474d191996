//! Every command and flag of `workflow`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use cli_support::CommonFlags;
pub(crate) use cli_support::Format;
use generator::SnapshotVolume;
use runs::DEFAULT_WORKFLOW;

/// Moves a search cluster to another one, from one migration file.
#[derive(Debug, Parser)]
#[command(
    name = "workflow",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  workflow configure sample --load       start from the sample file
  workflow configure edit                change it
  workflow plan                          see what will happen
  workflow submit                        start the migration
  workflow manage                        watch it and decide at gates on the screen
  workflow status                        see how far it is
  workflow approve step 'metadata-*'     let it continue after a gate

Exit codes: 0 done, 1 failed, 2 wrong usage or invalid file, 3 not found, 4 changed meanwhile,
5 not permitted, 6 timed out (it is still running), 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: CommonFlags,
    #[command(flatten)]
    pub(crate) argo_server: ArgoServerFlags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The published guides name Argo's own server. It is not needed here, but scripts that name one still
/// work.
#[derive(Debug, Args)]
pub(crate) struct ArgoServerFlags {
    #[arg(long, global = true, hide = true, value_name = "URL")]
    argo_server: Option<String>,
    #[arg(long, global = true, hide = true)]
    token: Option<String>,
    #[arg(long, global = true, hide = true)]
    insecure: bool,
}

impl ArgoServerFlags {
    /// Returns whether one of them was given.
    pub(crate) fn are_given(&self) -> bool {
        let Self { argo_server, token, insecure } = self;
        argo_server.is_some() || token.is_some() || *insecure
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Migration(Box<MigrationCommand>),
    /// Install in a namespace what migrations and the console pod need.
    Install(Box<Install>),
    /// Completion scripts and schemas.
    #[command(subcommand)]
    Util(Util),
    /// Run the embedded engine for one run; `submit` and `resume` start it.
    #[command(hide = true)]
    EngineRun(EngineRun),
}

/// The commands that are the same on both engines.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrationCommand {
    /// Store the migration file and its credentials.
    #[command(subcommand)]
    Configure(Configure),
    /// Check a migration file and report all findings.
    Validate(Input),
    /// Compile a migration file to Argo manifests.
    Compile(Compile),
    /// Show what a migration will do, before anything is written.
    Plan(Plan),
    /// Start a migration; one of the same name is stopped and replaced.
    Submit(Submit),
    /// Show what a migration has done and what it waits for.
    Status(Status),
    /// Watch and steer a migration on the screen: tree, logs, gates.
    Manage(Manage),
    /// Show the request and the answer of a step, or the manifests of a migration.
    Show(Show),
    /// Let a migration continue at its gates.
    #[command(subcommand)]
    Approve(Approve),
    /// Fail a migration at a gate, with a reason.
    #[command(subcommand)]
    Reject(Reject),
    /// End a migration; its cleanup still runs.
    Stop(Stop),
    /// Continue a migration whose engine died, or that failed.
    Resume(Named),
    /// Show what the steps of a migration printed.
    #[command(subcommand)]
    Log(Log),
    /// Remove workflows and what they left behind; without a name, all of them. Asks first.
    Reset(Reset),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Configure {
    /// Print a sample migration file.
    Sample {
        /// Store it as the session's file.
        #[arg(long)]
        load: bool,
        #[command(flatten)]
        session: Session,
    },
    /// Edit the session's migration file in $EDITOR.
    Edit {
        /// Read the file from standard input.
        #[arg(long)]
        stdin: bool,
        /// The editor.
        #[arg(long, env = "EDITOR", hide = true, default_value = "vi")]
        editor: String,
        #[command(flatten)]
        session: Session,
        #[command(flatten)]
        installation: Installation,
    },
    /// Print the session's migration file.
    View {
        #[command(flatten)]
        session: Session,
    },
    /// Delete the session's migration file.
    Clear {
        /// Do not ask.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        session: Session,
    },
    /// Store user names, passwords and keys that migration files name by `secretName`.
    #[command(subcommand)]
    Credentials(Credentials),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Credentials {
    /// List the stored names and those that the session's file needs.
    List {
        #[command(flatten)]
        session: Session,
        #[command(flatten)]
        installation: Installation,
    },
    /// Store a user name and password, a client certificate, or the keys to a repository.
    Create(Credential),
    /// Replace the credentials with a name.
    Update(Credential),
    /// Delete the credentials with a name.
    Delete {
        /// The name.
        name: String,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Credential {
    /// The name, as in `secretName`.
    pub(crate) name: String,
    /// Read `USER:PASSWORD` from standard input.
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Read the keys to a snapshot repository from standard input, one `NAME=VALUE` on each line:
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and the like.
    #[arg(long, conflicts_with_all = ["stdin", "certificate", "authority"])]
    pub(crate) storage: bool,
    /// A file with the client certificate (PEM), for `mtls`.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// A file with the private key (PEM), for `mtls`.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// A file with a certificate authority to trust (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) authority: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Session {
    /// The session that the migration file belongs to.
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub(crate) session: String,
}

/// The migration file that a command reads.
#[derive(Clone, Debug, Args)]
pub(crate) struct Input {
    /// The migration file, `-` for standard input; the session's file when absent.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) session: Session,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

/// What an installation sets for all its migrations.
#[derive(Clone, Debug, Args)]
pub(crate) struct Installation {
    /// The name of the workflow.
    #[arg(long, default_value = DEFAULT_WORKFLOW, value_name = "NAME")]
    pub(crate) workflow_name: String,
    #[command(flatten)]
    pub(crate) site: Site,
}

/// What is the same for all migrations of an installation, whatever their names.
#[derive(Clone, Debug, Args)]
pub(crate) struct Site {
    /// The registry of the step images.
    #[arg(long, env = "ARGOSY_IMAGE_REGISTRY", default_value = "localhost", value_name = "HOST")]
    pub(crate) image_registry: String,
    /// The tag of the step images [default: this program's version].
    #[arg(long, env = "ARGOSY_IMAGE_TAG", value_name = "TAG")]
    pub(crate) image_tag: Option<String>,
    /// The repository of sources that name none; each source has a folder in it.
    #[arg(long, env = "ARGOSY_SNAPSHOT_REPOSITORY", value_name = "URI")]
    pub(crate) snapshot_repository: Option<String>,
    /// The AWS region of that repository.
    #[arg(long, env = "ARGOSY_SNAPSHOT_REGION", value_name = "REGION")]
    pub(crate) snapshot_region: Option<String>,
    /// The Secret with the keys to that repository.
    #[arg(long, env = "ARGOSY_SNAPSHOT_SECRET", value_name = "NAME")]
    pub(crate) snapshot_secret: Option<String>,
    /// The PersistentVolumeClaim with the folders of `file://` repositories, and its path in pods.
    #[arg(long, env = "ARGOSY_SNAPSHOT_VOLUME", value_name = "CLAIM:FOLDER")]
    pub(crate) snapshot_volume: Option<SnapshotVolume>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Do not connect to the clusters: show the tasks and gates only.
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Write one file for each object into this folder, instead of printing them.
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    pub(crate) site: Site,
    /// Create the namespace too, if it does not exist.
    #[arg(long)]
    pub(crate) create_namespace: bool,
    /// Print the objects, as in `workflow install --print | kubectl apply -f -`; connect to no
    /// cluster.
    #[arg(long, conflicts_with = "output_dir")]
    pub(crate) print: bool,
    /// Write a kustomize base into this folder, one file for each object; connect to no cluster.
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Wait for the end.
    #[arg(long)]
    pub(crate) wait: bool,
    /// The longest wait, in seconds; 0 for no limit.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// Seconds between two checks.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub(crate) wait_interval: f64,
    /// Approve every gate in advance.
    #[arg(long)]
    pub(crate) approve_all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The workflow.
    #[arg(default_value = DEFAULT_WORKFLOW)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The workflow; the running ones when absent.
    pub(crate) name: Option<String>,
    /// The workflow, as a flag.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    pub(crate) workflow_name: Option<String>,
    /// Completed workflows too.
    #[arg(long, visible_alias = "all-workflows")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Manage {
    /// The workflow [default: migration-workflow].
    pub(crate) name: Option<String>,
    /// The workflow, as a flag.
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    pub(crate) workflow_name: Option<String>,
    /// The longest time between two updates, in seconds; most changes are seen earlier.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub(crate) interval: f64,
    /// Who decides [default: the user of this machine].
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// The kind of terminal.
    #[arg(long, env = "TERM", hide = true)]
    pub(crate) term: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Names or globs of steps and gates; without any, all are listed.
    pub(crate) names: Vec<String>,
    /// Print the manifests, as they are stored where the migration runs.
    #[arg(long, conflicts_with = "names")]
    pub(crate) manifest: bool,
    /// The workflow.
    #[arg(long, default_value = DEFAULT_WORKFLOW, value_name = "NAME")]
    pub(crate) workflow_name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approve {
    /// Approve gates by name or glob.
    Step(ApproveStep),
}

#[derive(Debug, Args)]
pub(crate) struct ApproveStep {
    /// Names or globs of gates, as `workflow status` shows them.
    pub(crate) gates: Vec<String>,
    /// List the gates and their state.
    #[arg(long)]
    pub(crate) list: bool,
    /// All gates that wait.
    #[arg(long)]
    pub(crate) all: bool,
    /// Also gates that are not reached yet.
    #[arg(long)]
    pub(crate) pre_approve: bool,
    #[command(flatten)]
    pub(crate) decision: DecisionFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reject {
    /// Reject gates by name or glob.
    Step(RejectStep),
}

#[derive(Debug, Args)]
pub(crate) struct RejectStep {
    /// Names or globs of gates, as `workflow status` shows them.
    #[arg(required = true)]
    pub(crate) gates: Vec<String>,
    #[command(flatten)]
    pub(crate) decision: DecisionFlags,
}

/// Who decides, about what, and why.
#[derive(Debug, Args)]
pub(crate) struct DecisionFlags {
    /// Why; it is stored with the decision.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// Who decides [default: the user of this machine].
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// The workflow.
    #[arg(long, default_value = DEFAULT_WORKFLOW, value_name = "NAME")]
    pub(crate) workflow_name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// The workflow.
    #[arg(default_value = DEFAULT_WORKFLOW)]
    pub(crate) name: String,
    /// End immediately, without cleanup.
    #[arg(long)]
    pub(crate) terminate: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Logs of all steps.
    All(LogFlags),
    /// Logs of the steps of one resource, as in `group.critical` or `task.create-snapshot`.
    Resource {
        /// `group.NAME`, `migration.NAME` or `task.NAME`.
        resource: String,
        #[command(flatten)]
        flags: LogFlags,
    },
    /// Logs of the steps with these labels.
    Filter {
        /// Steps that read from this source.
        #[arg(long)]
        source: Option<String>,
        /// Steps that write to this target.
        #[arg(long)]
        target: Option<String>,
        /// Steps that use this snapshot.
        #[arg(long)]
        snapshot: Option<String>,
        /// Steps of this task, as in `create-snapshot`.
        #[arg(long)]
        task: Option<String>,
        /// Steps with this label, as in `group=critical`; may be repeated.
        #[arg(long, value_name = "KEY=VALUE")]
        label: Vec<String>,
        #[command(flatten)]
        flags: LogFlags,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// Continue with new lines until the migration ends.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print the time of each line (RFC 3339).
    #[arg(long)]
    pub(crate) timestamps: bool,
    /// The workflow.
    #[arg(long, default_value = DEFAULT_WORKFLOW, value_name = "NAME")]
    pub(crate) workflow_name: String,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Reset {
    /// Names or globs of what to remove, as `--list` shows them.
    pub(crate) names: Vec<String>,
    /// List what can be removed.
    #[arg(long)]
    pub(crate) list: bool,
    /// Remove everything.
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Also remove what needs it.
    #[arg(long)]
    pub(crate) cascade: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Util {
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the JSON schema of `workflow status --output json`.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct EngineRun {
    /// The run's id.
    pub(crate) uid: String,
}
