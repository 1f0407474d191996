//! How a test waits for what another process does: it polls up to a limit, and when that passes it
//! says what it waited for and what it saw last.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// The intervals grow with the time that was waited already: what is soon there is soon seen, and
/// what takes minutes is not asked all the time.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(20);
const LONGEST_INTERVAL: Duration = Duration::from_millis(500);

/// What one poll has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed<T> {
    /// What was waited for.
    Done(T),
    /// Something else, in words for the message of the failure.
    NotYet(String),
}

impl<T> Observed<T> {
    /// Takes a value that is as wanted, and describes one that is not.
    pub fn when(is_so: bool, value: T, describe: impl FnOnce(&T) -> String) -> Self {
        if is_so { Self::Done(value) } else { Self::NotYet(describe(&value)) }
    }
}

/// Polls until `poll` has seen what is waited for; an error of it ends the wait.
pub fn eventually<T>(
    what: &str,
    limit: Duration,
    mut poll: impl FnMut() -> Result<Observed<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        let last = match poll()? {
            Observed::Done(value) => return Ok(value),
            Observed::NotYet(last) => last,
        };
        if started.elapsed() > limit {
            bail!("waited {limit:?} in vain for {what}; last seen: {last}");
        }
        thread::sleep((started.elapsed() / 10).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Observed, eventually};

    #[test]
    fn it_ends_when_the_state_is_as_wanted_and_says_what_it_waited_for_when_it_never_is() {
        let mut count = 0;
        let third = eventually("the third", Duration::from_mins(1), || {
            count += 1;
            Ok(Observed::when(count == 3, count, |count| format!("number {count}")))
        });
        assert_eq!(third.expect("the third"), 3);
        let never = eventually("a miracle", Duration::ZERO, || {
            Ok(Observed::<()>::NotYet("nothing".to_owned()))
        });
        assert_eq!(
            never.expect_err("never").to_string(),
            "waited 0ns in vain for a miracle; last seen: nothing"
        );
    }
}
