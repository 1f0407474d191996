//! Is a failed node tried again, and when?

use std::time::Duration;

use argo::{NodePhase, Outputs, RetryStrategy};
use jiff::Timestamp;

use super::{
    operation::{Fault, Operation, Site, StartOutcome},
    values::Values,
};
use crate::{
    duration,
    expression::{self, Dialect, Value},
    node::Node,
    program::TemplateIndex,
};

/// What follows for a retry node whose last attempt failed.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    /// The node ends like the last attempt, for this reason.
    End(Option<String>),
    /// The node waits until then.
    Wait(Timestamp, String),
    /// There is another attempt.
    Again,
}

impl Operation<'_> {
    /// Advances a retry node until an attempt runs or there are no more attempts.
    pub(super) fn retry(
        &mut self,
        name: &str,
        callee: TemplateIndex,
        site: Site<'_>,
    ) -> Result<(), Fault> {
        loop {
            let Some(node) = self.node(name) else { return Ok(()) };
            if node.is_fulfilled() {
                return Ok(());
            }
            let inputs = node.inputs.clone();
            let attempts: Vec<Node> = self.attempts(node).into_iter().cloned().collect();
            let Some(last) = attempts.last() else {
                if self.new_attempt(name, 0, None, callee, &inputs, site)? == StartOutcome::NoRoom {
                    return Ok(());
                }
                continue;
            };
            if !last.is_fulfilled() {
                let last = last.name.clone();
                self.advance(&last, callee, site)?;
                if !self.node(&last).is_some_and(Node::is_fulfilled) {
                    return Ok(());
                }
                continue;
            }
            if !last.phase.is_failure() {
                self.set_outputs(name, last.outputs.clone());
                self.set_phase(name, NodePhase::Succeeded, None);
                return Ok(());
            }
            match self.next(&attempts, last, callee, &inputs, site)? {
                Next::End(message) => {
                    self.set_outputs(name, last.outputs.clone());
                    let message = message.or_else(|| last.message.clone());
                    self.set_phase(name, last.phase, Some(message.unwrap_or_default()));
                    return Ok(());
                }
                Next::Wait(until, message) => {
                    self.set_phase(name, NodePhase::Running, Some(message));
                    self.wake(until);
                    return Ok(());
                }
                Next::Again => {
                    self.set_phase(name, NodePhase::Running, Some(String::new()));
                    let last = Some(last);
                    let started =
                        self.new_attempt(name, attempts.len(), last, callee, &inputs, site)?;
                    if started == StartOutcome::NoRoom {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn new_attempt(
        &mut self,
        name: &str,
        number: usize,
        last: Option<&Node>,
        callee: TemplateIndex,
        inputs: &[(String, String)],
        site: Site<'_>,
    ) -> Result<StartOutcome, Fault> {
        let callable = self.callable(callee)?;
        if callable.body.is_pod() && !self.has_room_for_try(site) {
            return Ok(StartOutcome::NoRoom);
        }
        let attempt = format!("{name}({number})");
        let exit_code = last.and_then(|last| last.outputs.exit_code.clone());
        let attempts = [
            ("retries", number.to_string()),
            ("lastRetry.exitCode", exit_code.unwrap_or_else(|| "0".to_owned())),
            ("lastRetry.status", last.map(|last| last.phase.to_string()).unwrap_or_default()),
            ("lastRetry.message", last.and_then(|last| last.message.clone()).unwrap_or_default()),
            ("lastRetry.duration", last.map_or_else(|| "0".to_owned(), seconds)),
        ];
        self.add_child(name, &attempt);
        match self.start_once(&attempt, callee, inputs, site, &attempts) {
            Ok(started) => Ok(started),
            Err(Fault(message)) => {
                // An error before the start counts as an attempt.
                self.set_fault(&attempt, callee, site, message);
                Ok(StartOutcome::Yes)
            }
        }
    }

    fn has_room_for_try(&self, site: Site<'_>) -> bool {
        let limit = self.program.parallelism.and_then(|limit| usize::try_from(limit).ok());
        self.state.is_ending(site.part) || limit.is_none_or(|limit| self.active_pods < limit)
    }

    fn next(
        &self,
        attempts: &[Node],
        last: &Node,
        callee: TemplateIndex,
        inputs: &[(String, String)],
        site: Site<'_>,
    ) -> Result<Next, Fault> {
        let callable = self.callable(callee)?;
        let Some(strategy) = self.retry_strategy(callable) else { return Ok(Next::End(None)) };
        if self.state.is_ending(site.part) {
            return Ok(Next::End(self.stopped_message()));
        }
        let values = Values::of(self, inputs);
        let strategy = filled(strategy, &values);
        next(&strategy, attempts, last, self.now).map_err(Fault)
    }
}

fn filled(strategy: &RetryStrategy, values: &Values<'_>) -> RetryStrategy {
    let fill = |text: &Option<String>| text.as_deref().map(|text| values.fill(text));
    let RetryStrategy { limit, retry_policy, expression, backoff } = strategy;
    RetryStrategy {
        limit: fill(limit),
        retry_policy: retry_policy.clone(),
        expression: fill(expression),
        backoff: backoff.as_ref().map(|backoff| argo::template::Backoff {
            duration: fill(&backoff.duration),
            factor: fill(&backoff.factor),
            cap: fill(&backoff.cap),
            max_duration: fill(&backoff.max_duration),
        }),
    }
}

fn next(
    strategy: &RetryStrategy,
    attempts: &[Node],
    last: &Node,
    now: Timestamp,
) -> Result<Next, String> {
    let RetryStrategy { limit, retry_policy, expression, backoff } = strategy;
    let ended = |message: &str| Ok(Next::End(Some(message.to_owned())));
    let limit = limit
        .as_deref()
        .map(|text| text.trim().parse::<usize>().map_err(|_| format!("limit `{text}`: no number")))
        .transpose()?;
    let is_over = limit.is_some_and(|limit| attempts.len() > limit);
    if let Some(backoff) = backoff {
        let deadline = match (&backoff.max_duration, attempts.first()) {
            (Some(text), Some(first)) if !text.is_empty() => {
                let longest = duration::parse(text).map_err(|error| error.to_string())?;
                first.started_at.checked_add(longest).ok()
            }
            _ => None,
        };
        if deadline.is_some_and(|deadline| now > deadline) {
            return ended("Max duration limit exceeded");
        }
        let wait = wait(backoff, attempts.len())?;
        let until = last.finished_at.unwrap_or(now).checked_add(wait).unwrap_or(now);
        if deadline.is_some_and(|deadline| until > deadline) {
            return ended("Backoff would exceed max duration limit");
        }
        // As in Argo, only a node with a limit waits.
        if now < until && limit.is_some() && !is_over {
            return Ok(Next::Wait(until, format!("Backoff for {}s", wait.as_secs_f64())));
        }
    }
    let default = if expression.is_some() { "Always" } else { "OnFailure" };
    let is_wanted = match retry_policy.as_deref().unwrap_or(default) {
        "Always" => true,
        "OnFailure" => last.phase == NodePhase::Failed,
        "OnError" => last.phase == NodePhase::Error,
        _ => false,
    };
    if !is_wanted {
        return Ok(Next::End(None));
    }
    if is_over {
        return ended("No more retries left");
    }
    if let Some(text) = expression {
        let parsed = expression::parse(text, Dialect::Retry).map_err(|error| error.to_string())?;
        let is_true = parsed
            .is_true(&|name| last_attempt(name, attempts, last))
            .map_err(|error| error.to_string())?;
        if !is_true {
            return ended("retryStrategy.expression evaluated to false");
        }
    }
    Ok(Next::Again)
}

/// The wait before attempt `attempts`: the first duration, times the factor for each further one.
fn wait(backoff: &argo::template::Backoff, attempts: usize) -> Result<Duration, String> {
    let read = |text: &str| duration::parse(text).map_err(|error| error.to_string());
    let base = read(backoff.duration.as_deref().unwrap_or_default())?;
    let factor = match backoff.factor.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => {
            text.trim().parse::<u32>().map_err(|_| format!("factor `{text}`: no number"))?
        }
        None => 0,
    };
    let mut wait = base;
    if factor > 0 {
        let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        wait = base.saturating_mul(factor.saturating_pow(exponent));
    }
    if let Some(cap) = backoff.cap.as_deref().filter(|text| !text.is_empty()) {
        wait = wait.min(read(cap)?);
    }
    Ok(wait)
}

fn last_attempt(name: &str, attempts: &[Node], last: &Node) -> Option<Value> {
    let Outputs { exit_code, .. } = &last.outputs;
    let text = match name {
        "retries" => attempts.len().saturating_sub(1).to_string(),
        "lastRetry.exitCode" => exit_code.clone().unwrap_or_else(|| "-1".to_owned()),
        "lastRetry.status" => last.phase.to_string(),
        "lastRetry.message" => last.message.clone().unwrap_or_default(),
        "lastRetry.duration" => seconds(last),
        _ => return None,
    };
    Some(Value::Text(text))
}

fn seconds(node: &Node) -> String {
    let end = node.finished_at.unwrap_or(node.started_at);
    end.duration_since(node.started_at).as_secs_f64().to_string()
}
