//! How many bulk requests may be under way at the same time?
//!
//! The window grows by one for each windowful of requests that the target took without complaint,
//! and halves when the target says that it is busy (429 or 503): additive increase,
//! multiplicative decrease. One overload refuses many requests that were sent together, so the
//! window halves once for all requests that were sent before the last halving.
//!
//! The loads of a process share one window ([`Slots`]): while the last requests of one are under
//! way, the next one fills the slots that become free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The number of bulk requests that may be under way.
#[derive(Debug)]
pub(crate) struct Window {
    max: u32,
    size: u32,
    taken_since_growth: u32,
    sent: u64,
    halved_at: u64,
}

/// Marks when a request was sent, for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent(u64);

impl Window {
    /// Starts with `max` requests; the target's responses make it smaller.
    pub(crate) fn new(max: u32) -> Self {
        let max = max.max(1);
        Self { max, size: max, taken_since_growth: 0, sent: 0, halved_at: 0 }
    }

    /// Returns how many requests may be under way now: never less than one.
    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Notes that a request is sent.
    pub(crate) fn send(&mut self) -> Sent {
        self.sent += 1;
        Sent(self.sent)
    }

    /// Notes that the target took a request whole.
    pub(crate) fn taken(&mut self) {
        self.taken_since_growth += 1;
        if self.taken_since_growth >= self.size && self.size < self.max {
            self.size += 1;
            self.taken_since_growth = 0;
        }
    }

    /// Notes that the target refused a request, or a part of it, for being busy.
    pub(crate) fn refused(&mut self, Sent(number): Sent) {
        self.taken_since_growth = 0;
        if number > self.halved_at {
            self.halved_at = self.sent;
            self.size = (self.size / 2).max(1);
        }
    }
}

/// A window that several loads share.
#[derive(Clone, Debug)]
pub struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    freed: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    window: Window,
    under_way: usize,
}

/// The right to have one request under way; dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    sent: Sent,
}

impl Slots {
    /// Makes a window of at most so many requests.
    pub fn new(max: u32) -> Self {
        let state = Mutex::new(State { window: Window::new(max), under_way: 0 });
        Self { shared: Arc::new(Shared { state, freed: watch::Sender::new(()) }) }
    }

    /// Takes a slot, if one is free.
    pub(crate) fn take(&self) -> Option<Slot> {
        let mut state = self.shared.state();
        if state.under_way >= state.window.size() {
            return None;
        }
        state.under_way += 1;
        Some(Slot { shared: Arc::clone(&self.shared), sent: state.window.send() })
    }

    /// Returns how many requests may be under way now.
    pub(crate) fn size(&self) -> usize {
        self.shared.state().window.size()
    }

    /// Signals whenever a slot becomes free.
    pub(crate) fn freed(&self) -> watch::Receiver<()> {
        self.shared.freed.subscribe()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Notes that the target took the request whole.
    pub(crate) fn taken(&self) {
        self.shared.state().window.taken();
    }

    /// Notes that the target refused the request, or a part of it, for being busy.
    pub(crate) fn refused(&self) {
        self.shared.state().window.refused(self.sent);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.state().under_way -= 1;
        self.shared.freed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    #[test]
    fn one_overload_halves_once_however_many_requests_it_refused() {
        let mut window = Window::new(8);
        let sent: Vec<Sent> = (0..8).map(|_| window.send()).collect();
        for request in sent {
            window.refused(request);
        }
        assert_eq!(window.size(), 4);
        let later = window.send();
        window.refused(later);
        assert_eq!(window.size(), 2);
    }

    #[test]
    fn it_grows_back_by_one_for_each_windowful() {
        let mut window = Window::new(4);
        for _ in 0..2 {
            let sent = window.send();
            window.refused(sent);
        }
        assert_eq!(window.size(), 1);
        window.taken();
        assert_eq!(window.size(), 2);
        window.taken();
        assert_eq!(window.size(), 2);
        window.taken();
        assert_eq!(window.size(), 3);
    }

    #[test]
    fn a_slot_that_becomes_free_is_signalled_and_can_be_taken_by_another_load() {
        let slots = Slots::new(2);
        let mut freed = slots.clone().freed();
        let first = slots.take().expect("a slot");
        let second = slots.clone().take().expect("a slot");
        assert!(slots.take().is_none());
        second.refused();
        drop(second);
        assert!(freed.has_changed().expect("open"));
        assert!(slots.take().is_none(), "the window was halved");
        freed.mark_unchanged();
        drop(first);
        assert!(freed.has_changed().expect("open"));
        assert!(slots.take().is_some());
    }

    proptest! {
        #[test]
        fn it_stays_between_one_and_the_limit(
            max in 0..20_u32,
            responses in prop::collection::vec(any::<bool>(), 0..300),
        ) {
            let mut window = Window::new(max);
            for taken in responses {
                let sent = window.send();
                if taken { window.taken() } else { window.refused(sent) }
                assert!((1..=usize::try_from(max.max(1)).expect("small")).contains(&window.size()));
            }
        }
    }
}
