//! Programs of another machine, run by an emulator such as qemu-user.
//!
//! Since Linux 6.7 a user namespace may have a `binfmt_misc` of its own: what is registered there counts for the
//! processes of this container and for nobody else, and goes with it. The emulator is opened when it is
//! registered (flag `F`), so the root need not hold it.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::mounts::new_fs;
use crate::sys;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where the kernel shows what is registered for everybody.
const EVERYBODYS: &str = "/proc/sys/fs/binfmt_misc";

/// An emulator for the programs of an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emulation {
    /// The architecture, as rpm names it.
    pub arch: String,
    /// The emulator on the host: a static program that takes the emulated one's path as its first argument.
    pub interpreter: PathBuf,
}

/// How the programs of an architecture begin: ELF class (1: 32 bits, 2: 64), byte order (1: little, 2: big) and
/// machine, from elf.h; and what qemu calls it.
struct Machine {
    class: u8,
    order: u8,
    machine: u16,
    qemu: &'static str,
}

fn machine(arch: &str) -> Option<Machine> {
    let (class, order, machine, qemu) = match arch {
        "aarch64" => (2, 1, 183, "aarch64"),
        "armv7hl" | "armv7l" | "armv6hl" | "armv5tel" => (1, 1, 40, "arm"),
        "i386" | "i486" | "i586" | "i686" => (1, 1, 3, "i386"),
        "loongarch64" => (2, 1, 258, "loongarch64"),
        "ppc64" => (2, 2, 21, "ppc64"),
        "ppc64le" => (2, 1, 21, "ppc64le"),
        "riscv64" => (2, 1, 243, "riscv64"),
        "s390x" => (2, 2, 22, "s390x"),
        "x86_64" | "x86_64_v2" => (2, 1, 62, "x86_64"),
        _ => return None,
    };
    Some(Machine {
        class,
        order,
        machine,
        qemu,
    })
}

impl Emulation {
    /// What qemu calls this architecture: its emulator is `qemu-NAME` or `qemu-NAME-static`.
    pub fn qemu_name(arch: &str) -> Option<&'static str> {
        machine(arch).map(|machine| machine.qemu)
    }

    /// The line for `register` (binfmt_misc in the kernel's documentation): executables and shared objects of the machine,
    /// whatever their operating system ABI is. `C`: set-uid programs keep their rights, which end at the namespace.
    fn line(&self) -> Option<String> {
        let Machine {
            class,
            order,
            machine,
            ..
        } = machine(&self.arch)?;
        let path = self
            .interpreter
            .to_str()
            .filter(|path| !path.contains([':', '\n']))?;
        let (kind, kind_mask, machine) = match order {
            1 => ([2, 0], [0xfe, 0xff], machine.to_le_bytes()),
            _ => ([0, 2], [0xff, 0xfe], machine.to_be_bytes()),
        };
        let mut magic = vec![0x7f, b'E', b'L', b'F', class, order, 1];
        let mut mask = vec![0xff; magic.len()];
        magic.resize(16, 0);
        mask.resize(16, 0);
        magic.extend(kind.into_iter().chain(machine));
        mask.extend(kind_mask.into_iter().chain([0xff, 0xff]));
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\x{byte:02x}");
                text
            })
        };
        Some(format!(
            ":rpmkit-{}:M::{}:{}:{path}:FOC",
            self.arch,
            hex(&magic),
            hex(&mask)
        ))
    }

    /// Registers it for the user namespace this process has just made. What comes back must stay open as long as it is
    /// to work. To be called while the host's tree is still there.
    pub(crate) fn register(&self) -> Result<Option<OwnedFd>, StepError> {
        let what = || format!("run programs of {}", self.arch);
        if is_registered(Path::new(EVERYBODYS), &self.arch) {
            return Ok(None);
        }
        let line = self.line().ok_or_else(|| {
            StepError::new(SandboxStep::Emulation, what(), Errno::EINVAL)
                .because("no such architecture is known, or the emulator's path has a colon")
        })?;
        let fs = new_fs(
            c"binfmt_misc",
            &[],
            sys::ATTR_NOSUID | sys::ATTR_NODEV,
            SandboxStep::Emulation,
        )?;
        let register = nix::fcntl::openat(
            fs.as_fd(),
            "register",
            nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_CLOEXEC,
            nix::sys::stat::Mode::empty(),
        )
        .step(SandboxStep::Emulation, what())?;
        std::fs::File::from(register)
            .write_all(line.as_bytes())
            .step_at(
                SandboxStep::Emulation,
                "register as an emulator",
                &self.interpreter,
            )?;
        Ok(Some(fs))
    }
}

/// Whether the host runs the architecture's programs in any root.
fn is_registered(dir: &Path, arch: &str) -> bool {
    let Some(name) = Emulation::qemu_name(arch) else {
        return false;
    };
    std::fs::read_to_string(dir.join(format!("qemu-{name}"))).is_ok_and(|text| {
        let mut lines = text.lines();
        lines.next() == Some("enabled")
            && lines.any(|line| {
                line.strip_prefix("flags:")
                    .is_some_and(|flags| flags.contains('F'))
            })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn emulation(arch: &str, interpreter: &str) -> Emulation {
        Emulation {
            arch: arch.into(),
            interpreter: interpreter.into(),
        }
    }

    #[test]
    fn lines_say_how_programs_begin() {
        let line = emulation("aarch64", "/usr/bin/q").line().unwrap();
        let magic =
            r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
        let mask =
            r"\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff";
        assert_eq!(
            line,
            format!(":rpmkit-aarch64:M::{magic}:{mask}:/usr/bin/q:FOC")
        );
        assert!(
            emulation("s390x", "/q")
                .line()
                .unwrap()
                .contains(r"\x00\x02\x00\x16:")
        );
        assert_eq!(emulation("vax", "/q").line(), None);
        assert_eq!(emulation("aarch64", "/a:b").line(), None);
    }

    #[test]
    fn only_what_works_in_every_root_counts() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            |flags: &str| format!("enabled\ninterpreter /usr/bin/q\nflags: {flags}\noffset 0\n");
        std::fs::write(dir.path().join("qemu-aarch64"), text("OCF")).unwrap();
        std::fs::write(dir.path().join("qemu-s390x"), text("OC")).unwrap();
        assert!(is_registered(dir.path(), "aarch64"));
        assert!(!is_registered(dir.path(), "s390x") && !is_registered(dir.path(), "ppc64le"));
    }
}
