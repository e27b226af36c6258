//! The terminal face for people: a line a phase with its time, live progress where there is a
//! terminal, output lines on request.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};
use rpmkit_core::event::{Event, Level, Listener, Phase, Unit};

use crate::{
    printer::{Printer, Tone, Verbosity},
    visible::{left_on_screen, one_line},
};

/// Listener that speaks to a person.
pub struct People {
    printer: Printer,
    live: bool,
    bars: Mutex<HashMap<(Phase, String), ProgressBar>>,
}

impl People {
    /// `live` shows the output of commands as it comes.
    pub fn new(printer: Printer, live: bool) -> Self {
        Self {
            printer,
            live,
            bars: Mutex::default(),
        }
    }

    fn start(&self, phase: Phase, what: &str) {
        if let Some(bars) = self.printer.progress() {
            let bar = bars.add(ProgressBar::new_spinner().with_style(spinner()));
            bar.set_prefix(one_line(&titled(phase, what)).into_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bars().insert((phase, what.to_owned()), bar);
        } else if slow(phase) || self.printer.verbosity() == Verbosity::Verbose {
            // Without a live display a log would stay silent for minutes.
            self.printer.say(format!("  {}", titled(phase, what)));
        }
    }

    fn end(&self, phase: Phase, what: &str, took: Duration, ok: bool) {
        if let Some(bar) = self.bars().remove(&(phase, what.to_owned())) {
            bar.finish_and_clear();
        }
        // A line for nothing is noise; --verbose has it, and so has the record.
        if ok && took < WORTH_A_LINE && self.printer.verbosity() < Verbosity::Verbose {
            return;
        }
        let mark = if ok {
            self.printer.paint(Tone::Good, "✓")
        } else {
            self.printer.paint(Tone::Bad, "✗")
        };
        let line = format!("{mark} {phase:<23}{:>11}  {what}", elapsed(took));
        self.printer.say(line.trim_end());
    }

    fn progress(&self, phase: Phase, label: &str, done: u64, total: u64, unit: Unit) {
        let bars = self.bars();
        let Some(bar) = bars
            .iter()
            .find_map(|((of, _), bar)| (*of == phase).then_some(bar))
        else {
            return;
        };
        if total > 0 && bar.length() != Some(total) {
            bar.set_length(total);
            bar.set_style(counted(unit));
        }
        bar.set_position(done);
        bar.set_message(one_line(label).into_owned());
    }

    fn output(&self, line: &str) {
        if self.live {
            self.printer.line(left_on_screen(line));
            return;
        }
        if self.printer.progress().is_none() {
            return;
        }
        let plain = left_on_screen(line);
        let room = self.printer.width().saturating_sub(40);
        let short: String = one_line(&plain).chars().take(room).collect();
        for bar in self.bars().values() {
            if bar.length().is_none() {
                bar.set_message(short.clone());
            }
        }
    }

    fn bars(&self) -> std::sync::MutexGuard<'_, HashMap<(Phase, String), ProgressBar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for People {
    fn on_event(&self, _: SystemTime, event: &Event) {
        match event {
            Event::PhaseStart { phase, what } => self.start(*phase, what),
            Event::PhaseEnd {
                phase,
                what,
                took,
                ok,
            } => self.end(*phase, what, *took, *ok),
            Event::Progress {
                phase,
                label,
                done,
                total,
                unit,
            } => {
                self.progress(*phase, label, *done, *total, *unit);
            }
            Event::Output { line, .. } => self.output(line),
            Event::Message { level, text, .. } => match level {
                Level::Debug if self.printer.verbosity() < Verbosity::Verbose => {}
                Level::Debug => self.printer.line(self.printer.paint(Tone::Faint, text)),
                Level::Info => self.printer.say(text),
                Level::Warning => {
                    let word = self.printer.paint(Tone::Warn, "warning:");
                    self.printer.line(format!("{word} {text}"));
                }
                Level::Error => {
                    let word = self.printer.paint(Tone::Bad, "error:");
                    self.printer.line(format!("{word} {text}"));
                }
            },
            // Commands and states are for logs; artefacts are listed once, at the end, by the verb.
            _ => {}
        }
    }
}

/// Phases that took less are not told.
pub(super) const WORTH_A_LINE: Duration = Duration::from_millis(50);

fn titled(phase: Phase, what: &str) -> String {
    if what.is_empty() {
        phase.to_string()
    } else {
        format!("{phase} {what}")
    }
}

pub(super) fn slow(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Download | Phase::ToolRoot | Phase::Init | Phase::BuildDeps | Phase::Rpmbuild
    )
}

/// Seconds for people: `0.04 s`, `12.3 s`, `3 min 07 s`, `2 h 03 min`.
pub(crate) fn elapsed(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let whole = took.as_secs();
    if seconds < 1.0 {
        format!("{seconds:.2} s")
    } else if whole < 60 {
        format!("{seconds:.1} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
    }
}

fn styled(template: &str, otherwise: ProgressStyle) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or(otherwise)
}

fn spinner() -> ProgressStyle {
    styled(
        "{spinner} {prefix} {elapsed} {wide_msg:.dim}",
        ProgressStyle::default_spinner(),
    )
}

fn counted(unit: Unit) -> ProgressStyle {
    let template = match unit {
        Unit::Bytes => {
            "{spinner} {prefix} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {wide_msg:.dim}"
        }
        Unit::Items => "{spinner} {prefix} [{bar:24}] {pos}/{len} {wide_msg:.dim}",
    };
    styled(template, ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{listen::tests::tell, printer::Face};

    fn shown(verbosity: Verbosity, live: bool) -> String {
        let (printer, out, err) = Printer::captured(Face::People, verbosity);
        tell(&People::new(printer, live));
        assert_eq!(out.text(), "", "people are spoken to on standard error");
        err.text()
    }

    #[test]
    fn each_phase_is_a_line() {
        assert_eq!(
            shown(Verbosity::Normal, false),
            "calculated the chroot\n\
             \x20 download 3 packages\n\
             warning: mirror 1 is gone\n\
             ✓ download                     1.2 s  3 packages\n\
             \x20 rpmbuild demo-1.0-1\n\
             ✗ rpmbuild                1 min 15 s  demo-1.0-1\n"
        );
    }

    #[test]
    fn quiet_keeps_warnings_and_live_adds_output() {
        assert_eq!(
            shown(Verbosity::Quiet, false),
            "warning: mirror 1 is gone\n"
        );
        assert!(shown(Verbosity::Normal, true).contains("for gcc... gcc\n"));
    }

    #[test]
    fn what_took_no_time_is_not_told() {
        let event = Event::PhaseEnd {
            phase: Phase::Metadata,
            what: String::new(),
            took: Duration::from_millis(3),
            ok: true,
        };
        for (verbosity, lines) in [(Verbosity::Normal, 0), (Verbosity::Verbose, 1)] {
            let (printer, _, err) = Printer::captured(Face::People, verbosity);
            People::new(printer, false).on_event(SystemTime::now(), &event);
            assert_eq!(err.text().lines().count(), lines);
        }
    }

    #[test]
    fn times_read_well() {
        let of = |ms| elapsed(Duration::from_millis(ms));
        assert_eq!(of(40), "0.04 s");
        assert_eq!(of(59_940), "59.9 s");
        assert_eq!(of(187_000), "3 min 07 s");
        assert_eq!(of(7_390_000), "2 h 03 min");
    }
}
