//! Work on many things at once, with a progress bar, in the order of the input.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// Runs `work` on every item, on all processors. The first error ends it.
pub fn parallel<T: Sync, R: Send>(
    label: &'static str,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let bar = bar(label, items.len() as u64);
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    bar.inc(1);
                    // A poisoned lock only means that another worker panicked; the scope passes that on.
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((index, result));
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A bar for `total` steps; silent where stderr is no terminal.
pub fn bar(label: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(label);
    if let Ok(style) = ProgressStyle::with_template("{msg:>20} {bar:40} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keeps_the_order_and_reports_errors() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(parallel("test", &items, |n| Ok(n * 2)).unwrap()[99], 198);
        assert!(
            parallel("test", &items, |n| if *n == 50 {
                anyhow::bail!("fifty")
            } else {
                Ok(())
            })
            .is_err()
        );
    }
}
