//! A chain as JUnit XML, for CI services: a test suite a chroot, a test a build.

use std::{collections::BTreeMap, fmt::Write as _};

use super::report::{ChainReport, ChainRow, RowState};

/// The document.
pub fn document(report: &ChainReport) -> String {
    let mut suites: BTreeMap<&str, Vec<&ChainRow>> = BTreeMap::new();
    for row in &report.builds {
        suites.entry(&row.chroot).or_default().push(row);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (chroot, rows) in suites {
        let count = |of: fn(RowState) -> bool| rows.iter().filter(|row| of(row.state)).count();
        let time: f64 = rows.iter().map(|row| row.seconds).sum();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{time:.3}\">",
            escaped(chroot),
            rows.len(),
            count(|s| s == RowState::Failed),
            count(|s| matches!(s, RowState::Blocked | RowState::NotTried)),
        );
        for row in rows {
            let _ = write!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(chroot),
                escaped(&row.package),
                row.seconds
            );
            let reason = escaped(row.reason.as_deref().unwrap_or_default());
            let _ = match row.state {
                RowState::Built | RowState::Reused => writeln!(out, "/>"),
                RowState::Failed => {
                    writeln!(
                        out,
                        ">\n      <failure message=\"{reason}\"/>\n    </testcase>"
                    )
                }
                RowState::Blocked | RowState::NotTried => {
                    writeln!(
                        out,
                        ">\n      <skipped message=\"{reason}\"/>\n    </testcase>"
                    )
                }
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for XML and HTML: nothing in it is markup, and nothing that XML does not allow.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::report::{REPORT_FORMAT, tests::row};

    #[test]
    fn failures_and_skipped_ones_are_told_and_nothing_is_markup() {
        let report = ChainReport {
            format: REPORT_FORMAT,
            seconds: 4.0,
            builds: vec![
                row("a", RowState::Reused, None),
                row("b", RowState::Failed, Some("\"<x>\" & \u{1}")),
                row("c", RowState::Blocked, Some("waits for b")),
            ],
        };
        let text = document(&report);
        assert!(
            text.contains("tests=\"3\" failures=\"1\" skipped=\"1\" time=\"6.000\""),
            "{text}"
        );
        assert!(
            text.contains("<failure message=\"&quot;&lt;x&gt;&quot; &amp; \u{fffd}\"/>"),
            "{text}"
        );
        assert!(text.contains("<skipped message=\"waits for b\"/>"));
    }
}
