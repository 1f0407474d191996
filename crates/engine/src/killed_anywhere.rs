//! Does a run come to the same end when its engine is killed at any entry of the journal? Also one
//! that failed and was resumed after the cause was fixed?
//!
//! The engine is the real one; only its access to the outside is replaced: a journal in memory that
//! fails at a chosen append, and a launcher whose processes end immediately.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    future::pending,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use argo::{NodePhase, Outputs, yaml};
use proptest::prelude::*;
use tokio::sync::mpsc;

use crate::{
    check::check,
    clock::Clock,
    journal::{Append, Journal, JournalError, NodeProgress, Sequence},
    launch::{Launcher, ProcessHandle, ProcessOrder, ProcessResult, Programs},
    node::{Node, Part},
    program::Program,
    resume,
    runner::{EngineIo, EngineOutcome, Options, RunError, run_with},
    secrets::Secrets,
    state::{Entry, RunIdentity, RunState},
};

/// When the journal fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kill {
    Never,
    /// The n-th append does not take effect.
    Before(usize),
    /// The n-th append takes effect, and the engine dies before it knows.
    After(usize),
}

/// The entries, which outlive the engines.
#[derive(Clone, Debug, Default)]
struct Entries(Arc<Mutex<Vec<Entry>>>);

impl Entries {
    fn state(&self) -> RunState {
        let mut state = RunState::new(identity());
        for entry in self.0.lock().expect("no panic").iter() {
            state.apply(entry);
        }
        state
    }
}

/// The journal of an engine, which fails after the kill.
fn killed() -> JournalError {
    JournalError::Database(rusqlite::Error::InvalidQuery)
}

struct MemoryJournal {
    entries: Entries,
    kill: Kill,
    appends: Arc<AtomicUsize>,
}

impl Journal for MemoryJournal {
    fn entries_after(&mut self, after: Sequence) -> Result<Vec<(Sequence, Entry)>, JournalError> {
        let entries = self.entries.0.lock().expect("no panic");
        let numbered = (1..).zip(entries.iter().cloned());
        Ok(numbered.filter(|(sequence, _)| *sequence > after).collect())
    }

    fn append(&mut self, after: Sequence, entries: &[Entry]) -> Result<Append, JournalError> {
        let number = self.appends.fetch_add(1, Ordering::Relaxed);
        if self.kill == Kill::Before(number) {
            return Err(killed());
        }
        let mut known = self.entries.0.lock().expect("no panic");
        assert_eq!(i64::try_from(known.len()).expect("few"), after, "no other engine writes");
        known.extend_from_slice(entries);
        if self.kill == Kill::After(number) {
            return Err(killed());
        }
        Ok(Append::Written(i64::try_from(known.len()).expect("few")))
    }

    fn report(&mut self, _node: &str, _progress: &NodeProgress) -> Result<(), JournalError> {
        Ok(())
    }
}

/// A launcher of processes that end immediately, as their first argument says.
struct Ends {
    entries: Entries,
    world: World,
}

/// Whether the failing processes still fail.
#[derive(Clone, Debug)]
enum World {
    Broken,
    /// No process fails every time; the nodes of these names succeeded before.
    Fixed(BTreeSet<String>),
}

impl Launcher for Ends {
    fn launch(&self, order: ProcessOrder) -> io::Result<ProcessHandle> {
        let pod = &order.environment["HOSTNAME"];
        let state = self.entries.state();
        let node = state
            .nodes
            .values()
            .find(|node| node.pod.as_ref().is_some_and(|known| pod.starts_with(&known.name)));
        let node = node.expect("a process belongs to a node that is written down");
        assert!(!node.is_fulfilled(), "`{}` has ended and must not run again", node.name);

        if let World::Fixed(succeeded) = &self.world {
            assert!(!succeeded.contains(&node.name), "`{}` succeeded before", node.name);
        }

        let [kind, retries] = order.arguments.as_slice() else { panic!("two arguments") };
        let exit_code = match kind.as_str() {
            "ok" => 0,
            "flaky" if retries != "0" => 0,
            "fail" if matches!(self.world, World::Fixed(_)) => 0,
            _ => 3,
        };
        if let Some(path) = order.environment.get("OUT") {
            fs_err::write(path, format!("{kind}{retries}"))?;
        }
        let (signals, _received) = mpsc::unbounded_channel();
        let end = async move {
            tokio::task::yield_now().await;
            ProcessResult { exit_code, output: None }
        };
        Ok(ProcessHandle { pid: 1, signals, end: Box::pin(end) })
    }
}

fn identity() -> RunIdentity {
    let created_at = "2026-11-20T10:00:00Z".parse().expect("a time");
    RunIdentity { name: "w".to_owned(), uid: "u1".to_owned(), created_at }
}

/// Runs an engine until the end or the kill; returns how many appends were tried.
async fn engine(
    program: &Program,
    entries: &Entries,
    folder: &Path,
    kill: Kill,
    world: &World,
) -> usize {
    let appends = Arc::new(AtomicUsize::new(0));
    let seconds = AtomicI64::new(1_700_000_000);
    let clock = Clock::new(move || {
        let now = seconds.fetch_add(1, Ordering::Relaxed);
        jiff::Timestamp::from_second(now).expect("a time")
    });
    let io = EngineIo {
        journal: Box::new(MemoryJournal {
            entries: entries.clone(),
            kill,
            appends: Arc::clone(&appends),
        }),
        launcher: Arc::new(Ends { entries: entries.clone(), world: world.clone() }),
        clock,
        secrets: Secrets::in_folder(folder.join("secrets")),
        folder: folder.to_owned(),
    };
    let options = Options {
        poll: Duration::from_millis(1),
        ..Options::new(Programs::in_folder("/nowhere").with_own_command("sh"))
    };
    let ended = run_with(program, identity(), options, io, pending()).await;
    match kill {
        Kill::Never => assert!(matches!(ended, Ok(EngineOutcome::Finished(_))), "{ended:?}"),
        Kill::Before(_) | Kill::After(_) => {
            let is_killed = matches!(ended, Err(RunError::Journal(JournalError::Database(_))));
            assert!(is_killed, "{ended:?}");
        }
    }
    appends.load(Ordering::Relaxed)
}

/// How a run ended: its phase, and the phase and outputs of each node.
type Outcome = (NodePhase, BTreeMap<String, (NodePhase, Outputs)>);

fn outcome(entries: &Entries) -> Outcome {
    let state = entries.state();
    let nodes =
        state.nodes.into_values().map(|node| (node.name, (node.phase, node.outputs))).collect();
    (state.phase, nodes)
}

/// Returns a copy of the journal of a failed run, resumed, and the world that it runs in.
fn resumed(program: &Program, failed: &Entries) -> (Entries, World) {
    let state = failed.state();
    let stays = |node: &&Node| node.part == Part::Main && node.phase == NodePhase::Succeeded;
    let stay = state.nodes.values().filter(stays).map(|node| node.name.clone()).collect();
    let (nodes, _) = resume::plan_of(program, &state);
    let mut entries = failed.0.lock().expect("no panic").clone();
    entries.push(Entry::RunResumed { nodes, at: state.identity.created_at });
    (Entries(Arc::new(Mutex::new(entries))), World::Fixed(stay))
}

/// What a task does.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Ok,
    Fail,
    Flaky,
    Items,
    Nested,
    Wait,
    Fleet,
}

#[derive(Clone, Debug)]
struct TaskPlan {
    kind: Kind,
    /// Which earlier tasks it depends on, and how.
    depends: Vec<(prop::sample::Index, &'static str)>,
}

fn task_plan() -> impl Strategy<Value = TaskPlan> {
    let kind = prop_oneof![
        Just(Kind::Ok),
        Just(Kind::Fail),
        Just(Kind::Flaky),
        Just(Kind::Items),
        Just(Kind::Nested),
        Just(Kind::Wait),
        Just(Kind::Fleet),
    ];
    let result = prop::sample::select(vec!["", "", ".Succeeded", ".Failed", ".Omitted"]);
    let depends = prop::collection::vec((any::<prop::sample::Index>(), result), 0..3);
    (kind, depends).prop_map(|(kind, depends)| TaskPlan { kind, depends })
}

const TEMPLATES: &str = r#"
    - name: run
      inputs: {parameters: [{name: kind}]}
      outputs: {parameters: [{name: out, valueFrom: {path: /t/out, default: none}}]}
      volumes: [{name: t, emptyDir: {}}]
      retryStrategy: {limit: "1", backoff: {duration: "2"}}
      container:
        image: sh
        command: [sh, "{{inputs.parameters.kind}}", "{{retries}}"]
        env: [{name: OUT, value: /t/out}]
        volumeMounts: [{name: t, mountPath: /t}]
    - name: nested
      outputs: {parameters: [{name: out, valueFrom: {parameter: "{{steps.second.outputs.parameters.out}}"}}]}
      steps:
        - - {name: first, template: run, arguments: {parameters: [{name: kind, value: flaky}]}}
        - - {name: second, template: run, arguments: {parameters: [{name: kind, value: ok}]}}
          - {name: third, template: run, when: "{{steps.first.outputs.parameters.out}} == x", arguments: {parameters: [{name: kind, value: ok}]}}
    - name: wait
      suspend: {duration: "3"}
    - name: fleet
      resource:
        action: create
        successCondition: status.completionTime
        manifest: |
          apiVersion: batch/v1
          kind: Job
          metadata: {}
          spec: {parallelism: 2, template: {spec: {containers: [{image: sh, command: [sh, ok, "0"]}]}}}
"#;

/// Writes a Workflow of these tasks.
fn workflow(plans: &[TaskPlan], fail_fast: bool) -> Program {
    let mut text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  \
         entrypoint: main\n  onExit: wait\n  parallelism: 2\n  templates:{TEMPLATES}    - name: main\n      \
         dag:\n        failFast: {fail_fast}\n        tasks:\n"
    );
    for (number, TaskPlan { kind, depends }) in plans.iter().enumerate() {
        let (template, argument, items) = match kind {
            Kind::Ok => ("run", "ok", ""),
            Kind::Fail => ("run", "fail", ""),
            Kind::Flaky => ("run", "flaky", ""),
            Kind::Items => ("run", "{{item}}", ", withItems: [ok, flaky]"),
            Kind::Nested => ("nested", "", ""),
            Kind::Wait => ("wait", "", ""),
            Kind::Fleet => ("fleet", "", ""),
        };
        let depends: Vec<String> = match number {
            0 => Vec::new(),
            _ => depends
                .iter()
                .map(|(index, result)| format!("t{}{result}", index.index(number)))
                .collect(),
        };
        write!(text, "          - {{name: t{number}, template: {template}{items}").expect("text");
        if !argument.is_empty() {
            write!(text, ", arguments: {{parameters: [{{name: kind, value: '{argument}'}}]}}")
                .expect("text");
        }
        if !depends.is_empty() {
            write!(text, ", depends: {}", depends.join(" && ")).expect("text");
        }
        text.push_str("}\n");
    }
    let value = yaml::read_value(&text).expect("YAML");
    let manifests = crate::read::read(&[value]).expect("manifests");
    check(&manifests).expect("a program")
}

/// How many workflows are tried; each is run as often as it has entries, twice.
#[expect(clippy::disallowed_methods, reason = "a test has no `main` that could pass it down")]
fn cases() -> u32 {
    let cases = std::env::var("ARGOSY_KILL_CASES").ok();
    cases.map_or(12, |cases| cases.parse().expect("`ARGOSY_KILL_CASES` is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_run_killed_at_any_entry_comes_to_the_same_end(
        plans in prop::collection::vec(task_plan(), 1..5),
        fail_fast in any::<bool>(),
    ) {
        let program = workflow(&plans, fail_fast);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        runtime.block_on(async {
            let whole = Entries::default();
            let appends = engine(&program, &whole, folder.path(), Kill::Never, &World::Broken).await;
            let expected = outcome(&whole);
            prop_assert!(expected.0.is_complete());
            for number in 0..appends {
                for kill in [Kill::Before(number), Kill::After(number)] {
                    let entries = Entries::default();
                    engine(&program, &entries, folder.path(), kill, &World::Broken).await;
                    engine(&program, &entries, folder.path(), Kill::Never, &World::Broken).await;
                    prop_assert_eq!(&outcome(&entries), &expected, "{:?}", kill);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_run_that_failed_and_is_resumed_comes_to_the_end_that_nothing_failing_has(
        plans in prop::collection::vec(task_plan(), 1..5),
        fail_fast in any::<bool>(),
    ) {
        let program = workflow(&plans, fail_fast);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        runtime.block_on(async {
            let failed = Entries::default();
            engine(&program, &failed, folder.path(), Kill::Never, &World::Broken).await;
            prop_assume!(outcome(&failed).0.is_failure());

            let (whole, fixed) = resumed(&program, &failed);
            let appends = engine(&program, &whole, folder.path(), Kill::Never, &fixed).await;
            let expected = outcome(&whole);
            // What ran because something failed stays, and is not in a run where nothing does.
            let wants_success = |plan: &TaskPlan| {
                plan.depends.iter().all(|(_, result)| matches!(*result, "" | ".Succeeded"))
            };
            if plans.iter().all(wants_success) {
                let fresh = Entries::default();
                let nothing = World::Fixed(BTreeSet::new());
                engine(&program, &fresh, folder.path(), Kill::Never, &nothing).await;
                prop_assert_eq!(expected.0, NodePhase::Succeeded);
                prop_assert_eq!(&expected, &outcome(&fresh));
            }
            for number in 0..appends {
                for kill in [Kill::Before(number), Kill::After(number)] {
                    let (entries, fixed) = resumed(&program, &failed);
                    engine(&program, &entries, folder.path(), kill, &fixed).await;
                    engine(&program, &entries, folder.path(), Kill::Never, &fixed).await;
                    prop_assert_eq!(&outcome(&entries), &expected, "{:?}", kill);
                }
            }
            Ok(())
        })?;
    }
}
