//! What test frameworks leave behind: JUnit's XML, CTest's list, the logs of automake and Meson. They
//! name what failed where the output does not, or was kept to a summary.

use serde::{Deserialize, Serialize};

use crate::{
    diagnose::tests_sentence,
    failure::{FailureCause, FailureReport},
};

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestReportKind {
    /// `Testing/Temporary/LastTestsFailed.log`: `2:name`.
    CTest,
    /// `test-suite.log`: `FAIL: name`.
    Automake,
    /// `meson-logs/testlog.json`: an object a line.
    Meson,
    /// `<testsuite>` with a `<testcase>` each; some write it beside a form of their own.
    JUnit,
}

impl TestReportKind {
    /// What a file of that name below the sources is; JUnit's may be anything, and are told by what
    /// they begin with.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "LastTestsFailed.log" => Self::CTest,
            "test-suite.log" => Self::Automake,
            "testlog.json" => Self::Meson,
            _ if name.ends_with(".xml") => Self::JUnit,
            _ => return None,
        })
    }
}

/// One file a framework left, as much of it as was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// What it is.
    pub kind: TestReportKind,
    /// Its text.
    pub text: String,
}

/// What the files tell together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    framework: String,
    tests: Vec<String>,
    total: u64,
    detail: Option<String>,
}

/// Most tests named in a report.
const MOST: usize = 1000;

/// Puts into a report what files of test frameworks tell and it does not: which tests failed, and of how
/// many. A report on anything but failed tests stays as it is.
pub fn complete(report: &mut FailureReport, files: &[TestReport]) {
    let (known, count, total) = match &report.cause {
        FailureCause::TestsFailed {
            tests,
            failed,
            total,
            ..
        } => (tests.len() as u64, *failed, *total),
        FailureCause::Section { section } if section == "%check" => (0, 0, None),
        _ => return,
    };
    let enough = known > 0 && known >= count && total.is_some();
    let Some(told) = (!enough).then(|| read(files)).flatten() else {
        return;
    };
    let failed = told.tests.len() as u64;
    // Files of an earlier or another run tell nothing about this one.
    if failed == 0 || count > 0 && failed != count {
        return;
    }
    let total = Some(told.total).filter(|total| *total >= failed).or(total);
    let section = "%check".to_owned();
    let sentence = tests_sentence(
        &told.framework,
        &told.tests,
        failed,
        total,
        told.detail.as_deref(),
    );
    report.message = format!("`{section}` failed: {sentence}");
    report.cause = FailureCause::TestsFailed {
        section: Some(section),
        framework: told.framework,
        tests: told.tests,
        failed,
        total,
    };
}

fn read(files: &[TestReport]) -> Option<Told> {
    let mut kinds: Vec<TestReportKind> = files.iter().map(|file| file.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // One kind at a time: Meson writes the same in two forms.
    kinds.into_iter().find_map(|kind| {
        let mut told = Told::default();
        for file in files.iter().filter(|file| file.kind == kind) {
            match kind {
                TestReportKind::JUnit => junit(&file.text, &mut told),
                TestReportKind::CTest => ctest(&file.text, &mut told),
                TestReportKind::Automake => automake(&file.text, &mut told),
                TestReportKind::Meson => meson(&file.text, &mut told),
            }
        }
        told.tests.truncate(MOST);
        (!told.tests.is_empty()).then_some(told)
    })
}

/// Walks the tags; a parser of XML would be more than these files need.
fn junit(text: &str, told: &mut Told) {
    let mut test: Option<String> = None;
    for piece in text.split('<').skip(1) {
        let tag = piece.split('>').next().unwrap_or(piece);
        if tag.starts_with("testsuite ") && told.framework.is_empty() {
            told.framework = match attribute(tag, "name").as_deref() {
                Some("pytest") => "pytest".to_owned(),
                _ => "the suite".to_owned(),
            };
        } else if tag.starts_with("testcase") {
            let name = attribute(tag, "name").unwrap_or_default();
            let name = match attribute(tag, "classname").filter(|class| !class.is_empty()) {
                Some(class) => format!("{class}.{name}"),
                None => name,
            };
            told.total += 1;
            test = (!tag.ends_with('/')).then_some(name);
        } else if tag.starts_with("/testcase") {
            test = None;
        } else if (tag.starts_with("failure") || tag.starts_with("error"))
            && let Some(name) = test.take()
        {
            if told.detail.is_none() {
                told.detail = attribute(tag, "message")
                    .and_then(|why| why.lines().next().map(|line| line.trim().to_owned()))
                    .filter(|why| !why.is_empty());
            }
            told.tests.push(name);
        }
    }
    if told.framework.is_empty() {
        told.framework = "the suite".to_owned();
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    let plain = value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#10;", "\n")
        .replace("&amp;", "&");
    Some(plain)
}

fn ctest(text: &str, told: &mut Told) {
    told.framework = "ctest".to_owned();
    let names = text.lines().filter_map(|line| line.split_once(':'));
    told.tests
        .extend(names.map(|(_, name)| name.trim().to_owned()));
}

fn automake(text: &str, told: &mut Told) {
    told.framework = "automake".to_owned();
    for line in text.lines() {
        if let Some(count) = line.strip_prefix("# TOTAL:") {
            told.total += count.trim().parse::<u64>().unwrap_or(0);
            continue;
        }
        let name = ["FAIL: ", "ERROR: ", "XPASS: "]
            .iter()
            .find_map(|word| line.strip_prefix(word));
        if let Some(name) = name
            .map(str::trim)
            .filter(|name| !told.tests.iter().any(|one| one == name))
        {
            told.tests.push(name.to_owned());
        }
    }
}

fn meson(text: &str, told: &mut Told) {
    told.framework = "meson".to_owned();
    for line in text.lines() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        let (Some(name), Some(result)) = (value["name"].as_str(), value["result"].as_str()) else {
            continue;
        };
        told.total += 1;
        if matches!(
            result,
            "FAIL" | "ERROR" | "TIMEOUT" | "UNEXPECTEDPASS" | "INTERRUPT"
        ) {
            told.tests.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use rpmkit_types::ExitCode;

    use super::*;

    fn report() -> FailureReport {
        let cause = FailureCause::Section {
            section: "%check".into(),
        };
        FailureReport::new(ExitCode::General, cause, "`%check` failed at `run-tests`")
    }

    #[track_caller]
    fn check(kind: TestReportKind, text: &str, message: &str) {
        let mut report = report();
        complete(
            &mut report,
            &[TestReport {
                kind,
                text: text.to_owned(),
            }],
        );
        assert_eq!(report.message, message);
    }

    #[test]
    fn every_kind_names_what_failed() {
        check(
            TestReportKind::JUnit,
            "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\" tests=\"3\"><testcase classname=\"test_a\" name=\"test_good\" time=\"0\" /><testcase classname=\"test_a\" name=\"test_bad\"><failure message=\"assert 1 &lt; 0&#10;more\">x</failure></testcase><testcase classname=\"test_a\" name=\"test_odd\"><skipped/></testcase></testsuite></testsuites>",
            "`%check` failed: 1 of 3 tests of pytest: `test_a.test_bad` (assert 1 < 0)",
        );
        check(
            TestReportKind::CTest,
            "2:crash\n3:slow\n",
            "`%check` failed: 2 tests of ctest: `crash`, `slow`",
        );
        check(
            TestReportKind::Automake,
            "# TOTAL: 3\n# FAIL:  1\n\nFAIL: t2\n========\n",
            "`%check` failed: 1 of 3 tests of automake: `t2`",
        );
        check(
            TestReportKind::Meson,
            "{\"name\":\"a\",\"result\":\"OK\"}\n{\"name\":\"b\",\"result\":\"FAIL\"}\nnonsense\n",
            "`%check` failed: 1 of 2 tests of meson: `b`",
        );
    }

    #[test]
    fn what_the_output_told_stands_where_the_files_are_of_another_run() {
        let mut report = report();
        report.cause = FailureCause::TestsFailed {
            section: Some("%check".into()),
            framework: "ctest".into(),
            tests: Vec::new(),
            failed: 2,
            total: None,
        };
        let before = report.clone();
        let file = TestReport {
            kind: TestReportKind::CTest,
            text: "1:old\n".into(),
        };
        complete(&mut report, &[file]);
        assert_eq!(report, before);
        let mut other = FailureReport::new(ExitCode::General, FailureCause::Other, "no");
        complete(&mut other, &[]);
        assert_eq!(other.message, "no");
    }

    #[test]
    fn files_are_known_by_name() {
        assert_eq!(
            TestReportKind::of("test-suite.log"),
            Some(TestReportKind::Automake)
        );
        assert_eq!(
            TestReportKind::of("TEST-a.xml"),
            Some(TestReportKind::JUnit)
        );
        assert_eq!(TestReportKind::of("config.log"), None);
    }
}
