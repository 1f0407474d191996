//! How are tasks planned that run one after the other?

use crate::plan::{After, Body, Owner, StepCall, Task, TaskId};

/// Tasks that run one after the other.
pub(crate) struct Chain<'a> {
    path: Vec<&'a str>,
    owner: Owner,
    /// What the next task waits for.
    pub last: Option<After>,
    tasks: &'a mut Vec<Task>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(
        path: Vec<&'a str>,
        owner: Owner,
        first_after: Option<After>,
        tasks: &'a mut Vec<Task>,
    ) -> Self {
        Self { path, owner, last: first_after, tasks }
    }

    pub(crate) fn step(&mut self, name: &str, call: StepCall) {
        self.add(name, |_, _| Body::Step(call));
    }

    /// Adds a task; `body` gets the path of what the task contains.
    pub(crate) fn add(&mut self, name: &str, body: impl FnOnce(&[&str], Owner) -> Body) {
        let path: Vec<&str> = self.path.iter().copied().chain([name]).collect();
        let id = TaskId::new(&path);
        let after = self.last.replace(After::Success(id.clone())).into_iter().collect();
        let body = body(&path, self.owner);
        self.tasks.push(Task { id, after, owner: self.owner, body });
    }
}
