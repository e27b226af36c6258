//! mock's `package_manager_max_attempts`: what comes over the network is asked for again.

use std::{fmt::Display, thread, time::Duration};

use rpmkit_types::event::Events;

/// How often, and with which pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// One at least.
    pub count: u32,
    /// Time between two.
    pub delay: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            count: 1,
            delay: Duration::ZERO,
        }
    }
}

impl Attempts {
    /// Does `work` until it succeeds, and returns the last failure when it never does. `manager` is what the
    /// package manager is called.
    pub(crate) fn make<T, E: Display>(
        self,
        manager: &str,
        events: &Events,
        mut work: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        for attempt in 2..=self.count {
            match work() {
                Ok(done) => return Ok(done),
                Err(error) => {
                    events.warn(error.to_string());
                    events.warn(format!(
                        "{} command failed, retrying, attempt #{attempt}, sleeping {}s",
                        manager.to_uppercase(),
                        self.delay.as_secs()
                    ));
                }
            }
            thread::sleep(self.delay);
        }
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_tried_as_often_as_asked() {
        let tries = |count, good: u32| {
            let attempts = Attempts {
                count,
                ..Attempts::default()
            };
            let mut made = 0;
            let outcome = attempts.make("dnf4", &Events::silent(), || {
                made += 1;
                if made < good { Err("no") } else { Ok(made) }
            });
            (outcome, made)
        };
        assert_eq!(tries(3, 2), (Ok(2), 2));
        assert_eq!(tries(3, 9), (Err("no"), 3));
        assert_eq!(tries(1, 2), (Err("no"), 1));
    }
}
