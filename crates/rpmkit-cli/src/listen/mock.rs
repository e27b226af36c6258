//! mock's console: `LEVEL: text` and `Start: X` lines on standard error.

use std::time::SystemTime;

use rpmkit_core::event::{Event, Level, Listener, Log, MockLog};

use super::logfiles::{executing, level_name, returned};
use crate::{
    printer::{Printer, Verbosity},
    visible::left_on_screen,
};

/// Listener that speaks as mock does.
pub struct MockConsole {
    printer: Printer,
    main_output: bool,
}

impl MockConsole {
    /// `main_output` is mock's option `print_main_output`: the output of rpmbuild and of the package
    /// manager goes to standard output.
    pub fn new(printer: Printer, main_output: bool) -> Self {
        Self {
            printer,
            main_output,
        }
    }

    fn debug(&self, log: Log, text: &str) {
        if log == Log::Root && self.least() == Level::Debug {
            self.printer.line(format!("DEBUG: {text}"));
        }
    }

    fn least(&self) -> Level {
        match self.printer.verbosity() {
            Verbosity::Quiet => Level::Warning,
            Verbosity::Normal => Level::Info,
            Verbosity::Verbose => Level::Debug,
        }
    }
}

impl Listener for MockConsole {
    fn on_event(&self, _: SystemTime, event: &Event) {
        match event {
            Event::Message { level, log, text } => {
                // build.log has its own lines; the console repeats only what is wrong.
                let least = match log {
                    Some(Log::Build) => self.least().max(Level::Warning),
                    _ => self.least(),
                };
                if *level >= least {
                    self.printer.line(format!("{}: {text}", level_name(*level)));
                }
            }
            Event::State { start, what } => {
                let word = if *start { "Start" } else { "Finish" };
                self.printer.say(format!("{word}: {what}"));
            }
            Event::Narrative { level, log, text } => match log {
                MockLog::State => self.printer.say(text),
                MockLog::Root if *level >= self.least() => {
                    self.printer.line(format!("{}: {text}", level_name(*level)));
                }
                MockLog::Root => {}
            },
            Event::Command { log, argv, env } => self.debug(*log, &executing(argv, env)),
            Event::CommandEnd { log, status } => self.debug(*log, &returned(*status)),
            Event::Output { log, line, .. } => {
                if self.main_output {
                    self.printer.data(left_on_screen(line));
                } else {
                    self.debug(*log, &left_on_screen(line));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{listen::tests::tell, printer::Face};

    fn console(verbosity: Verbosity, main_output: bool) -> (String, String) {
        let (printer, out, err) = Printer::captured(Face::Mock, verbosity);
        tell(&MockConsole::new(printer, main_output));
        (out.text(), err.text())
    }

    #[test]
    fn events_are_told_as_mock_tells_them() {
        let (out, err) = console(Verbosity::Normal, false);
        assert_eq!(out, "");
        assert_eq!(
            err,
            "INFO: calculated the chroot\n\
             Start: run\n\
             WARNING: mirror 1 is gone\n\
             Start: rpmbuild demo\n\
             Finish: rpmbuild demo\n\
             Finish: run\n"
        );
    }

    #[test]
    fn quiet_tells_less_and_verbose_more() {
        assert_eq!(
            console(Verbosity::Quiet, false).1,
            "WARNING: mirror 1 is gone\n"
        );
        assert!(
            console(Verbosity::Verbose, false)
                .1
                .contains("DEBUG: mirror 2 is slow\n")
        );
    }

    #[test]
    fn what_only_mock_says_has_its_form() {
        let (printer, _, err) = Printer::captured(Face::Mock, Verbosity::Verbose);
        let console = MockConsole::new(printer, false);
        let say = |log, text: &str| {
            let (level, text) = (Level::Info, text.into());
            console.on_event(SystemTime::now(), &Event::Narrative { level, log, text });
        };
        say(MockLog::State, "Mock Version: 6.7");
        say(MockLog::Root, "calling preinit hooks");
        let (log, status) = (Log::Root, 3);
        console.on_event(SystemTime::now(), &Event::CommandEnd { log, status });
        assert_eq!(
            err.text(),
            "Mock Version: 6.7\nINFO: calling preinit hooks\nDEBUG: Child return code was: 3\n"
        );
    }

    #[test]
    fn main_output_is_data() {
        assert!(
            console(Verbosity::Quiet, true)
                .0
                .contains("for gcc... gcc\n")
        );
    }
}
