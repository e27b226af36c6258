//! Who listens to the engine: terminal, mock's console, mock's log files, JSON lines, CI services.

mod ci;
mod json;
mod logfiles;
mod mock;
mod pyrepr;
mod terminal;

use std::time::SystemTime;

use rpmkit_core::event::{Event, Listener};

pub use self::{
    ci::CiLog,
    json::{JsonLines, failure_line, result_line},
    logfiles::{LogFiles, Unbalanced},
    mock::MockConsole,
    pyrepr::quoted as python_quoted,
    terminal::People,
};

/// Passes every event on to several listeners, in order.
#[derive(Default)]
pub struct Fanout(Vec<Box<dyn Listener>>);

impl Fanout {
    /// Adds one at the end.
    #[must_use]
    pub fn with(mut self, listener: impl Listener + 'static) -> Self {
        self.0.push(Box::new(listener));
        self
    }

    /// Adds one at the end if there is one.
    #[must_use]
    pub fn with_option(self, listener: Option<impl Listener + 'static>) -> Self {
        match listener {
            Some(listener) => self.with(listener),
            None => self,
        }
    }
}

impl Listener for Fanout {
    fn on_event(&self, at: SystemTime, event: &Event) {
        for listener in &self.0 {
            listener.on_event(at, event);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::Duration;

    use rpmkit_core::event::{Level, Log, Phase, Unit};

    use super::*;

    /// 2026-01-02 03:04:05.678 UTC.
    pub(crate) fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_678)
    }

    /// A short build with something of everything in it.
    pub(crate) fn story() -> Vec<Event> {
        let message = |level, log, text: &str| Event::Message {
            level,
            log,
            text: text.into(),
        };
        vec![
            message(Level::Info, None, "calculated the chroot"),
            Event::State {
                start: true,
                what: "run".into(),
            },
            Event::PhaseStart {
                phase: Phase::Download,
                what: "3 packages".into(),
            },
            Event::Progress {
                phase: Phase::Download,
                label: "bash".into(),
                done: 10,
                total: 20,
                unit: Unit::Bytes,
            },
            message(Level::Debug, Some(Log::Root), "mirror 2 is slow"),
            message(Level::Warning, Some(Log::Root), "mirror 1 is gone"),
            Event::PhaseEnd {
                phase: Phase::Download,
                what: "3 packages".into(),
                took: Duration::from_millis(1234),
                ok: true,
            },
            Event::State {
                start: true,
                what: "rpmbuild demo".into(),
            },
            Event::PhaseStart {
                phase: Phase::Rpmbuild,
                what: "demo-1.0-1".into(),
            },
            Event::Command {
                log: Log::Build,
                argv: vec!["bash".into(), "-c".into(), "rpmbuild -bb it's".into()],
                env: vec![("LANG".into(), "C.UTF-8".into())],
            },
            Event::output(Log::Build, b"\x1b[1mchecking\x1b[0m for gcc... gcc"),
            Event::output(Log::Build, b""),
            Event::CommandEnd {
                log: Log::Build,
                status: 1,
            },
            Event::PhaseEnd {
                phase: Phase::Rpmbuild,
                what: "demo-1.0-1".into(),
                took: Duration::from_secs(75),
                ok: false,
            },
            Event::State {
                start: false,
                what: "rpmbuild demo".into(),
            },
            Event::State {
                start: false,
                what: "run".into(),
            },
            Event::Artifact {
                path: "/results/demo-1.0-1.src.rpm".into(),
            },
        ]
    }

    pub(crate) fn tell(listener: &impl Listener) {
        for event in story() {
            listener.on_event(noon(), &event);
        }
    }

    #[test]
    fn every_listener_hears_in_order() {
        use crate::printer::{Face, Printer, Verbosity};
        let (printer, out, err) = Printer::captured(Face::Mock, Verbosity::Normal);
        let both = Fanout::default()
            .with(MockConsole::new(printer.clone(), false))
            .with_option(None::<MockConsole>)
            .with(JsonLines::new(printer));
        tell(&both);
        assert_eq!(out.text().lines().count(), story().len());
        assert!(err.text().contains("mirror 1"));
    }
}
