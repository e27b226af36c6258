//! What no command may reach: the caller's keys and calls to the host's kernel.

use crate::place::{Place, ask};
use nix::errno::Errno;
use rpmkit_sandbox::{Command, Container, Mount, RunAs};

/// Set where this very test runs once more, as a command of a container.
const INSIDE: &str = "RPMKIT_TEST_INSIDE";

/// How the kernel answers a call whose arguments are all zero.
fn answer(number: libc::c_long) -> Result<libc::c_long, Errno> {
    // SAFETY: none of the calls tested writes to memory when its pointers are null.
    Errno::result(unsafe { libc::syscall(number, 0, 0, 0, 0, 0) })
}

#[test]
fn calls_that_reach_past_the_container_are_refused() {
    if std::env::var_os(INSIDE).is_some() {
        for number in [
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_keyctl,
            libc::SYS_open_by_handle_at,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_userfaultfd,
            libc::SYS_kexec_load,
            libc::SYS_kexec_file_load,
        ] {
            assert_eq!(answer(number), Err(Errno::EPERM), "call {number}");
        }
        return;
    }
    let place = Place::new();
    let program = place.path("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut spec = place.spec();
    spec.mounts.push(Mount::bind_ro(&program, "/etc/hello"));
    let container = Container::start(&spec).unwrap();
    let test = "refused::calls_that_reach_past_the_container_are_refused";
    let ids = RunAs::Id {
        uid: 1000,
        gid: 1000,
    };
    for user in [RunAs::Root, ids] {
        let command = Command::new(["/etc/hello", "--exact", test])
            .env(INSIDE, "yes")
            .user(user);
        let (exit, text) = crate::place::output(&container, &command);
        assert!(
            exit.success() && text.contains("1 passed"),
            "{user:?}: {text}"
        );
    }
}

#[test]
fn the_callers_session_keyring_stays_outside() {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    const SETPERM: libc::c_int = 5;
    const SESSION: libc::c_int = -3;
    /// Everything for whoever has the key in a keyring, nothing for the owner as such.
    const POSSESSOR: libc::c_uint = 0x3f00_0000;
    let name = format!("rpmkit-test-{}", std::process::id());
    let description = std::ffi::CString::new(name.clone()).unwrap();
    // SAFETY: strings are NUL-terminated, the payload is one byte as told, and they outlive the calls.
    let made = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        );
        let (kind, payload) = (c"user".as_ptr(), c"x".as_ptr());
        let key = libc::syscall(
            libc::SYS_add_key,
            kind,
            description.as_ptr(),
            payload,
            1usize,
            SESSION,
        );
        Errno::result(libc::syscall(libc::SYS_keyctl, SETPERM, key, POSSESSOR))
    };
    let keys = std::fs::read_to_string("/proc/keys").unwrap();
    // Around us somebody may refuse keys to everybody; then there is none to be seen.
    assert_eq!(made.is_ok(), keys.contains(&name), "{made:?} {keys}");
    let place = Place::new();
    let seen = ask(&place.start(), "cat /proc/keys");
    assert!(!seen.contains(&name), "{seen}");
}
