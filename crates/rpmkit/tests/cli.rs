//! The front door run as a user runs it, in what needs no chroot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

fn rpmkit_in(dir: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpmkit"));
    command
        .args(args)
        .env_clear()
        .env("PATH", dir.join("bin"))
        .env("RPMKIT_CACHE_DIR", dir.join("cache"))
        .env("RPMKIT_STATE_DIR", dir.join("state"))
        .current_dir(dir);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        status: status.code().expect("the program was not killed"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A directory whose `bin` has a verb of somebody's.
fn with_verb() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bin")).unwrap();
    let verb = dir.path().join("bin/rpmkit-greet");
    fs::write(&verb, "#!/bin/sh\necho \"hello $*\"\nexit 9\n").unwrap();
    fs::set_permissions(&verb, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join("bin/rpmkit-notes"), "not a program").unwrap();
    dir
}

#[test]
fn anybody_can_add_a_verb() {
    let dir = with_verb();
    let ran = rpmkit_in(dir.path(), &["greet", "--to", "you"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (9, "hello --to you\n", "")
    );
    let help = rpmkit_in(dir.path(), &["--help"]);
    assert!(
        help.stdout.contains("Also installed: ") && help.stdout.contains("greet"),
        "{}",
        help.stdout
    );
    assert!(
        !help.stdout.contains("notes"),
        "what cannot be run is no verb"
    );
}

#[test]
fn a_misspelt_verb_gets_the_nearest_name() {
    let dir = with_verb();
    for (word, near) in [("biuld", "build"), ("gret", "greet"), ("mokc", "mock")] {
        let ran = rpmkit_in(dir.path(), &[word]);
        assert_eq!((ran.status, ran.stdout.as_str()), (5, ""));
        assert!(
            ran.stderr
                .ends_with(&format!("hint: did you mean `rpmkit {near}`?\n")),
            "{}",
            ran.stderr
        );
    }
    let ran = rpmkit_in(dir.path(), &["../bin/rpmkit-greet"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (5, ""),
        "a verb is a name, not a path"
    );
}

#[test]
fn the_suites_verbs_run_in_this_process() {
    let dir = with_verb();
    let ran = rpmkit_in(dir.path(), &["mock", "--version"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "6.7\n"));
    let ran = rpmkit_in(dir.path(), &["mock", "--buildsrpm"]);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            5,
            "ERROR: Must specify both --spec and --sources with --buildsrpm\n"
        )
    );
}

#[test]
fn wrong_arguments_end_with_two() {
    let dir = with_verb();
    let ran = rpmkit_in(dir.path(), &["build", "--nosuch"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("--nosuch"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_built_is_told_as_json_too() {
    let dir = with_verb();
    let ran = rpmkit_in(dir.path(), &["build", "--json", "nowhere"]);
    assert_eq!(ran.status, 50, "{}", ran.stderr);
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "failure");
    assert_eq!(last["exit_code"], 50);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}

#[test]
fn one_file_is_the_whole_suite_by_its_links() {
    let dir = with_verb();
    let run = |name: &str, args: &[&str]| {
        let link = dir.path().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rpmkit"), &link).unwrap();
        let out = Command::new(link).args(args).env_clear().output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert_eq!(run("mock", &["--version"]), "6.7\n");
    for name in ["rpmkit-srpm", "rpmkit-snap"] {
        let help = run(name, &["--help"]);
        assert!(help.contains(&format!("Usage: {name}")), "{name}: {help}");
    }
}

/// There is no chroot to be had here, so whoever asks for one first says something else.
#[test]
fn no_spec_is_told_before_anything_is_made() {
    let dir = with_verb();
    fs::create_dir(dir.path().join("empty")).unwrap();
    for verb in ["build", "srpm"] {
        let ran = rpmkit_in(dir.path(), &[verb, "-r", "nowhere-9-x86_64", "empty"]);
        assert_eq!(ran.status, 50, "{}", ran.stderr);
        assert!(ran.stderr.contains("no spec file in"), "{}", ran.stderr);
        assert!(!dir.path().join("cache").exists() && !dir.path().join("state").exists());
    }
}

#[test]
fn completions_name_their_command() {
    let dir = with_verb();
    for shell in ["bash", "zsh", "fish"] {
        let ran = rpmkit_in(dir.path(), &["completions", shell, "--mock"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        for name in ["rpmkit", "rpmkit-mock", "mock"] {
            assert!(
                ran.stdout.contains(name),
                "{shell} does not complete {name}"
            );
        }
    }
    assert_eq!(rpmkit_in(dir.path(), &["completions", "dos"]).status, 2);
    // At the first TAB zsh runs the file as the function `_rpmkit-mock`.
    let zsh = rpmkit_in(dir.path(), &["completions", "zsh"]).stdout;
    let first = "== _rpmkit-mock ]]; then\n    _clap_dynamic_completer_rpmkit_mock \"$@\"\nfi\n";
    assert!(zsh.contains(first), "{zsh}");
}

#[test]
fn the_shell_is_offered_the_chroots_there_are() {
    let dir = with_verb();
    let config = dir.path().join("config/rpmkit");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("zebra-9-x86_64.toml"), "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rpmkit"))
        .args(["--", "rpmkit", "mock", "-r", "zeb"])
        .env_clear()
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "3")
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n")
        .env("XDG_CONFIG_HOME", dir.path().join("config"))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim_end(),
        "zebra-9-x86_64"
    );
}

#[test]
fn doctor_reports_as_data() {
    let dir = with_verb();
    let ran = rpmkit_in(dir.path(), &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    assert_eq!(report["format"], 1);
    // Whether this host can build is not for this test to say, but the status must agree.
    assert_eq!(report["able"].as_bool().unwrap(), ran.status == 0);
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(|f| f["what"] == "memory"),
        "{findings:?}"
    );
    for finding in findings.iter().filter(|f| f["state"] == "failed") {
        assert!(
            !finding["remedies"].as_array().unwrap().is_empty(),
            "{finding} has no remedy"
        );
    }
}

#[test]
fn what_is_generated_is_the_same_every_time() {
    let dir = with_verb();
    for name in ["a", "b"] {
        let ran = rpmkit_in(dir.path(), &["__generate", name]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    }
    let page = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(page("a/man/mock.1"), page("b/man/mock.1"));
    assert!(page("a/man/rpmkit-build.1").contains("resultdir"));
    assert!(page("a/docs/exit-codes.md").contains("| 10 | The package failed"));
}
