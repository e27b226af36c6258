//! Runs this whole test program again as other users, when root started it.

#![allow(clippy::disallowed_methods)]

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Needs no entry anywhere.
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

/// Puts an account with sub-ids over the host's files, in a mount namespace of its own, and becomes that user.
const AS_SUB_USER: &str = r#"
set -e
dir=$(mktemp -d)
mount --make-rprivate /
mount -t tmpfs none "$dir"
grep -v ':1500:' /etc/passwd > "$dir/passwd"
echo 'rpmkit-sub:x:1500:1500::/:/bin/sh' >> "$dir/passwd"
echo 'rpmkit-sub:200000:65536' > "$dir/sub"
mount --bind "$dir/passwd" /etc/passwd
mount --bind "$dir/sub" /etc/subuid
mount --bind "$dir/sub" /etc/subgid
umount -l "$dir"
rmdir "$dir"
exec setpriv --reuid=1500 --regid=1500 --clear-groups "$0" "$@"
"#;

#[test]
fn everything_works_with_sub_ids() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let uidmap = std::path::Path::new("/usr/bin/newuidmap");
    assert!(
        uidmap.exists(),
        "CANNOT TRY SUB-IDS WITHOUT newuidmap: `apt install uidmap`"
    );
    run_as(0, "Sub", &["unshare", "-m", "sh", "-c", AS_SUB_USER], &[]);
}

#[test]
fn everything_works_with_one_id() {
    if nix::unistd::geteuid().is_root() {
        run_as(WITHOUT, "Single", &[], &[]);
    }
}

/// A root that is a plain directory, with everything of the host's mounted below it.
const IN_CHROOT: &str = r#"
set -e
dir=$(mktemp -d)
chmod 755 "$dir"
for path in /*; do
    if [ -L "$path" ]; then
        cp -P "$path" "$dir$path"
    elif [ -d "$path" ]; then
        mkdir "$dir$path"
        mount --rbind "$path" "$dir$path"
    fi
done
exec chroot "$dir" "$0" "$@"
"#;

#[test]
fn a_chroot_into_a_plain_directory_will_do() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let tests = [
        "status_and_signal",
        "root_is_root",
        "gets_out_by_a_second_chroot",
        "run_side_by_side",
        "expected_mode",
    ];
    run_as(0, "Root", &["unshare", "-m", "sh", "-c", IN_CHROOT], &tests);
}

/// As in a container whose runtime covers parts of /proc.
#[test]
fn some_work_inside_another_namespace_with_a_masked_proc() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let script = "mount --bind /dev/null /proc/version && exec \"$0\" \"$@\"";
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
