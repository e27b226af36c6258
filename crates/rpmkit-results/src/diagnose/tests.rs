#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::path::Path;

use super::*;

/// Diagnoses a recorded run of a real rpmbuild; `tests/rpmbuild-output` has them with their specs.
fn recorded(name: &str) -> FailureReport {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rpmbuild-output");
    let output = std::fs::read_to_string(dir.join(format!("{name}.txt"))).unwrap();
    let spec = format!("{}.spec", name.trim_end_matches("-bash"));
    let text = std::fs::read_to_string(dir.join("specs").join(&spec)).unwrap();
    let lines: Vec<String> = output.lines().map(str::to_owned).collect();
    diagnose(&Evidence {
        phase: Phase::Rpmbuild,
        end: End::Status(1),
        lines: &lines,
        spec: Some((Path::new(&spec), &text)),
    })
}

/// Message, and the text of the spec line pointed at.
fn said(name: &str) -> (String, Option<String>) {
    let report = recorded(name);
    (report.message, report.spec.and_then(|s| s.text))
}

#[track_caller]
fn check(name: &str, message: &str, spec_line: Option<&str>) {
    assert_eq!(
        said(name),
        (message.to_owned(), spec_line.map(str::to_owned)),
        "{name}"
    );
}

#[test]
fn a_failing_build_names_the_first_error() {
    check(
        "build-fails",
        "`%build` failed: hello.c:2:30: error: 'nothere' undeclared (first use in this function)",
        Some("make"),
    );
    let report = recorded("build-fails");
    assert_eq!(report.exit_code, 1);
    assert_eq!(report.lines[..2], ["+ make", "gcc -o hello hello.c"]);
    assert_eq!(
        report.lines.last().unwrap(),
        "make: *** [Makefile:2: all] Error 1"
    );
}

#[test]
fn a_failing_check_offers_nocheck() {
    check(
        "check-fails",
        "`%check` failed: 1 test of the suite: `test_one (expected 3, got 4)`",
        Some("exit 2"),
    );
    assert!(recorded("check-fails").hints[0].0.contains("--nocheck"));
}

#[test]
fn file_lists_are_compared_as_rpm_did() {
    assert_eq!(
        recorded("unpackaged").cause,
        FailureCause::UnpackagedFiles {
            files: vec!["/usr/share/demo/a".into(), "/usr/share/demo/b".into()]
        }
    );
    check(
        "unpackaged",
        "`/usr/share/demo/a` and `/usr/share/demo/b` installed but in no `%files`",
        Some("%files"),
    );
    assert_eq!(
        recorded("files-missing").cause,
        FailureCause::FilesMissing {
            files: vec![
                "/usr/bin/other".into(),
                "/usr/share/demo/*.txt".into(),
                "/usr/share/doc/demo-1.0/README.md".into(),
                "/usr/share/licenses/demo-1.0/COPYING".into()
            ]
        }
    );
    check(
        "files-missing",
        "`/usr/bin/other` and 3 more in `%files` but not installed",
        Some("/usr/bin/other"),
    );
}

#[test]
fn missing_build_dependencies_end_with_ten() {
    let report = recorded("missing-br");
    assert_eq!(
        report.cause,
        FailureCause::MissingBuildRequires {
            requirements: vec!["nosuch-devel".into(), "pkgconfig(nothere) >= 2".into()]
        }
    );
    assert_eq!(report.exit_code, 10);
    assert_eq!(
        report.spec.unwrap().text.unwrap(),
        "BuildRequires: nosuch-devel"
    );
}

#[test]
fn missing_sources_point_at_their_tag() {
    check(
        "missing-source",
        "the source `demo-1.0.tar.gz` is missing",
        Some("Source0: demo-1.0.tar.gz"),
    );
}

#[test]
fn a_spec_that_does_not_parse_keeps_rpms_line() {
    check(
        "parse",
        "the spec does not parse: Unknown tag: Foo: bar",
        Some("Foo: bar"),
    );
    check(
        "parse-if",
        "the spec does not parse: Unclosed %if",
        Some("%if 0%{?fedora} >= 30"),
    );
    check(
        "norelease",
        "the spec does not parse: Release field must be present in package: (main package)",
        None,
    );
}

#[test]
fn newer_rpm_names_the_file_before_the_line() {
    assert_eq!(
        rpm::spec_error("error: /builddir/build/SPECS/a.spec: line 9: Unknown tag: X"),
        Some((Some(9), "Unknown tag: X".to_owned()))
    );
    assert_eq!(
        rpm::spec_error("error: Bad exit status from x (%build)"),
        None
    );
}

#[test]
fn prep_tells_patches_from_directories() {
    check(
        "patch-fails",
        "the patch `fix.patch` does not apply: 1 of 1 hunks fail in `file`",
        Some("Patch0: fix.patch"),
    );
    for run in ["wrongdir", "wrongdir-bash"] {
        check(
            run,
            "the sources do not unpack to the directory `demo-2.0`",
            Some("%setup -q -n demo-2.0"),
        );
    }
    let report = recorded("badtar");
    assert_eq!(
        report.cause,
        FailureCause::BrokenArchive {
            file: Some("bad-1.0.tar.gz".into())
        }
    );
    assert!(
        report
            .lines
            .iter()
            .any(|l| l.contains("not look like a tar archive")),
        "{:?}",
        report.lines
    );
}

#[test]
fn what_a_section_misses_becomes_a_requirement() {
    for (run, requirement) in [
        ("header", "/usr/include/nosuch.h"),
        ("pymodule", "python3dist(nosuchmodule)"),
        ("pkgconfig", "pkgconfig(nothere)"),
    ] {
        assert_eq!(
            recorded(run).cause,
            FailureCause::MissingComponent {
                requirement: requirement.into(),
                section: Some("%build".into())
            },
            "{run}"
        );
    }
    for run in ["notool", "notool-bash"] {
        check(
            run,
            "`%build` calls `nosuchtool`, which is not installed",
            Some("nosuchtool --version"),
        );
    }
    check(
        "macro",
        "`%prep` uses the macro `%nosuchmacro`, which is not defined",
        Some("%nosuchmacro -q"),
    );
    assert!(
        matches!(recorded("macro-bash").cause, FailureCause::MissingCommand { command, .. } if command.starts_with('%'))
    );
}

/// Diagnoses what one section printed.
fn printed(section: &str, spec: &str, output: &str) -> FailureReport {
    let text = format!(
        "Executing({section}): /bin/sh -e /var/tmp/rpm-tmp.x\n+ umask 022\n{output}\nerror: Bad exit status from /var/tmp/rpm-tmp.x ({section})"
    );
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    diagnose(&Evidence {
        phase: Phase::Rpmbuild,
        end: End::Status(1),
        lines: &lines,
        spec: Some((Path::new("a.spec"), spec)),
    })
}

#[test]
fn what_was_tolerated_is_never_the_cause() {
    let spec = "%build\nV=$(git describe) || true\ncc -c a.c\n";
    let report = printed(
        "%build",
        spec,
        "++ git describe\n/var/tmp/rpm-tmp.x: line 29: git: command not found\n+ V=\n+ true\n+ cc -c a.c\na.c:1:5: error: no",
    );
    assert_eq!(report.message, "`%build` failed: a.c:1:5: error: no");
    assert_eq!(report.spec.unwrap().line, 3);
    let report = printed(
        "%check",
        "%check\nmake check\n",
        "+ make check\nPASS: full (No space left on device)\nFAIL: other\nmake: *** [Makefile:2: check] Error 1",
    );
    assert_eq!(
        report.message,
        "`%check` failed: 1 test of the suite: `other`"
    );
}

#[test]
fn the_first_error_of_the_failing_target_counts_however_far_up() {
    let mut output = "+ make -j2 -k\ngcc -c b.c\nb.c:9:1: error: the cause\nmake: *** [Makefile:3: b.o] Error 1\n".to_owned();
    for n in 0..300 {
        output.push_str(&format!("gcc -Wno-error -c cannot_fail{n}.c\n"));
    }
    output.push_str("c.c:1:1: error: another\nmake: *** [Makefile:3: c.o] Error 1\nmake: Target 'all' not remade because of errors.");
    let report = printed("%build", "%build\n%make_build\n", &output);
    assert_eq!(report.message, "`%build` failed: b.c:9:1: error: the cause");
    assert_eq!(report.source.unwrap().line, 9);
}

#[test]
fn downloads_are_named_by_what_was_wanted() {
    let said = |output: &str| {
        let report = printed(
            "%build",
            "%build\nsh ./tool\n",
            &format!("+ sh ./tool\n{output}"),
        );
        (report.message, report.hints[0].0.clone())
    };
    let (message, hint) = said(
        "  WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<x>: Failed to establish a new connection: no')': /simple/a/\n  ERROR: Could not find a version that satisfies the requirement flit-core>=3 (from versions: none)\n  ERROR: No matching distribution found for flit-core>=3",
    );
    assert!(
        message.ends_with("pip wants to download `flit-core`") && hint.contains("--enable-network")
    );
    let (message, hint) = said(
        "    Updating crates.io index\nwarning: spurious network error (1 tries remaining): Could not resolve host: c.invalid\nerror: failed to get `serde` as a dependency of package `a v1`\nCaused by:\n  Could not resolve host: c.invalid",
    );
    assert!(
        message.contains("failed to get `serde`") && hint.contains("cargo vendor"),
        "{message} {hint}"
    );
}

#[test]
fn tests_that_could_not_be_read_name_what_kept_them() {
    let report = printed(
        "%check",
        "%check\npytest\n",
        "+ pytest\nE   ModuleNotFoundError: No module named 'requests'\nERROR tests/test_a.py\n!!!! Interrupted: 1 error during collection !!!!\n==== 1 error in 0.1s ====",
    );
    assert_eq!(
        report.wants,
        [crate::want::MissingThing::Python("requests".into())]
    );
    let report = printed(
        "%check",
        "%check\n./t\n",
        "+ ./t\nt: main.c:5: main: Assertion `1 == 2' failed.\n/var/tmp/rpm-tmp.x: line 9: 7 Aborted (core dumped) ./t",
    );
    assert!(
        report.message.contains("Assertion `1 == 2' failed"),
        "{}",
        report.message
    );
}

#[test]
fn places_in_rpms_own_script_are_not_told() {
    let report = printed(
        "%build",
        "%build\n./gen\n",
        "+ ./gen\n/var/tmp/rpm-tmp.hgRdaX: line 30: ./gen: Permission denied",
    );
    assert_eq!(report.message, "`%build` failed: ./gen: Permission denied");
    assert!(report.hints[0].0.contains("chmod +x ./gen"));
}

#[test]
fn line_ends_of_dos_are_recognised() {
    let report = printed(
        "%build",
        "%build\r\ntrue\r\n",
        "+ $'true\\r'\n/var/tmp/rpm-tmp.x: line 33: $'true\\r': command not found",
    );
    assert_eq!(report.cause, FailureCause::CarriageReturns);
    assert!(report.hints[0].0.contains("dos2unix"));
}

#[test]
fn a_section_the_shell_cannot_read_is_placed() {
    let report = printed(
        "%build",
        "%build\ntrue\necho \"open\n:\n",
        "/var/tmp/rpm-tmp.x: line 29: unexpected EOF while looking for matching `\"'",
    );
    assert_eq!(report.spec.unwrap().line, 3);
}

#[test]
fn empty_debug_information_is_told() {
    let lines =
        vec!["error: Empty %files file /builddir/build/BUILD/a-1/debugsourcefiles.list".to_owned()];
    let report = diagnose(&Evidence {
        phase: Phase::Rpmbuild,
        end: End::Status(1),
        lines: &lines,
        spec: None,
    });
    assert_eq!(report.cause, FailureCause::EmptyDebuginfo);
    assert!(report.hints[0].0.contains("BuildArch: noarch"));
}

#[test]
fn misspelt_tags_and_dashes_in_versions_get_their_right_form() {
    let stated = |line: &str| {
        diagnose(&Evidence {
            phase: Phase::Srpm,
            end: End::Status(1),
            lines: &[line.to_owned()],
            spec: None,
        })
        .hints
    };
    assert!(
        stated("error: line 6: Unknown tag: BuildRequire: gcc")[0]
            .0
            .contains("`BuildRequires`")
    );
    let version = stated("error: line 2: Illegal char '-' (0x2d) in: Version: 1.0-beta1");
    assert!(version[0].0.contains("`1.0~beta1`"), "{version:?}");
}

#[test]
fn other_ways_to_stop_have_their_causes() {
    assert_eq!(recorded("killed").cause, FailureCause::Killed { signal: 9 });
    assert_eq!(
        recorded("exclusive").cause,
        FailureCause::ArchExcluded {
            arch: "x86_64".into()
        }
    );
    assert_eq!(recorded("archnoarch").cause, FailureCause::ArchInNoarch);
    check(
        "archnoarch",
        "a `noarch` package holds machine code",
        Some("BuildArch:      noarch"),
    );
    assert!(
        matches!(recorded("diskfull").cause, FailureCause::DiskFull { path: Some(p) } if p.ends_with("/usr/bin/big"))
    );
    assert_eq!(
        recorded("genbr").cause,
        FailureCause::Section {
            section: "%generate_buildrequires".into()
        }
    );
    assert!(matches!(
        recorded("genbr11").cause,
        FailureCause::MissingBuildRequires { .. }
    ));
}

#[test]
fn the_end_of_the_process_beats_its_output() {
    let lines = vec!["error: line 3: Unknown tag: X".to_owned()];
    let ended = |end| {
        diagnose(&Evidence {
            phase: Phase::Rpmbuild,
            end,
            lines: &lines,
            spec: None,
        })
    };
    let late = ended(End::TimedOut(Some(60)));
    assert_eq!(
        (late.exit_code, late.cause),
        (11, FailureCause::Timeout { seconds: Some(60) })
    );
    let greedy = ended(End::Limit {
        option: "max_x",
        most: 7,
        of: "MiB of x",
    });
    assert!(greedy.message.contains("more than 7 MiB of x"));
    assert!(greedy.message.contains("option `max_x`"));
    assert!(greedy.hints[0].0.contains("--config-opts max_x=NUMBER"));
    assert_eq!(
        ended(End::Signal(15)).cause,
        FailureCause::Killed { signal: 15 }
    );
}

#[test]
fn a_silent_failure_still_says_something() {
    let report = diagnose(&Evidence {
        phase: Phase::Command,
        end: End::Status(3),
        lines: &[],
        spec: None,
    });
    assert_eq!(
        (report.message.as_str(), report.exit_code),
        ("the command ended with status 3", 3)
    );
}

#[test]
fn long_reports_keep_their_first_error_and_their_end() {
    let mut lines = vec!["Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.x".to_owned()];
    lines.extend((0..50).map(|n| format!("a.c:{n}: error: wrong")));
    lines.push("error: Bad exit status from /var/tmp/rpm-tmp.x (%build)".into());
    let report = diagnose(&Evidence {
        phase: Phase::Rpmbuild,
        end: End::Status(1),
        lines: &lines,
        spec: None,
    });
    assert_eq!(report.lines.len(), 20);
    assert_eq!(report.lines[0], "a.c:0: error: wrong");
    assert_eq!(report.lines[19], "a.c:49: error: wrong");
}
