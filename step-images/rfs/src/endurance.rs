//! How long does a process go on in the face of passing faults?
//!
//! A process that ends is started again, but not without limit; so it endures a target that is
//! away for some minutes by itself, with longer and longer pauses.

use std::time::Duration;

/// For how long passing faults are endured without any progress between them.
const ENDURANCE: Duration = Duration::from_mins(10);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Passing faults without any progress between them.
#[derive(Debug, Default)]
pub struct Trouble {
    since: Option<Duration>,
    pauses: u32,
}

impl Trouble {
    /// Notes a fault and says how long to wait; `None` if this has been going on for too long.
    pub fn pause(&mut self, now: Duration) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= ENDURANCE {
            return None;
        }
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.pauses));
        self.pauses += 1;
        Some(doubled.min(LONGEST_PAUSE))
    }

    /// Notes that something went well; answers whether there was trouble before.
    pub fn ends(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_faults_are_endured_for_minutes_and_not_for_ever() {
        let mut trouble = Trouble::default();
        let mut now = Duration::from_secs(100);
        let mut pauses = Vec::new();
        while let Some(pause) = trouble.pause(now) {
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses.iter().max(), Some(&LONGEST_PAUSE));
        assert!(now >= Duration::from_secs(100) + ENDURANCE);
        assert!(trouble.ends() && !trouble.ends());
        assert!(trouble.pause(now).is_some(), "progress starts the count again");
    }
}
