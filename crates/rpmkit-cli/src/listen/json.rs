//! JSON lines: one object an event on standard output, the last one telling the end.

use std::time::SystemTime;

use rpmkit_core::event::{Event, Listener};
use serde::Serialize;

use crate::{failure::Failure, printer::Printer};

/// Writes each event as a line `{"at": …, "event": …, …}`.
pub struct JsonLines {
    printer: Printer,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    event: &'a Event,
}

impl JsonLines {
    /// Writes through `printer`.
    pub fn new(printer: Printer) -> Self {
        Self { printer }
    }
}

impl Listener for JsonLines {
    fn on_event(&self, at: SystemTime, event: &Event) {
        let at =
            jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |t| format!("{t:.3}"));
        if let Ok(text) = serde_json::to_string(&Line { at, event }) {
            self.printer.data(text);
        }
    }
}

/// The last line of a run that failed: `{"event": "failure", …}` with the report's members when there
/// is a report, else message, hints and exit code.
pub fn failure_line(failure: &Failure) -> String {
    let mut object = serde_json::Map::new();
    object.insert("event".into(), "failure".into());
    let body = match &failure.report {
        Some(report) => serde_json::to_value(report),
        None => Ok(serde_json::json!({
            "message": failure.message,
            "hints": failure.hints,
            "exit_code": failure.code,
        })),
    };
    if let Ok(serde_json::Value::Object(body)) = body {
        object.extend(body);
    }
    serde_json::Value::Object(object).to_string()
}

/// The last line of a run that worked: `{"event": "result", …}` with the members of `value`.
pub fn result_line(value: &impl Serialize) -> String {
    let mut object = serde_json::Map::new();
    object.insert("event".into(), "result".into());
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(body)) => object.extend(body),
        Ok(other) => {
            object.insert("value".into(), other);
        }
        Err(error) => {
            object.insert("error".into(), error.to_string().into());
        }
    }
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        listen::tests::tell,
        printer::{Face, Verbosity},
    };

    #[test]
    fn lines() {
        let (printer, out, err) = Printer::captured(Face::People, Verbosity::Normal);
        tell(&JsonLines::new(printer));
        assert_eq!(err.text(), "");
        let text = out.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            r#"{"at":"2026-01-02T03:04:05.678Z","event":"message","level":"info","log":null,"text":"calculated the chroot"}"#
        );
        assert_eq!(
            lines[6],
            r#"{"at":"2026-01-02T03:04:05.678Z","event":"phase-end","phase":"download","what":"3 packages","took":1.234,"ok":true}"#
        );
        for line in lines {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn endings() {
        let failure = Failure::command_line("no such chroot `x`").hint("see the list");
        assert_eq!(
            failure_line(&failure),
            r#"{"event":"failure","message":"no such chroot `x`","hints":["see the list"],"exit_code":5}"#
        );
        assert_eq!(
            result_line(&serde_json::json!({"packages": []})),
            r#"{"event":"result","packages":[]}"#
        );
    }
}
