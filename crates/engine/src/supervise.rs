//! Do the right processes run? Starts missing ones, ends those that should not run, and records how
//! each ended.

use std::{
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use argo::{NodePhase, Outputs, Parameter};
use fs_err as fs;
use jiff::Timestamp;

use crate::{
    job::{self, Condition, JobPlan, JobStatus, JobStep},
    journal::{JournalError, NodeProgress},
    launch::Signal,
    layout, mounts,
    node::{Node, Pod, ProcessRecord, Work},
    operate::ended_message,
    prepare::{PrepareError, ProcessSpec, ProgressFiles, RunContext, prepare},
    runner::{Changed, Engine, ProcessEvent, ProcessKey, Reason, RunError, Running},
    state::{Entry, ProcessEnd},
};

/// The longest wait between two failed workers of a Job.
const MAX_JOB_BACKOFF: Duration = Duration::from_mins(1);
/// The interval at which the progress files of the steps are read, at least.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);
/// The limit of an output file: a run's outputs are kept in its state.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;
/// The exit code of Argo's executor when a Job failed.
const JOB_FAILED: &str = "64";
/// The message of Argo and Kubernetes for a pod that exceeded its deadline.
const DEADLINE: &str = "Pod was active on the node longer than the specified deadline";

impl Engine<'_> {
    /// Compares the processes that run with those that should run.
    pub(crate) fn supervise(&mut self) -> Result<Changed, RunError> {
        let mut changed = Changed::No;
        let open: Vec<(Node, Pod)> = self
            .state
            .nodes
            .values()
            .filter(|node| !node.is_fulfilled())
            .filter_map(|node| Some((node.clone(), node.pod.clone()?)))
            .collect();
        for (node, pod) in open {
            let is_changed = match &pod.work {
                Work::Container(_) => self.supervise_container(&node, &pod)?,
                Work::Job { manifest, success, failure } => {
                    let conditions = (success.as_deref(), failure.as_deref());
                    self.supervise_job(&node, &pod, manifest, conditions)?
                }
            };
            if is_changed == Changed::Yes {
                changed = Changed::Yes;
            }
        }
        self.kill_after_grace();
        Ok(changed)
    }

    fn supervise_container(&mut self, node: &Node, pod: &Pod) -> Result<Changed, RunError> {
        let Work::Container(container) = &pod.work else { return Ok(Changed::No) };
        let key = (node.id.clone(), 0);
        if self.running.contains_key(&key) {
            if self.state.is_ending(node.part) {
                self.ask(&key, Reason::Shutdown);
            } else if self.is_overdue(node, pod.deadline_seconds) {
                self.ask(&key, Reason::Deadline);
            }
            return Ok(Changed::No);
        }
        if self.state.is_ending(node.part) {
            // Its process was lost with an engine that died.
            let message = ended_message(self.state.shutdown);
            self.end_node(&node.id, NodePhase::Failed, message)?;
            return Ok(Changed::Yes);
        }
        let spec = ProcessSpec {
            node,
            pod,
            container,
            volumes: &pod.volumes,
            labels: &pod.labels,
            annotations: &pod.annotations,
            worker: None,
        };
        self.start(&spec, key)
    }

    fn start(&mut self, spec: &ProcessSpec<'_>, key: ProcessKey) -> Result<Changed, RunError> {
        let context = RunContext {
            program: self.program,
            state: &self.state,
            run_folder: &self.io.folder,
            secrets: &self.io.secrets,
            programs: &self.options.programs,
            child_env: &self.options.child_env,
        };
        let handle = prepare(spec, &context).and_then(|order| {
            let progress = ProgressFiles::of(&order);
            Ok((self.io.launcher.launch(order)?, progress))
        });
        let (handle, progress) = match handle {
            Ok(handle) => handle,
            Err(error) => {
                let message = match &error {
                    PrepareError::Files(cause) => format!("{error}: {cause}"),
                    _ => error.to_string(),
                };
                self.end_node(&key.0, NodePhase::Error, Some(message))?;
                return Ok(Changed::Yes);
            }
        };
        let at = self.now();
        let events = self.events.clone();
        let (end, event_key) = (handle.end, key.clone());
        tokio::spawn(async move {
            let result = end.await;
            let _engine_gone = events.send(ProcessEvent { key: event_key, result });
        });
        let running = Running { signals: handle.signals, progress, asked: None };
        self.running.insert(key.clone(), running);
        let (node, worker) = key;
        let mut entries = vec![Entry::ProcessStarted {
            node: node.clone(),
            worker,
            process: ProcessRecord { pid: handle.pid, started_at: at },
        }];
        if spec.node.phase != NodePhase::Running {
            let (phase, message) = (NodePhase::Running, None);
            entries.push(Entry::PhaseChanged { node, phase, message, at });
        }
        self.record(&entries)?;
        Ok(Changed::No)
    }

    fn supervise_job(
        &mut self,
        node: &Node,
        pod: &Pod,
        manifest: &str,
        conditions: (Option<&str>, Option<&str>),
    ) -> Result<Changed, RunError> {
        let plan = match self.plans.get(&node.id) {
            Some(plan) => plan.clone(),
            None => match job::read(manifest) {
                Ok(plan) => {
                    self.plans.insert(node.id.clone(), plan.clone());
                    plan
                }
                Err(error) => {
                    self.end_node(&node.id, NodePhase::Error, Some(error.to_string()))?;
                    return Ok(Changed::Yes);
                }
            },
        };
        let workers: Vec<ProcessKey> =
            self.running.keys().filter(|(id, _)| *id == node.id).cloned().collect();
        let active = u32::try_from(workers.len()).unwrap_or(u32::MAX);
        let deadline = pod.deadline_seconds.or(plan.deadline_seconds);
        if self.state.is_ending(node.part) {
            let message = ended_message(self.state.shutdown);
            return self.end_job(node, &workers, Reason::Shutdown, NodePhase::Failed, message);
        }
        if self.is_overdue(node, deadline) {
            let message = Some(DEADLINE.to_owned());
            return self.end_job(node, &workers, Reason::Deadline, NodePhase::Failed, message);
        }
        let step = job::next_step(&plan, &node.job, active);
        let status = JobStatus {
            active,
            succeeded: node.job.succeeded,
            failed: node.job.failed,
            is_complete: step == JobStep::Complete,
        };
        if let Some((phase, message)) = verdict(step, status, conditions) {
            return self.end_job(node, &workers, Reason::Job, phase, message);
        }
        match step {
            JobStep::Complete | JobStep::Fail | JobStep::Drain => Ok(Changed::No),
            JobStep::Run(wanted) => {
                self.start_workers(node, pod, &plan, wanted.saturating_sub(active))
            }
        }
    }

    fn start_workers(
        &mut self,
        node: &Node,
        pod: &Pod,
        plan: &JobPlan,
        count: u32,
    ) -> Result<Changed, RunError> {
        if let Some(last) = node.job.last_failure {
            let doublings = node.job.failed.saturating_sub(1);
            let wait = self.options.job_backoff.saturating_mul(2_u32.saturating_pow(doublings));
            let until = last.checked_add(wait.min(MAX_JOB_BACKOFF)).unwrap_or(last);
            if self.now() < until {
                self.wake(until);
                return Ok(Changed::No);
            }
        }
        for number in 0..count {
            let worker = node.job.started.saturating_add(number);
            // The first start changes the phase; the later ones must not do it again.
            let phase = if worker == 0 { node.phase } else { NodePhase::Running };
            let spec = ProcessSpec {
                node: &Node { phase, ..node.clone() },
                pod,
                container: &plan.container,
                volumes: &plan.volumes,
                labels: &plan.labels,
                annotations: &plan.annotations,
                worker: Some(worker),
            };
            if self.start(&spec, (node.id.clone(), worker))? == Changed::Yes {
                return Ok(Changed::Yes);
            }
        }
        Ok(Changed::No)
    }

    /// Ends the workers of a Job, and the node once all of them have ended.
    fn end_job(
        &mut self,
        node: &Node,
        workers: &[ProcessKey],
        reason: Reason,
        phase: NodePhase,
        message: Option<String>,
    ) -> Result<Changed, RunError> {
        if workers.is_empty() {
            let (node, at) = (node.id.clone(), self.now());
            let mut entries = vec![Entry::PhaseChanged { node: node.clone(), phase, message, at }];
            if reason == Reason::Job {
                // On a cluster, Argo's executor watches the Job; these are its exit codes.
                let exit_code = if phase == NodePhase::Succeeded { "0" } else { JOB_FAILED };
                let exit_code = Some(exit_code.to_owned());
                let outputs = Outputs { exit_code, ..Outputs::default() };
                entries.insert(0, Entry::OutputsSet { node, outputs });
            }
            self.record(&entries)?;
            return Ok(Changed::Yes);
        }
        for key in workers {
            self.ask(key, reason);
        }
        Ok(Changed::No)
    }

    fn end_node(
        &mut self,
        node: &str,
        phase: NodePhase,
        message: Option<String>,
    ) -> Result<(), JournalError> {
        let (node, at) = (node.to_owned(), self.now());
        self.record(&[Entry::PhaseChanged { node, phase, message, at }])
    }

    fn is_overdue(&mut self, node: &Node, deadline_seconds: Option<u64>) -> bool {
        let Some(seconds) = deadline_seconds else { return false };
        let wait = Duration::from_secs(seconds);
        let Ok(end) = node.started_at.checked_add(wait) else { return false };
        if self.now() >= end {
            return true;
        }
        self.wake(end);
        false
    }

    fn ask(&mut self, key: &ProcessKey, reason: Reason) {
        let now = self.now();
        if let Some(running) = self.running.get_mut(key)
            && running.asked.is_none()
        {
            running.asked = Some((reason, now));
            let _gone = running.signals.send(Signal::Ask);
        }
    }

    fn kill_after_grace(&mut self) {
        let now = self.now();
        let mut next: Option<Timestamp> = None;
        for running in self.running.values() {
            let Some((_, asked)) = running.asked else { continue };
            let end = asked.checked_add(self.options.grace).unwrap_or(asked);
            if now >= end {
                let _gone = running.signals.send(Signal::Force);
            } else {
                next = Some(next.map_or(end, |next| next.min(end)));
            }
        }
        if let Some(next) = next {
            self.wake(next);
        }
    }

    /// Records how a process ended. For a container, ends its node too.
    pub(crate) fn process_ended(&mut self, event: ProcessEvent) -> Result<(), RunError> {
        let ProcessEvent { key, result } = event;
        self.read_progress_of(&key);
        let reason = self.running.remove(&key).and_then(|running| running.asked);
        let (id, worker) = key;
        let at = self.now();
        let Some(node) = self.state.nodes.get(&id) else { return Ok(()) };
        let Some(pod) = node.pod.clone() else { return Ok(()) };
        let end = match reason {
            Some(_) => ProcessEnd::Lost,
            None => ProcessEnd::Exited(result.exit_code),
        };
        let mut entries = vec![Entry::ProcessEnded { node: id.clone(), worker, end, at }];
        if let Work::Container(container) = &pod.work {
            let folder = layout::process(&self.io.folder, &id, None);
            let volumes = layout::volumes(&folder);
            let mut outputs = Outputs {
                parameters: Vec::new(),
                result: result.output,
                exit_code: Some(result.exit_code.to_string()),
            };
            let mut problem = None;
            for file in &pod.output_files {
                let path = mounts::on_this_machine(&file.path, &container.volume_mounts, &volumes);
                let value = match written(path.as_deref()) {
                    Ok(text) => text.or_else(|| file.default.clone()),
                    Err(error) => {
                        problem.get_or_insert_with(|| {
                            format!("the output file `{}` cannot be read: {error}", file.path)
                        });
                        continue;
                    }
                };
                let Some(value) = value else {
                    problem.get_or_insert_with(|| {
                        format!("the output file `{}` was not written", file.path)
                    });
                    continue;
                };
                let (name, global_name) = (file.name.clone(), file.global_name.clone());
                if let Some(name) = &global_name {
                    let (name, value) = (name.clone(), value.clone());
                    entries.push(Entry::Exported { name, value });
                }
                outputs.parameters.push(Parameter { global_name, ..Parameter::new(name, value) });
            }
            let (phase, message) = match (reason, result.exit_code, problem) {
                (Some((Reason::Deadline, _)), ..) => (NodePhase::Failed, Some(DEADLINE.to_owned())),
                (Some(_), ..) => (NodePhase::Failed, ended_message(self.state.shutdown)),
                (None, 0, None) => (NodePhase::Succeeded, None),
                (None, 0, Some(problem)) => (NodePhase::Error, Some(problem)),
                (None, code, _) => {
                    (NodePhase::Failed, Some(format!("main: Error (exit code {code})")))
                }
            };
            entries.push(Entry::OutputsSet { node: id.clone(), outputs });
            entries.push(Entry::PhaseChanged { node: id, phase, message, at });
        }
        self.record(&entries)?;
        Ok(())
    }

    /// Stores what the running steps report about their progress.
    pub(crate) fn read_progress(&mut self) {
        let now = self.now();
        let is_soon = self.progress_read_at.is_some_and(|last| {
            Duration::try_from(now.duration_since(last))
                .is_ok_and(|passed| passed < PROGRESS_INTERVAL)
        });
        if is_soon {
            return;
        }
        self.progress_read_at = Some(now);
        let keys: Vec<ProcessKey> = self.running.keys().cloned().collect();
        for key in keys {
            self.read_progress_of(&key);
        }
    }

    fn read_progress_of(&mut self, (id, worker): &ProcessKey) {
        // The workers of a Job share their progress on the target; the follower reports it.
        let is_container = self
            .state
            .nodes
            .get(id)
            .and_then(|node| node.pod.as_ref())
            .is_some_and(|pod| matches!(pod.work, Work::Container(_)));
        if !is_container || *worker != 0 {
            return;
        }
        let Some(running) = self.running.get(&(id.clone(), *worker)) else { return };
        let ProgressFiles { detail, count } = &running.progress;
        let detail = fs::read_to_string(detail)
            .ok()
            .filter(|text| serde_json::from_str::<contract::Progress>(text).is_ok());
        let count = fs::read_to_string(count).ok().map(|text| text.trim().to_owned());
        let progress = NodeProgress { detail, count };
        let known = self.reported.get(id);
        if progress == NodeProgress::default() || known == Some(&progress) {
            return;
        }
        if let Err(error) = self.io.journal.report(id, &progress) {
            tracing::warn!(%error, "cannot store the progress of a step");
        }
        self.reported.insert(id.clone(), progress);
    }
}

/// Reads the output file of a step; `None` if there is no file, so that its default may be used. A
/// file that exists but cannot be read is an error.
fn written(path: Option<&Path>) -> io::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let mut text = String::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(MAX_OUTPUT_BYTES + 1).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(length) if length as u64 > MAX_OUTPUT_BYTES => {
            let message = format!("it is longer than {MAX_OUTPUT_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(_) => {}
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Some(text))
}

/// Decides whether a Job's node ends, and how, from its conditions.
fn verdict(
    step: JobStep,
    status: JobStatus,
    (success, failure): (Option<&str>, Option<&str>),
) -> Option<(NodePhase, Option<String>)> {
    let holds = |text: &str| Condition::parse(text).is_ok_and(|condition| condition.holds(status));
    let failed = |why: &str| {
        Some((NodePhase::Failed, Some(format!("main: Error (exit code {JOB_FAILED}): {why}"))))
    };
    if let Some(failure) = failure.filter(|text| holds(text)) {
        return failed(&format!("failure condition '{failure}' evaluated true"));
    }
    if holds(success.unwrap_or("status.completionTime")) {
        return Some((NodePhase::Succeeded, None));
    }
    match step {
        JobStep::Fail => failed("Job has reached the specified backoff limit"),
        JobStep::Complete => failed("the Job is complete, and its success condition does not hold"),
        JobStep::Run(_) | JobStep::Drain => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_cannot_be_read_is_not_one_that_was_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("output");
        assert_eq!(written(Some(&path)).expect("not there"), None);
        for (text, expected) in [("", ""), ("a\n", "a"), ("a\n\n", "a\n")] {
            fs::write(&path, text).expect("written");
            assert_eq!(written(Some(&path)).expect("read").as_deref(), Some(expected));
        }
        fs::write(&path, b"\xff").expect("written");
        assert!(written(Some(&path)).is_err(), "no text");
        let longest = usize::try_from(MAX_OUTPUT_BYTES).expect("small");
        fs::write(&path, "a".repeat(longest)).expect("written");
        assert!(written(Some(&path)).is_ok());
        fs::write(&path, "a".repeat(longest + 1)).expect("written");
        assert!(written(Some(&path)).is_err(), "too long");
    }
}
