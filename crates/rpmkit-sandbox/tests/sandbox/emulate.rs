//! Programs of another machine, with a program of the host in place of an emulator.

use crate::place::{Place, ask};
use rpmkit_sandbox::{Container, Emulation, SandboxError, SandboxStep};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The beginning of a program for a 64-bit PowerPC, which no machine of ours runs.
const FOREIGN: [u8; 20] = [
    0x7f, b'E', b'L', b'F', 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 21,
];

fn with_foreign_program() -> Place {
    let place = Place::new();
    let program = place.path("lower/etc/foreign");
    std::fs::write(&program, FOREIGN).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    place
}

#[test]
fn they_run_in_this_container_and_nowhere_else() {
    let place = with_foreign_program();
    let mut spec = place.spec();
    spec.emulation = Some(Emulation {
        arch: "ppc64".into(),
        interpreter: std::fs::canonicalize("/bin/echo").unwrap(),
    });
    match Container::start(&spec) {
        Ok(container) => {
            assert_eq!(ask(&container, "/etc/foreign a b"), "/etc/foreign a b");
            container.stop().unwrap();
            let native = with_foreign_program();
            let said = ask(&native.start(), "/etc/foreign 2>/dev/null || echo no");
            assert_eq!(said, "no");
        }
        // Before Linux 6.7.
        Err(SandboxError::Step(error)) => {
            assert_eq!(error.step, SandboxStep::Emulation, "{error}");
            let advice = error.advice();
            assert!(
                advice.cause.is_some() && !advice.remedies.is_empty(),
                "{advice:?}"
            );
        }
        Err(other) => panic!("{other}"),
    }
    assert!(!Path::new("/proc/sys/fs/binfmt_misc/rpmkit-ppc64").exists());
}
