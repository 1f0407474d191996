//! What is on the screen: the run, the selected node, the filter, what is typed.
//!
//! A node is selected by its name and not by its row, so it stays selected while the tree changes
//! around it. [`State::settle`] makes the state consistent after a message.

use jiff::Timestamp;
use ratatui::layout::Size;
use runs::{Gate, GateState, Run, RunModel, RunNode, Verdict};

use super::{
    field::Field,
    filter::{self, Filter, Opened},
    layout::{self, Areas},
    logbook::Logbook,
};
use crate::view::gate;

/// What is on the screen.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The run, as it was last read.
    pub(super) model: RunModel,
    /// When it was read.
    pub(super) polled_at: Timestamp,
    /// Why it could not be read again since.
    pub(super) poll_error: Option<String>,
    /// The present time.
    pub(super) now: Timestamp,
    /// The name of the user who decides.
    pub(super) user: String,
    /// The size of the terminal.
    pub(super) size: Size,
    /// The name of the selected node.
    pub(super) selected: String,
    /// The nodes that the user opened or closed.
    pub(super) opened: Opened,
    /// Which nodes are shown.
    pub(super) filter: Filter,
    /// The first row of the tree that is shown.
    pub(super) tree_top: usize,
    /// The first line of the detail that is shown.
    pub(super) detail_top: usize,
    /// Whether keys scroll the detail.
    pub(super) reads_detail: bool,
    /// The log that is read, in place of the tree.
    pub(super) logs: Option<Logbook>,
    /// What is in front of all else.
    pub(super) overlay: Option<Overlay>,
    /// What just happened.
    pub(super) notice: Option<Notice>,
    /// The number of actions that are not done yet.
    pub(super) sending: usize,
    /// Whether to leave when they are done.
    pub(super) is_leaving: bool,
    /// How often a log was opened.
    pub(super) readings: u64,
}

/// Something in front of tree or log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    /// The keys, from this line on.
    Help(usize),
    /// The text to find, as it is typed.
    Find(Field),
    /// A decision at a gate.
    Decide(Decide),
    /// Whether to do this to this run.
    Confirm(RunAction, Run),
}

/// An action on a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunAction {
    /// End it with its cleanup.
    Stop,
    /// End it without cleanup.
    Terminate,
    /// Resume it.
    Resume,
}

/// A decision at a gate, before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decide {
    /// The run: not one that replaced it meanwhile.
    pub(super) run: Run,
    /// The gate.
    pub(super) gate: String,
    /// Approved or rejected.
    pub(super) verdict: Verdict,
    /// Why.
    pub(super) reason: Field,
}

/// A message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// Whether it is an error.
    pub(super) is_bad: bool,
    /// The text.
    pub(super) text: String,
}

impl State {
    /// Starts with the run as it is now.
    pub(super) fn new(model: RunModel, user: String, size: Size, now: Timestamp) -> Self {
        let selected = model.nodes.first().map(|root| root.name.clone()).unwrap_or_default();
        Self {
            model,
            polled_at: now,
            poll_error: None,
            now,
            user,
            size,
            selected,
            opened: Opened::new(),
            filter: Filter::default(),
            tree_top: 0,
            detail_top: 0,
            reads_detail: false,
            logs: None,
            overlay: None,
            notice: None,
            sending: 0,
            is_leaving: false,
            readings: 0,
        }
    }

    /// Returns where things are on the screen.
    pub(super) fn areas(&self) -> Areas {
        layout::areas(self.size, self.reads_detail)
    }

    /// Returns the positions of the nodes in the tree.
    pub(super) fn rows(&self) -> Vec<usize> {
        filter::rows(&self.model, &self.opened, &self.filter)
    }

    /// Returns the selected node and its position.
    pub(super) fn selected(&self) -> Option<(usize, &RunNode)> {
        let position = self.model.position(&self.selected)?;
        Some((position, self.model.nodes.get(position)?))
    }

    /// Selects the node at a position.
    pub(super) fn select(&mut self, position: usize) {
        if let Some(node) = self.model.nodes.get(position)
            && node.name != self.selected
        {
            self.selected.clone_from(&node.name);
            self.detail_top = 0;
        }
    }

    /// Selects the row that is so many rows further, or the first or last one.
    pub(super) fn go(&mut self, by: isize) {
        let rows = self.rows();
        let position = self.selected().map_or(0, |(position, _)| position);
        let row = rows.iter().position(|row| *row == position).unwrap_or(0);
        let row = row.saturating_add_signed(by).min(rows.len().saturating_sub(1));
        if let Some(position) = rows.get(row) {
            self.select(*position);
        }
    }

    /// Opens or closes the node at a position.
    pub(super) fn open(&mut self, position: usize, is_open: bool) {
        if let Some(node) = self.model.nodes.get(position)
            && !node.is_leaf(position)
        {
            self.opened.insert(node.name.clone(), is_open);
        }
    }

    /// Opens or closes everything; the workflow itself stays open.
    pub(super) fn open_all(&mut self, is_open: bool) {
        for position in 1..self.model.nodes.len() {
            self.open(position, is_open);
        }
    }

    /// Opens what is above a position, so that it is in the tree.
    pub(super) fn reveal(&mut self, position: usize) {
        let mut above = self.model.nodes.get(position).and_then(|node| node.parent);
        while let Some(parent) = above {
            self.open(parent, true);
            above = self.model.nodes.get(parent).and_then(|node| node.parent);
        }
    }

    /// Takes the run as it was read. The selected row stays where it is on the screen.
    pub(super) fn take(&mut self, model: RunModel, at: Timestamp) {
        let row_of = |state: &Self| {
            let (position, _) = state.selected()?;
            state.rows().iter().position(|row| *row == position)
        };
        let before = row_of(self).map(|row| row.saturating_sub(self.tree_top));
        if model.uid != self.model.uid {
            let text = format!("`{}` was submitted again; this is the new run", model.name);
            self.notice = Some(Notice { is_bad: false, text });
        }
        if self.model.position(&self.selected).is_some() && model.position(&self.selected).is_none()
        {
            // It is gone: select the node that is now in its row.
            let place = self.model.position(&self.selected).unwrap_or(0);
            let place = place.min(model.nodes.len().saturating_sub(1));
            if let Some(node) = model.nodes.get(place) {
                self.selected.clone_from(&node.name);
            }
        }
        self.model = model;
        self.polled_at = at;
        self.now = self.now.max(at);
        self.poll_error = None;
        if let (Some(before), Some(row)) = (before, row_of(self)) {
            self.tree_top = row.saturating_sub(before);
        }
    }

    /// Makes sure that a node in the tree is selected and on the screen.
    pub(super) fn settle(&mut self) {
        let rows = self.rows();
        let position = self.selected().map_or(0, |(position, _)| position);
        let row = rows.binary_search(&position).unwrap_or_else(|_| {
            // It is not shown: select the closed node that contains it, or else the next one.
            let mut above = self.model.nodes.get(position).and_then(|node| node.parent);
            while let Some(parent) = above.filter(|_| self.filter.is_empty()) {
                if let Ok(row) = rows.binary_search(&parent) {
                    return row;
                }
                above = self.model.nodes.get(parent).and_then(|node| node.parent);
            }
            let next = rows.partition_point(|row| *row < position);
            next.min(rows.len().saturating_sub(1))
        });
        if let Some(position) = rows.get(row) {
            self.select(*position);
        }
        let areas = self.areas();
        let height = usize::from(areas.tree.height).max(1);
        self.tree_top = self
            .tree_top
            .min(row)
            .max((row + 1).saturating_sub(height))
            .min(rows.len().saturating_sub(height));
    }

    /// Scrolls the detail back to its end, if it has only so many lines.
    pub(super) fn limit_detail(&mut self, lines: usize) {
        let most = lines.saturating_sub(self.areas().detail.height.into());
        self.detail_top = self.detail_top.min(most);
    }

    /// Returns why a decision cannot be made any more, if it cannot.
    pub(super) fn is_past(&self, decide: &Decide) -> Option<String> {
        if decide.run.uid != self.model.uid {
            return Some("the workflow was submitted again; this was its older run".to_owned());
        }
        let known = self.model.gate(&decide.gate)?;
        (known.state != GateState::Waiting).then(|| gate::story(known))
    }

    /// Returns whether the run has ended.
    pub(super) fn is_over(&self) -> bool {
        self.model.has_ended()
    }

    /// Returns why this cannot be done to the run now, if it cannot.
    pub(super) fn obstacle_to(&self, action: RunAction) -> Option<String> {
        let RunModel { name, phase, .. } = &self.model;
        match action {
            RunAction::Stop | RunAction::Terminate if self.is_over() => {
                Some(format!("`{name}` has ended already"))
            }
            RunAction::Resume if self.is_over() && !phase.is_failure() => Some(format!(
                "`{name}` is {}; only a failed workflow can be resumed",
                phase.as_str()
            )),
            // A run in progress may have been suspended with Argo's own tools.
            RunAction::Stop | RunAction::Terminate | RunAction::Resume => None,
        }
    }

    /// Returns the gates that wait.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Gate> {
        self.model.waiting_gates()
    }
}
