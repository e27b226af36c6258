//! The program run as clients run it, in what needs no chroot: streams, texts, statuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Output},
};

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs the program as `mock`, with nothing of the caller's environment.
fn mock(home: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpmkit-mock"));
    command
        .arg0("mock")
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("RPMKIT_CACHE_DIR", home.join("cache"))
        .env("RPMKIT_STATE_DIR", home.join("state"))
        .current_dir(home);
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

fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("etc")).unwrap();
    let basedir = dir.path().join("mock");
    std::fs::write(
        dir.path().join("etc/box.cfg"),
        format!(
            "config_opts['root'] = 'box-x86_64'\nconfig_opts['description'] = 'A box'\n\
             config_opts['target_arch'] = 'x86_64'\nconfig_opts['chroot_setup_cmd'] = 'install bash'\n\
             config_opts['basedir'] = '{}'\nconfig_opts['dnf.conf'] = '[main]\\n'\n",
            basedir.display()
        ),
    )
    .unwrap();
    dir
}

#[test]
fn version_and_help_are_data() {
    let home = home();
    let ran = mock(home.path(), &["--version"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "6.7\n", "")
    );
    let ran = mock(home.path(), &["--help"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    for option in ["--rebuild", "--scm-enable", "--hermetic-build"] {
        assert!(
            ran.stdout.contains(option),
            "{option} is missing in the help"
        );
    }
}

#[test]
fn wrong_arguments_end_with_two_and_the_usage() {
    let home = home();
    for (args, message) in [
        (&["-r"][..], "argument -r/--root: expected one argument"),
        (
            &["--rpmbuild_timeout", "x"],
            "argument --rpmbuild_timeout: invalid int value: 'x'",
        ),
        (
            &["--init", "--enable"],
            "ambiguous option: --enable could match --enablerepo, --enable-network, --enable-plugin",
        ),
    ] {
        let ran = mock(home.path(), args);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.starts_with("usage: mock "), "{}", ran.stderr);
        assert!(
            ran.stderr.ends_with(&format!("mock: error: {message}\n")),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn contradictions_end_with_five_and_one_line() {
    let home = home();
    for (args, message) in [
        (
            &["--buildsrpm"][..],
            "ERROR: Must specify both --spec and --sources with --buildsrpm\n",
        ),
        (
            &["--init", "--recurse"],
            "ERROR: Only --chain mode supports --recurse build algorithm\n",
        ),
        (
            &["a.src.rpm", "b.src.rpm"],
            "ERROR: Must specify --resultdir when building multiple RPMS.\n",
        ),
    ] {
        let ran = mock(home.path(), args);
        assert_eq!(
            (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
            (5, "", message),
            "{args:?}"
        );
    }
}

#[test]
fn the_root_path_is_all_there_is_on_standard_output() {
    let home = home();
    let below = |rest: &str| format!("{}/{rest}\n", home.path().join("mock").display());
    let ran = mock(home.path(), &["--configdir", "etc", "-r", "box", "-p"]);
    assert_eq!(
        (ran.status, ran.stdout, ran.stderr.as_str()),
        (0, below("box-x86_64/root/"), "")
    );
    let ran = mock(home.path(), &["-pr", "etc/box.cfg", "--uniqueext", "17.5"]);
    assert_eq!(
        (ran.status, ran.stdout),
        (0, below("box-x86_64-17.5/root/")),
        "{}",
        ran.stderr
    );
}

#[test]
fn configurations_are_shown_as_data() {
    let home = home();
    let ran = mock(home.path(), &["--configdir", "etc", "--list-chroots"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("config name"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("box") && ran.stdout.contains("A box"),
        "{}",
        ran.stdout
    );
    let ran = mock(
        home.path(),
        &[
            "--configdir",
            "etc",
            "-r",
            "box",
            "-D",
            "a b",
            "--debug-config",
        ],
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("config_opts['root'] = 'box-x86_64'\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("'%a': 'b'"), "{}", ran.stdout);
}

#[test]
fn the_first_line_repeats_the_arguments() {
    let home = home();
    let ran = mock(
        home.path(),
        &[
            "--configdir",
            "etc",
            "-r",
            "box",
            "--define",
            "a b",
            "--umount",
        ],
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let line = ran.stderr.lines().find(|l| l.contains("starting")).unwrap();
    assert!(
        line.starts_with("INFO: mock.py version 6.7 starting ("),
        "{line}"
    );
    assert!(
        line.ends_with("args: mock --configdir etc -r box --define 'a b' --umount"),
        "{line}"
    );
}

#[test]
fn what_is_no_configuration_is_told() {
    let home = home();
    let ran = mock(
        home.path(),
        &["--configdir", "etc", "-r", "nosuch", "--init"],
    );
    assert_ne!(ran.status, 0);
    assert!(ran.stderr.contains("nosuch"), "{}", ran.stderr);
    std::fs::write(
        home.path().join("etc/bad.cfg"),
        "import os\nos.system('touch ran')\n",
    )
    .unwrap();
    let ran = mock(home.path(), &["--configdir", "etc", "-r", "bad", "--init"]);
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    assert!(!home.path().join("ran").exists());
}

#[test]
fn modes_without_words_end_with_fifty_before_any_work() {
    let home = home();
    for (mode, message) in [
        (
            "--install",
            "CRITICAL: You must specify a package list to install.\n",
        ),
        (
            "--remove",
            "CRITICAL: You must specify a package list to remove.\n",
        ),
        (
            "--installdeps",
            "CRITICAL: You must specify an SRPM file with --installdeps\n",
        ),
        (
            "--chroot",
            "CRITICAL: You must specify a command to run with --chroot\n",
        ),
        (
            "--chain",
            "CRITICAL: You must specify an SRPM file with --chain\n",
        ),
        (
            "--copyin",
            "CRITICAL: Must have source and destinations for copyin\n",
        ),
        (
            "--copyout",
            "CRITICAL: Must have source and destinations for copyout\n",
        ),
        (
            "--rebuild",
            "CRITICAL: No package specified to rebuild command.\n",
        ),
    ] {
        let ran = mock(
            home.path(),
            &["-q", "--configdir", "etc", "-r", "box", mode],
        );
        assert_eq!(
            (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
            (50, "", message),
            "{mode}"
        );
        assert!(
            !home.path().join("cache").exists(),
            "{mode} opened the store"
        );
    }
}

#[test]
fn a_package_manager_nobody_has_is_refused_in_mocks_words() {
    let home = home();
    let ran = mock(
        home.path(),
        &[
            "-r",
            "etc/box.cfg",
            "--config-opts",
            "package_manager=nosuch",
            "-p",
        ],
    );
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr
            .contains("ERROR: Unexpected package manager \"nosuch\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn packages_are_backed_up_before_a_clean() {
    let home = home();
    let result = home.path().join("mock/box-x86_64/result");
    std::fs::create_dir_all(&result).unwrap();
    std::fs::write(result.join("a-1-1.noarch.rpm"), "a").unwrap();
    let args = [
        "-r",
        "etc/box.cfg",
        "--clean",
        "--config-opts",
        "backup_on_clean=true",
    ];
    let ran = mock(home.path(), &args);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(!result.exists());
    let kept = home.path().join("mock/backup/box-x86_64/a-1-1.noarch.rpm");
    assert!(kept.exists(), "{}", ran.stderr);
}
