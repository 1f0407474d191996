//! What does a Job ask for, and what is its status? The part of Kubernetes' Job that runs here.
//!
//! A Job without `completions` is a fleet that takes work until none is left: when one worker
//! succeeds, no new ones start, and it is complete when all have ended.

use std::collections::BTreeMap;

use argo::{Container, container::Volume};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::node::JobState;

/// How often workers may fail when the manifest sets no limit.
const BACKOFF_LIMIT: u32 = 6;

/// What a Job asks for.
#[derive(Clone, Debug)]
pub(crate) struct JobPlan {
    pub(crate) parallelism: u32,
    pub(crate) completions: Option<u32>,
    pub(crate) backoff_limit: u32,
    pub(crate) deadline_seconds: Option<u64>,
    pub(crate) container: Container,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A manifest that is not a Job that the engine can run, or a condition that cannot be parsed.
#[derive(Debug, Error)]
pub(crate) enum JobError {
    #[error("the manifest is not YAML")]
    Yaml(#[from] argo::yaml::YamlError),
    #[error("this Job cannot be run here: {path}: {source}")]
    Shape { path: String, source: serde_json::Error },
    #[error("objects of kind `{0}` cannot be created here; only a `Job` can")]
    Kind(String),
    #[error("a Job needs exactly one container here, not {0}")]
    Containers(usize),
    #[error("`{0}` is not a number")]
    Number(String),
    #[error("the condition `{0}` is not supported here; use for example `status.failed > 4`")]
    Condition(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobManifest {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Value,
    spec: JobSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobSpec {
    #[serde(default)]
    parallelism: Option<Value>,
    #[serde(default)]
    completions: Option<Value>,
    #[serde(default)]
    backoff_limit: Option<Value>,
    #[serde(default)]
    active_deadline_seconds: Option<Value>,
    #[serde(default, rename = "ttlSecondsAfterFinished")]
    _ttl_seconds_after_finished: Option<Value>,
    template: PodTemplate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PodTemplate {
    #[serde(default)]
    metadata: PodTemplateMetadata,
    spec: PodSpec,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PodTemplateMetadata {
    #[serde(default)]
    labels: BTreeMap<String, Value>,
    #[serde(default)]
    annotations: BTreeMap<String, Value>,
}

/// Fields with an underscore have no effect on a process of this machine.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodSpec {
    containers: Vec<Container>,
    #[serde(default)]
    volumes: Vec<Volume>,
    #[serde(default, rename = "restartPolicy")]
    _restart_policy: Option<String>,
    #[serde(default, rename = "serviceAccountName")]
    _service_account_name: Option<String>,
    #[serde(default, rename = "automountServiceAccountToken")]
    _automount_service_account_token: Option<bool>,
    #[serde(default, rename = "securityContext")]
    _security_context: Option<Value>,
    #[serde(default, rename = "terminationGracePeriodSeconds")]
    _termination_grace_period_seconds: Option<Value>,
    #[serde(default, rename = "imagePullSecrets")]
    _image_pull_secrets: Option<Value>,
    #[serde(default, rename = "nodeSelector")]
    _node_selector: Option<Value>,
    #[serde(default, rename = "tolerations")]
    _tolerations: Option<Value>,
    #[serde(default, rename = "affinity")]
    _affinity: Option<Value>,
    #[serde(default, rename = "priorityClassName")]
    _priority_class_name: Option<String>,
    #[serde(default, rename = "topologySpreadConstraints")]
    _topology_spread_constraints: Option<Value>,
}

/// Reads a manifest whose tags are filled in.
pub(crate) fn read(manifest: &str) -> Result<JobPlan, JobError> {
    let value = argo::yaml::read_value(manifest)?;
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("(none)");
    if kind != "Job" {
        return Err(JobError::Kind(kind.to_owned()));
    }
    let job: JobManifest = serde_path_to_error::deserialize(&value).map_err(|error| {
        JobError::Shape { path: error.path().to_string(), source: error.into_inner() }
    })?;
    let spec = job.spec;
    let PodTemplate { metadata, spec: pod } = spec.template;
    let count = pod.containers.len();
    let (Some(container), 1) = (pod.containers.into_iter().next(), count) else {
        return Err(JobError::Containers(count));
    };
    Ok(JobPlan {
        parallelism: number(spec.parallelism.as_ref())?.unwrap_or(1),
        completions: number(spec.completions.as_ref())?,
        backoff_limit: number(spec.backoff_limit.as_ref())?.unwrap_or(BACKOFF_LIMIT),
        deadline_seconds: number(spec.active_deadline_seconds.as_ref())?.map(u64::from),
        container,
        volumes: pod.volumes,
        labels: texts(metadata.labels),
        annotations: texts(metadata.annotations),
    })
}

fn number(value: Option<&Value>) -> Result<Option<u32>, JobError> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map(Some).map_err(|_| JobError::Number(text))
}

fn texts(values: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    values.into_iter().map(|(key, value)| (key, text(value))).collect()
}

/// What a Job is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobStep {
    /// Have this many workers running: the missing ones are started.
    Run(u32),
    /// Start no worker and end none: the running ones finish by themselves.
    Drain,
    /// The Job has succeeded.
    Complete,
    /// Too many workers failed.
    Fail,
}

/// Decides what a Job does next.
pub(crate) fn next_step(plan: &JobPlan, state: &JobState, active: u32) -> JobStep {
    let JobState { started: _, succeeded, failed, last_failure: _ } = state;
    if *failed > plan.backoff_limit {
        return JobStep::Fail;
    }
    let wanted = plan.parallelism;
    match plan.completions {
        None if *succeeded > 0 && active == 0 => return JobStep::Complete,
        None if *succeeded > 0 => return JobStep::Drain,
        Some(completions) if *succeeded >= completions => return JobStep::Complete,
        _ => {}
    }
    let left =
        plan.completions.map_or(wanted, |completions| completions.saturating_sub(*succeeded));
    JobStep::Run(wanted.min(left))
}

/// A condition over the status of a Job, as Kubernetes writes selectors: all parts must hold.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Present(String),
    Absent(String),
    Compare(String, Comparison, u32),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Unequal,
    Greater,
    Less,
}

/// The status of a Job, as conditions see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobStatus {
    pub(crate) active: u32,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    pub(crate) is_complete: bool,
}

/// Parts of a Job's status that conditions may name.
const FIELDS: [&str; 4] =
    ["status.active", "status.succeeded", "status.failed", "status.completionTime"];

impl Condition {
    /// Reads a condition.
    pub(crate) fn parse(text: &str) -> Result<Self, JobError> {
        let wrong = || JobError::Condition(text.to_owned());
        let mut parts = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            let found = [
                ("!=", Comparison::Unequal),
                ("==", Comparison::Equal),
                ("=", Comparison::Equal),
                (">", Comparison::Greater),
                ("<", Comparison::Less),
            ]
            .into_iter()
            .find_map(|(symbol, comparison)| {
                let (field, value) = part.split_once(symbol)?;
                Some((field.trim(), comparison, value.trim()))
            });
            let (field, read) = match found {
                Some((field, comparison, value)) => {
                    let value = value.parse().map_err(|_| wrong())?;
                    (field, Part::Compare(field.to_owned(), comparison, value))
                }
                None => match part.strip_prefix('!') {
                    Some(field) => (field, Part::Absent(field.to_owned())),
                    None => (part, Part::Present(part.to_owned())),
                },
            };
            if !FIELDS.contains(&field) {
                return Err(wrong());
            }
            parts.push(read);
        }
        Ok(Self { parts })
    }

    /// Returns whether it holds.
    pub(crate) fn holds(&self, status: JobStatus) -> bool {
        // A count of zero is absent from a Job's status, and so is the completion time until it
        // ends.
        let value = |field: &str| {
            let count = match field {
                "status.active" => status.active,
                "status.succeeded" => status.succeeded,
                "status.failed" => status.failed,
                _ => u32::from(status.is_complete),
            };
            (count > 0).then_some(count)
        };
        self.parts.iter().all(|part| match part {
            Part::Present(field) => value(field).is_some(),
            Part::Absent(field) => value(field).is_none(),
            Part::Compare(field, comparison, wanted) => match (comparison, value(field)) {
                (Comparison::Unequal, value) => value != Some(*wanted),
                (_, None) => false,
                (Comparison::Equal, Some(value)) => value == *wanted,
                (Comparison::Greater, Some(value)) => value > *wanted,
                (Comparison::Less, Some(value)) => value < *wanted,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(parallelism: u32, completions: Option<u32>) -> JobPlan {
        JobPlan {
            parallelism,
            completions,
            backoff_limit: 2,
            deadline_seconds: None,
            container: Container::default(),
            volumes: Vec::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    fn state(succeeded: u32, failed: u32) -> JobState {
        JobState { succeeded, failed, ..JobState::default() }
    }

    #[test]
    fn a_fleet_starts_no_worker_after_the_first_success() {
        let fleet = plan(3, None);
        assert_eq!(next_step(&fleet, &state(0, 0), 0), JobStep::Run(3));
        assert_eq!(next_step(&fleet, &state(0, 2), 1), JobStep::Run(3));
        assert_eq!(next_step(&fleet, &state(1, 0), 2), JobStep::Drain);
        assert_eq!(next_step(&fleet, &state(1, 2), 0), JobStep::Complete);
        assert_eq!(next_step(&fleet, &state(1, 3), 1), JobStep::Fail);
    }

    #[test]
    fn completions_are_counted() {
        let job = plan(2, Some(3));
        assert_eq!(next_step(&job, &state(0, 0), 0), JobStep::Run(2));
        assert_eq!(next_step(&job, &state(2, 0), 1), JobStep::Run(1));
        assert_eq!(next_step(&job, &state(3, 0), 0), JobStep::Complete);
    }

    #[test]
    fn conditions_see_what_kubernetes_shows() {
        let status = |succeeded, failed, is_complete| JobStatus {
            active: 1,
            succeeded,
            failed,
            is_complete,
        };
        let holds = |text: &str, status| Condition::parse(text).expect("a condition").holds(status);
        assert!(holds("status.completionTime", status(1, 0, true)));
        assert!(!holds("status.completionTime", status(1, 0, false)));
        assert!(holds("status.succeeded > 0", status(1, 0, false)));
        assert!(!holds("status.failed > 4", status(0, 4, false)));
        assert!(holds("status.failed > 4", status(0, 5, false)));
        assert!(holds("!status.failed, status.active == 1", status(0, 0, false)));
        assert!(!holds("status.failed == 0", status(0, 0, false)));
        for text in
            ["", "status.phase == Succeeded", "status.conditions.0.type", "status.failed > x"]
        {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_job_is_read_and_what_is_not_known_is_refused() {
        let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: rfs-}\nspec:\n  \
                   parallelism: \"3\"\n  template:\n    spec:\n      restartPolicy: Never\n      \
                   containers: [{name: main, image: i, command: [c]}]\n";
        let plan = read(job).expect("a job");
        assert_eq!((plan.parallelism, plan.completions, plan.backoff_limit), (3, None, 6));
        let error = read(&job.replace("restartPolicy", "hostNetwork")).expect_err("refused");
        assert!(error.to_string().contains("hostNetwork"), "{error}");
        assert!(matches!(read("kind: Deployment"), Err(JobError::Kind(_))));
    }
}
