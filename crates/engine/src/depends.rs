//! When may a task of a DAG start? The expression of `depends`.
//!
//! ```text
//! any  = all { "||" all }
//! all  = one { "&&" one }
//! one  = "!" one | "(" any ")" | task [ "." result ]
//! ```
//!
//! A task without a result means that it succeeded, was skipped or is a daemon, or failed in a way
//! that its own `continueOn` allows.

use std::collections::BTreeSet;

use argo::NodePhase;
use thiserror::Error;

/// A `depends` expression that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a valid `depends` expression: {problem}")]
pub(crate) struct DependsError {
    text: String,
    problem: String,
}

/// A parsed `depends` expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Depends {
    /// A task ended as it should.
    Task(String),
    /// A task ended with this result.
    Result(String, TaskResult),
    /// The opposite.
    Not(Box<Self>),
    /// Both.
    All(Box<Self>, Box<Self>),
    /// One of the two, or both.
    Any(Box<Self>, Box<Self>),
}

/// A result of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskResult {
    /// It is in this phase.
    Phase(NodePhase),
    /// It is a daemon; the engine runs none.
    Daemoned,
    /// One of its items succeeded.
    AnySucceeded,
    /// All of its items failed.
    AllFailed,
}

/// The limit of nesting in an expression.
const MAX_DEPTH: usize = 100;

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Depends, DependsError> {
    let failed = |problem: String| DependsError { text: text.to_owned(), problem };
    let mut parser = Parser { rest: text, depth: 0 };
    let depends = parser.any().map_err(failed)?;
    parser.skip_space();
    if parser.rest.is_empty() {
        Ok(depends)
    } else {
        Err(failed(format!("`{}` was not expected", parser.rest)))
    }
}

impl Depends {
    /// Makes the older form: all of these tasks. `None` when there are none.
    pub(crate) fn all_of(tasks: &[String]) -> Option<Self> {
        tasks
            .iter()
            .map(|task| Self::Task(task.clone()))
            .reduce(|left, right| Self::All(Box::new(left), Box::new(right)))
    }

    /// Returns the tasks that are named.
    pub(crate) fn tasks(&self) -> BTreeSet<&str> {
        let mut tasks = BTreeSet::new();
        let mut open = vec![self];
        while let Some(depends) = open.pop() {
            match depends {
                Self::Task(task) | Self::Result(task, _) => {
                    tasks.insert(task.as_str());
                }
                Self::Not(inner) => open.push(inner),
                Self::All(left, right) | Self::Any(left, right) => open.extend([&**left, &**right]),
            }
        }
        tasks
    }

    /// Returns whether it holds; `is` returns that for one task, with a result or without.
    pub(crate) fn holds(&self, is: &dyn Fn(&str, Option<TaskResult>) -> bool) -> bool {
        match self {
            Self::Task(task) => is(task, None),
            Self::Result(task, result) => is(task, Some(*result)),
            Self::Not(inner) => !inner.holds(is),
            Self::All(left, right) => left.holds(is) && right.holds(is),
            Self::Any(left, right) => left.holds(is) || right.holds(is),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Depends, String> {
        let mut left = self.all()?;
        while self.take("||") {
            left = Depends::Any(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Depends, String> {
        let mut left = self.one()?;
        while self.take("&&") {
            left = Depends::All(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Depends, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let depends = if self.take("!") {
            Depends::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err("`)` is missing".to_owned());
            }
            inner
        } else {
            self.task()?
        };
        self.depth -= 1;
        Ok(depends)
    }

    fn task(&mut self) -> Result<Depends, String> {
        self.skip_space();
        let is_name = |character: char| {
            character.is_ascii_alphanumeric() || character == '-' || character == '_'
        };
        let end = self
            .rest
            .find(|character: char| !is_name(character) && character != '.')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err("the name of a task is missing".to_owned());
        }
        self.rest = rest;
        let Some((task, result)) = word.split_once('.') else {
            return Ok(Depends::Task(word.to_owned()));
        };
        let result = match result {
            "Succeeded" => TaskResult::Phase(NodePhase::Succeeded),
            "Failed" => TaskResult::Phase(NodePhase::Failed),
            "Errored" => TaskResult::Phase(NodePhase::Error),
            "Skipped" => TaskResult::Phase(NodePhase::Skipped),
            "Omitted" => TaskResult::Phase(NodePhase::Omitted),
            "Daemoned" => TaskResult::Daemoned,
            "AnySucceeded" => TaskResult::AnySucceeded,
            "AllFailed" => TaskResult::AllFailed,
            other => return Err(format!("`{other}` is not a result of a task")),
        };
        Ok(Depends::Result(task.to_owned(), result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates with `good` succeeded and `bad` failed.
    fn holds(text: &str) -> bool {
        let is = |task: &str, result: Option<TaskResult>| match result {
            None | Some(TaskResult::Phase(NodePhase::Succeeded)) => task == "good",
            Some(TaskResult::Phase(NodePhase::Failed)) => task == "bad",
            Some(_) => false,
        };
        parse(text).expect(text).holds(&is)
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(holds("good || bad && bad"));
        assert!(!holds("(good || bad) && bad"));
        assert!(holds("bad.Failed && good.Succeeded"));
        assert!(holds("!bad&&!(bad.Succeeded||bad.Skipped)"));
    }

    #[test]
    fn names_with_hyphens_and_digits_are_tasks() {
        let depends = parse("a-1 && (2b.Failed || a-1.Succeeded)").expect("read");
        assert_eq!(depends.tasks().into_iter().collect::<Vec<_>>(), ["2b", "a-1"]);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "a b", "a &&", "a.Done", "(a", "a | b", "{{x}}", &"(".repeat(9999)] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
