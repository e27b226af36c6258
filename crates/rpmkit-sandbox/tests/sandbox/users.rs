//! Runs this whole test program again as other users, when root started it.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Looked up by name for its sub-ids; the other needs no more than a number without any.
const WITH_SUB_IDS: &str = "packager";
const WITHOUT: u32 = 1501;

/// Runs these tests (all, if none is named) as another user, through a wrapper that gets the program as its last word.
fn run_as(uid: u32, expected: &str, wrapper: &[&str], tests: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let words: Vec<&OsStr> = wrapper
        .iter()
        .map(OsStr::new)
        .chain([program.as_os_str()])
        .collect();
    let status = Command::new(words[0])
        .args(&words[1..])
        .args(tests)
        .env("RPMKIT_TEST_MODE", expected)
        .env_remove("TMPDIR")
        .current_dir("/")
        .uid(uid)
        .gid(uid)
        .status();
    assert!(status.unwrap().success(), "as uid {uid} (see above)");
}

#[test]
fn everything_again_with_sub_ids() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    match nix::unistd::User::from_name(WITH_SUB_IDS).unwrap() {
        Some(user) => run_as(user.uid.as_raw(), "Sub", &[], &[]),
        None => panic!(
            "THERE IS NO USER `{WITH_SUB_IDS}` TO TRY SUB-IDS WITH: `useradd -u 1500 {WITH_SUB_IDS} && usermod \
             --add-subuids 200000-265535 --add-subgids 200000-265535 {WITH_SUB_IDS}`"
        ),
    }
}

#[test]
fn everything_again_with_one_id() {
    if nix::unistd::geteuid().is_root() {
        run_as(WITHOUT, "Single", &[], &[]);
    }
}

/// As in a container whose runtime covers parts of /proc.
#[test]
fn some_again_inside_another_namespace_with_a_masked_proc() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let script = "mount --bind /dev/null /proc/timer_list && exec \"$0\" \"$@\"";
    let tests = [
        "status_and_signal",
        "the_caller_is",
        "stopping_and",
        "run_side_by_side",
        "talked_to",
        "expected_mode",
    ];
    run_as(
        WITHOUT,
        "Single",
        &["unshare", "-Urm", "sh", "-c", script],
        &tests,
    );
}

#[test]
fn the_expected_mode_is_tested() {
    if let Ok(expected) = std::env::var("RPMKIT_TEST_MODE") {
        let mode = format!("{:?}", crate::place::mode());
        assert!(mode.starts_with(&expected), "{mode} and not {expected}");
    }
}
