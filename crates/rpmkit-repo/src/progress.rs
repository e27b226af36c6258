//! Counts bytes of several transfers at once and tells listeners now and then.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use rpmkit_types::event::{Event, Events, Phase, Unit};

/// Time between two reports.
const EVERY: Duration = Duration::from_millis(100);

pub(super) struct Meter<'a> {
    events: &'a Events,
    phase: Phase,
    label: String,
    total: u64,
    done: AtomicI64,
    last: Mutex<Option<Instant>>,
}

impl<'a> Meter<'a> {
    /// `total` is zero when it is not known.
    pub fn new(events: &'a Events, phase: Phase, label: impl Into<String>, total: u64) -> Self {
        Self {
            events,
            phase,
            label: label.into(),
            total,
            done: AtomicI64::new(0),
            last: Mutex::new(None),
        }
    }

    /// So many bytes more (or fewer) are there.
    pub fn add(&self, bytes: i64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // A report somebody else is just making will do.
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        if last.is_none_or(|at| at.elapsed() >= EVERY) {
            *last = Some(Instant::now());
            self.report(u64::try_from(done).unwrap_or(0));
        }
    }

    /// All is there. Says nothing when nothing was ever reported.
    pub fn finish(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some() {
            let done = u64::try_from(self.done.load(Ordering::Relaxed)).unwrap_or(0);
            let end = if self.total == 0 { done } else { self.total };
            self.emit(end, end);
        }
    }

    fn report(&self, done: u64) {
        // The end is reported once, by `finish`.
        if self.total == 0 || done < self.total {
            self.emit(done, self.total);
        }
    }

    fn emit(&self, done: u64, total: u64) {
        self.events.emit(Event::Progress {
            phase: self.phase,
            label: self.label.clone(),
            done,
            total,
            unit: Unit::Bytes,
        });
    }
}
