//! Several addresses for one thing: which to try next, how often, and how long to wait.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    address::Address,
    cause::{FetchCause, FetchFailure, FetchFailures},
    options::TransportOptions,
};

/// Attempts at one address before it counts as out of order, for failures that may pass.
const PER_MIRROR: u32 = 4;
/// Attempts over all mirrors at least allowed, however small `retries` is: a list of mirrors is
/// there to be used.
const OVERALL: usize = 12;
/// Longest wait between two rounds.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The addresses of one repository, shared by all transfers from it.
#[derive(Debug)]
pub struct Mirrors {
    list: Vec<(Address, AtomicU32)>,
}

impl Mirrors {
    /// All addresses, the best first.
    pub fn new(addresses: Vec<Address>) -> Self {
        Self {
            list: addresses
                .into_iter()
                .map(|a| (a, AtomicU32::new(0)))
                .collect(),
        }
    }

    /// The addresses in the order given.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.list.iter().map(|(address, _)| address)
    }

    /// Best first: in the order given, but those that failed lately go to the end.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|i| self.list[*i].1.load(Ordering::Relaxed));
        order
    }

    /// Calls `attempt` with one address after the other until it succeeds or no hope is left.
    /// Failures that may pass are tried again after a wait that doubles from `wait`. `file` is the
    /// path below the address, for messages; empty for the address itself.
    pub fn each<T>(
        &self,
        file: &str,
        options: &TransportOptions,
        wait: Duration,
        mut attempt: impl FnMut(&Address) -> Result<T, FetchCause>,
    ) -> Result<(T, &Address), FetchFailures> {
        let limit = match options.retries {
            0 => usize::MAX,
            n => (n as usize).max(OVERALL),
        };
        let per_mirror = match options.retries {
            0 => u32::MAX,
            n => n.min(PER_MIRROR),
        };
        let mut failures = Vec::new();
        let mut alive: Vec<(usize, u32)> = self.order().into_iter().map(|i| (i, 0)).collect();
        let mut round = 0;
        loop {
            let mut next = Vec::new();
            for (index, failed) in std::mem::take(&mut alive) {
                let (address, penalty) = &self.list[index];
                let cause = match attempt(address) {
                    Ok(value) => return Ok((value, address)),
                    Err(cause) => cause,
                };
                penalty.fetch_add(1, Ordering::Relaxed);
                // Wrong bytes may be a fault of the way; a file of this machine has no way to go.
                let garbled = matches!(cause, FetchCause::Digest { .. });
                let once_more = garbled && failed == 0 && address.local().is_none();
                if (cause.transient() || once_more) && failed + 1 < per_mirror {
                    next.push((index, failed + 1));
                }
                let hopeless = cause.final_everywhere();
                let url = match file {
                    "" => address.shown(),
                    file => address
                        .join(file)
                        .map_or_else(|_| address.shown(), |whole| whole.shown()),
                };
                failures.push(FetchFailure { url, cause });
                if hopeless || failures.len() >= limit {
                    return Err(FetchFailures(failures));
                }
                // Endless retries must not fill the memory.
                if failures.len() > 1000 {
                    failures.drain(..500);
                }
            }
            if next.is_empty() {
                return Err(FetchFailures(failures));
            }
            alive = next;
            std::thread::sleep(LONGEST_WAIT.min(wait.saturating_mul(1 << round.min(16))));
            round += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mirrors(count: usize) -> Mirrors {
        Mirrors::new(
            (0..count)
                .map(|i| Address::Local(format!("/{i}").into()))
                .collect(),
        )
    }

    fn log_of(
        mirrors: &Mirrors,
        retries: u32,
        mut outcome: impl FnMut(&str, usize) -> Result<(), FetchCause>,
    ) -> (Vec<String>, bool) {
        let options = TransportOptions {
            retries,
            ..TransportOptions::default()
        };
        let mut log = Vec::new();
        let result = mirrors.each("", &options, Duration::ZERO, |address| {
            log.push(address.shown());
            outcome(&address.shown(), log.len())
        });
        (log, result.is_ok())
    }

    #[test]
    fn a_dead_mirror_is_left_at_once_and_remembered() {
        let mirrors = mirrors(2);
        let (log, ok) = log_of(&mirrors, 10, |at, _| match at {
            "/0" => Err(FetchCause::Status(404)),
            _ => Ok(()),
        });
        assert_eq!((log.join(" ").as_str(), ok), ("/0 /1", true));
        let (log, _) = log_of(&mirrors, 10, |_, _| Ok(()));
        assert_eq!(log, ["/1"]);
    }

    #[test]
    fn passing_failures_are_tried_again_within_limits() {
        let (log, ok) = log_of(&mirrors(1), 10, |_, n| match n {
            1 | 2 => Err(FetchCause::Status(503)),
            _ => Ok(()),
        });
        assert_eq!((log.len(), ok), (3, true));
        let (log, ok) = log_of(&mirrors(1), 10, |_, _| Err(FetchCause::Status(503)));
        assert_eq!((log.len(), ok), (4, false));
        let (log, _) = log_of(&mirrors(1), 2, |_, _| Err(FetchCause::Status(503)));
        assert_eq!(log.len(), 2);
        // Zero means no limit.
        let (log, ok) = log_of(&mirrors(1), 0, |_, n| match n {
            0..30 => Err(FetchCause::Status(503)),
            _ => Ok(()),
        });
        assert_eq!((log.len(), ok), (30, true));
        let (log, _) = log_of(&mirrors(50), 1, |_, _| Err(FetchCause::Missing));
        assert_eq!(log.len(), 12);
    }
}
