//! A panic is a mistake of this program, in whatever thread: the run ends as any failed run does, with
//! everything cleaned up, and the report says whose mistake it is.
//!
//! The hook keeps the first panic and prints nothing; the threads unwind, which removes what they made;
//! the frame shows the report. A panic of a thread nobody waits for is shown at the end of the run.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::{Mutex, PoisonError},
};

use rpmkit_core::ExitCode;

use crate::failure::Failure;

/// What the hook saw first.
static FIRST: Mutex<Option<Report>> = Mutex::new(None);

struct Report {
    what: String,
    place: String,
    thread: String,
    trace: Option<String>,
}

/// From now on panics are kept instead of printed.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(note));
}

fn note(info: &PanicHookInfo<'_>) {
    let trace = Backtrace::capture();
    let report = Report {
        what: words(info.payload()).to_owned(),
        place: info.location().map(ToString::to_string).unwrap_or_default(),
        thread: std::thread::current()
            .name()
            .unwrap_or("unnamed")
            .to_owned(),
        trace: (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string()),
    };
    FIRST
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(report);
}

fn words(payload: &(dyn Any + Send)) -> &str {
    match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no words",
    }
}

/// Runs `body`; a panic in it is a failure.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Nothing of what `body` may have left half done is used afterwards but the printer and the logs,
    // which hold whole lines.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(outcome) => outcome,
        Err(payload) => Err(taken().unwrap_or_else(|| failure(words(&*payload), ""))),
    }
}

/// The first panic so far, as a failure.
pub(crate) fn taken() -> Option<Failure> {
    let report = FIRST
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()?;
    let place = format!(" (at {} in the thread `{}`)", report.place, report.thread);
    let failure = failure(&report.what, &place);
    Some(match report.trace {
        Some(trace) => failure.hint(format!("this is where it happened:\n{trace}")),
        None => failure.hint("run it again with RUST_BACKTRACE=1 to see how it came to that"),
    })
}

fn failure(what: &str, place: &str) -> Failure {
    Failure::new(
        ExitCode::General,
        format!("this is a bug of rpmkit, not of what you build: it panicked: {what}{place}"),
    )
    .hint(concat!(
        "please report it at ",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues with the command line and these lines"
    ))
}
