//! What tools print when they fail, and what a report must make of it.
//!
//! The files below `tests/printed` hold recorded output of failing sections, in the words of the tools'
//! own releases. A case begins with `=== NAME`, and `[%section]` where it is not `%build`. Lines of its
//! head, up to `---`:
//!
//! - `$ COMMAND`: what rpm's tracing announced; `+ COMMAND` one before it
//! - `says:` a part of the message, `never:` one of neither message nor hints
//! - `hint:` a part of one of the hints
//! - `want: KIND NAME` something to look up in repositories
//! - `at: FILE:LINE` the place in the sources
//!
//! The test prints a table; `cargo test -p rpmkit-results --test printed -- --nocapture` shows it.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

use std::{fs, path::Path};

use rpmkit_results::{
    diagnose::{End, Evidence, diagnose},
    failure::FailureReport,
};
use rpmkit_types::event::Phase;

/// One recorded failure.
#[derive(Debug, Default)]
struct PrintedCase {
    file: String,
    name: String,
    section: String,
    before: Vec<String>,
    command: String,
    says: Vec<String>,
    never: Vec<String>,
    hint: Vec<String>,
    want: Vec<String>,
    at: Option<String>,
    printed: Vec<String>,
}

impl PrintedCase {
    fn report(&self) -> FailureReport {
        let mut lines = vec![
            format!(
                "Executing({}): /bin/sh -e /var/tmp/rpm-tmp.abc",
                self.section
            ),
            "+ umask 022".to_owned(),
            "+ cd /builddir/build/BUILD".to_owned(),
        ];
        if self.section != "%prep" {
            lines.push("+ cd demo-1.0".to_owned());
        }
        lines.extend(self.before.iter().map(|command| format!("+ {command}")));
        lines.push(format!("+ {}", self.command));
        // A build leaves empty lines out of what it keeps.
        lines.extend(self.printed.iter().filter(|line| !line.is_empty()).cloned());
        let bad = format!(
            "Bad exit status from /var/tmp/rpm-tmp.abc ({})",
            self.section
        );
        lines.push(format!("error: {bad}"));
        lines.push("RPM build errors:".to_owned());
        lines.push(format!("    {bad}"));
        diagnose(&Evidence {
            phase: Phase::Rpmbuild,
            end: End::Status(1),
            lines: &lines,
            spec: None,
        })
    }

    /// What the report does not say as it must.
    fn judge(&self, report: &FailureReport) -> Vec<String> {
        let mut wrong = Vec::new();
        let hints: Vec<&str> = report.hints.iter().map(|hint| hint.0.as_str()).collect();
        for text in &self.says {
            if !report.message.contains(text.as_str()) {
                wrong.push(format!("does not say `{text}`"));
            }
        }
        for text in &self.never {
            if report.message.contains(text.as_str())
                || hints.iter().any(|hint| hint.contains(text.as_str()))
            {
                wrong.push(format!("says `{text}`"));
            }
        }
        for text in &self.hint {
            if !hints.iter().any(|hint| hint.contains(text.as_str())) {
                wrong.push(format!("does not hint `{text}`"));
            }
        }
        let wants: Vec<String> = report
            .wants
            .iter()
            .map(|want| {
                let value = serde_json::to_value(want).expect("a want is JSON");
                format!(
                    "{} {}",
                    value["kind"].as_str().unwrap_or_default(),
                    value["name"].as_str().unwrap_or_default()
                )
            })
            .collect();
        for want in &self.want {
            if !wants.contains(want) {
                wrong.push(format!("does not look for {want}, but for {wants:?}"));
            }
        }
        if let Some(at) = &self.at {
            let place = report
                .source
                .as_ref()
                .map(|place| format!("{}:{}", place.file.display(), place.line));
            if place.as_ref() != Some(at) {
                wrong.push(format!("is at {place:?}, not at {at}"));
            }
        }
        wrong
    }
}

fn read(dir: &Path) -> Vec<PrintedCase> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .expect("the directory of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let mut cases: Vec<PrintedCase> = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a file of cases");
        let mut head = false;
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("=== ") {
                let (name, section) = title
                    .strip_suffix(']')
                    .and_then(|title| title.rsplit_once(" ["))
                    .unwrap_or((title, "%build"));
                cases.push(PrintedCase {
                    file: path
                        .file_stem()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                    name: name.to_owned(),
                    section: section.to_owned(),
                    ..PrintedCase::default()
                });
                head = true;
                continue;
            }
            let case = cases.last_mut().expect("a case before its lines");
            if !head {
                case.printed.push(line.to_owned());
                continue;
            }
            if line == "---" {
                head = false;
                continue;
            }
            let (key, value) = line.split_once(' ').expect("a key and a value");
            let value = value.to_owned();
            match key {
                "$" => case.command = value,
                "+" => case.before.push(value),
                "says:" => case.says.push(value),
                "never:" => case.never.push(value),
                "hint:" => case.hint.push(value),
                "want:" => case.want.push(value),
                "at:" => case.at = Some(value),
                other => panic!("`{other}` in `{}` is no key", case.name),
            }
        }
    }
    cases
}

#[test]
fn a_report_names_what_the_tool_failed_with() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/printed");
    let cases = read(&dir);
    let mut bad = 0;
    for case in &cases {
        let report = case.report();
        let wrong = case.judge(&report);
        let mark = if wrong.is_empty() { "ok" } else { "NO" };
        println!("{mark:<3} {:<10} {}", case.file, case.name);
        println!("               {}", report.message);
        for hint in &report.hints {
            println!("               hint: {}", hint.0);
        }
        for text in &wrong {
            println!("            !! {text}");
        }
        bad += usize::from(!wrong.is_empty());
    }
    println!("of {}: right {}", cases.len(), cases.len() - bad);
    assert_eq!(bad, 0, "reports do not say what they must");
}
