//! Hand-written seccomp filters: system calls refused, answered with success and not done, or handed to pid 1 (see `mknod`).
//!
//! A filter looks at the ABI first: a 32-bit program in the same container has its own numbers. Unknown ABIs pass.
//! Refused are, for every command in every mode, calls that reach past the container to the host's kernel or to what the
//! caller keeps there; systemd-nspawn refuses them too, and also with EPERM.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::spec::{Filters, Personality};
use nix::errno::Errno;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// AUDIT_ARCH_* of linux/audit.h.
const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ARM: u32 = 0x4000_0028;

/// add_key, request_key, keyctl, open_by_handle_at, bpf, perf_event_open, userfaultfd, kexec_load, kexec_file_load (i386 has
/// none). 528 is kexec_load of x32, whose other numbers are those of x86_64 with [`X32`].
const REFUSED: [(u32, &[u32]); 4] = [
    (X86_64, &[248, 249, 250, 304, 321, 298, 323, 246, 320, 528]),
    (I386, &[286, 287, 288, 342, 357, 336, 374, 283]),
    (AARCH64, &[217, 218, 219, 265, 280, 241, 282, 104, 294]),
    (ARM, &[309, 310, 311, 371, 386, 364, 388, 347, 401]),
];
/// socket with a family that knows no network namespaces: AF_VSOCK, by which a virtual machine reaches its host, and
/// AF_QIPCRTR. Call, argument, values.
const REFUSED_BY_ARGUMENT: [(u32, u32, &[u32]); 4] = [
    (41, 0, &FAMILIES),
    (359, 0, &FAMILIES),
    (198, 0, &FAMILIES),
    (281, 0, &FAMILIES),
];
const FAMILIES: [u32; 2] = [40, 42];
/// The older way of i386, whose family lies in memory, out of a filter's sight: no sockets are made by it but where programs
/// of that machine are at home.
const SOCKETCALL: (u32, u32, &[u32]) = (102, 0, &[1]);
/// Marks the numbers of x32, which has the ABI of x86_64 otherwise (__X32_SYSCALL_BIT of asm/unistd.h).
const X32: u32 = 0x4000_0000;

/// chown, fchown, lchown, fchownat, and on the 32-bit ABIs their 16-bit and 32-bit forms.
const CHOWN: [(u32, &[u32]); 4] = [
    (X86_64, &[92, 93, 94, 260]),
    (I386, &[182, 95, 16, 298, 212, 207, 198]),
    (AARCH64, &[54, 55]),
    (ARM, &[182, 95, 16, 325, 212, 207, 198]),
];

/// fsync, fdatasync, sync, syncfs, msync, sync_file_range.
const SYNC: [(u32, &[u32]); 4] = [
    (X86_64, &[74, 75, 162, 306, 26, 277]),
    (I386, &[118, 148, 36, 344, 144, 314]),
    (AARCH64, &[82, 83, 81, 267, 227, 84]),
    (ARM, &[118, 148, 36, 373, 144, 341]),
];

/// mknod and mknodat: the call and which of its arguments is the mode.
const MKNOD: [(u32, &[(u32, u32)]); 4] = [
    (X86_64, &[(133, 1), (259, 2)]),
    (I386, &[(14, 1), (297, 2)]),
    (AARCH64, &[(33, 2)]),
    (ARM, &[(14, 1), (324, 2)]),
];

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
/// Offsets in struct seccomp_data; of an argument the low half, as all our ABIs are little-endian.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

fn op(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Calls and the argument that holds their mode.
type NodeCalls = &'static [(u32, u32)];

/// The calls to fake, per ABI, and those to ask about.
fn tables(filters: Filters) -> Vec<(u32, Vec<u32>, NodeCalls)> {
    let chosen = [(filters.chown, &CHOWN), (filters.sync, &SYNC)];
    MKNOD
        .iter()
        .enumerate()
        .map(|(row, (arch, nodes))| {
            let calls = chosen
                .iter()
                .filter(|(on, _)| *on)
                .flat_map(|(_, table)| table[row].1)
                .copied()
                .collect();
            (*arch, calls, if filters.mknod { *nodes } else { &[] })
        })
        .collect()
}

/// One block an ABI: wrong ABI → next block; a refused call → EPERM; a faked call → ERRNO with 0; mknod of a device → ask;
/// else allow.
fn program(filters: Filters, machine: Personality) -> Vec<libc::sock_filter> {
    let mut code = vec![op(LOAD, ARCH, 0, 0)];
    let tables = tables(filters).into_iter().zip(REFUSED);
    for (((arch, calls, nodes), (_, refused)), by_argument) in tables.zip(REFUSED_BY_ARGUMENT) {
        let mut by_argument = vec![by_argument];
        if arch == I386 && machine == Personality::Native {
            by_argument.push(SOCKETCALL);
        }
        let block = block(refused, &by_argument, &calls, nodes);
        // A block has at most 12 + 2 × 5 + 14 + 2 × 6 + 6 instructions: fits in a jump.
        code.push(op(EQUAL, arch, 0, block.len() as u8));
        code.extend(block);
    }
    code.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    code
}

fn block(
    refused: &[u32],
    by_argument: &[(u32, u32, &[u32])],
    calls: &[u32],
    nodes: &[(u32, u32)],
) -> Vec<libc::sock_filter> {
    const ASKING: usize = 6;
    // The four returns stand last; jumps count from the instruction behind them.
    let looking: usize = by_argument
        .iter()
        .map(|(_, _, values)| values.len() + 3)
        .sum();
    let allow = 3 + refused.len() + looking + calls.len() + nodes.len() * ASKING;
    let (fake, ask, refuse) = (allow + 1, allow + 2, allow + 3);
    let mut code = vec![op(LOAD, NUMBER, 0, 0), op(AND, !X32, 0, 0)];
    for call in refused {
        let to_refuse = (refuse - code.len() - 1) as u8;
        code.push(op(EQUAL, *call, to_refuse, 0));
    }
    for (call, argument, values) in by_argument {
        code.push(op(EQUAL, *call, 0, (values.len() + 2) as u8));
        code.push(op(LOAD, ARGUMENTS + 8 * argument, 0, 0));
        for value in *values {
            let to_refuse = (refuse - code.len() - 1) as u8;
            code.push(op(EQUAL, *value, to_refuse, 0));
        }
        code.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    }
    code.push(op(LOAD, NUMBER, 0, 0));
    for call in calls {
        let to_fake = (fake - code.len() - 1) as u8;
        code.push(op(EQUAL, *call, to_fake, 0));
    }
    for (call, argument) in nodes {
        code.push(op(EQUAL, *call, 0, (ASKING - 1) as u8));
        code.push(op(LOAD, ARGUMENTS + 8 * argument, 0, 0));
        code.push(op(AND, libc::S_IFMT, 0, 0));
        for kind in [libc::S_IFCHR, libc::S_IFBLK] {
            let to_ask = (ask - code.len() - 1) as u8;
            code.push(op(EQUAL, kind, to_ask, 0));
        }
        code.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    }
    for verdict in [
        libc::SECCOMP_RET_ALLOW,
        libc::SECCOMP_RET_ERRNO,
        libc::SECCOMP_RET_USER_NOTIF,
        libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
    ] {
        code.push(op(RETURN, verdict, 0, 0));
    }
    code
}

/// Which argument of mknod or mknodat is the mode; none for other calls.
pub(crate) fn mode_argument(arch: u32, number: u32) -> Option<u32> {
    let (_, calls) = MKNOD.iter().find(|(known, _)| *known == arch)?;
    calls
        .iter()
        .find(|(call, _)| *call == number)
        .map(|(_, argument)| *argument)
}

/// Installs the filters for this process and all it starts, and what is refused in any case. Needs CAP_SYS_ADMIN, and leaves NO_NEW_PRIVS alone. With
/// [`Filters::mknod`] the answer is the descriptor on which such calls are to be served.
pub(crate) fn install(
    mut filters: Filters,
    machine: Personality,
) -> Result<Option<OwnedFd>, StepError> {
    let text = "install a seccomp filter";
    let listener = match load(filters, machine) {
        // Somebody outside serves such calls already: there can be only one.
        Err(Errno::EBUSY) if filters.mknod => {
            filters.mknod = false;
            load(filters, machine).step(SandboxStep::Seccomp, text)?
        }
        other => other.step(SandboxStep::Seccomp, text)?,
    };
    // SAFETY: with the listener flag the kernel answers with a new descriptor, ours alone.
    Ok(filters
        .mknod
        .then(|| unsafe { OwnedFd::from_raw_fd(listener) }))
}

fn load(filters: Filters, machine: Personality) -> Result<RawFd, Errno> {
    let mut code = program(filters, machine);
    let program = libc::sock_fprog {
        len: code.len() as libc::c_ushort,
        filter: code.as_mut_ptr(),
    };
    let flags = if filters.mknod {
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
    } else {
        0
    };
    // SAFETY: the program points to `len` instructions that live until the call returns; the kernel copies them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    Errno::result(result).map(|fd| fd as RawFd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(filters: Filters) -> Vec<libc::sock_filter> {
        super::program(filters, Personality::Native)
    }

    /// Runs the few instructions a filter uses. `modes`: what every argument holds.
    fn verdict(code: &[libc::sock_filter], arch: u32, number: u32, modes: u32) -> u32 {
        let (mut at, mut value) = (0, 0);
        loop {
            let now = code[at];
            at += 1;
            match (now.code, now.k) {
                (LOAD, ARCH) => value = arch,
                (LOAD, NUMBER) => value = number,
                (LOAD, _) => value = modes,
                (AND, mask) => value &= mask,
                (EQUAL, k) => at += usize::from(if value == k { now.jt } else { now.jf }),
                (_, k) => return k,
            }
        }
    }

    #[test]
    fn what_reaches_past_the_container_is_refused_in_every_abi() {
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let every = Filters {
            chown: true,
            sync: true,
            mknod: true,
        };
        // keyctl, bpf, kexec_load
        let known = [
            (X86_64, [250, 321, 246]),
            (X86_64, [250 | X32, 321 | X32, 528 | X32]),
            (I386, [288, 357, 283]),
            (AARCH64, [219, 280, 104]),
            (ARM, [311, 386, 347]),
        ];
        for filters in [every, Filters::default()] {
            let code = program(filters);
            for (arch, calls) in known {
                for call in calls {
                    assert_eq!(verdict(&code, arch, call, 0), refused, "{arch:x} {call}");
                }
            }
            for (arch, calls) in REFUSED {
                for call in calls {
                    assert_eq!(verdict(&code, arch, *call, 0), refused, "{arch:x} {call}");
                }
            }
            // io_uring_setup has one number everywhere.
            assert_eq!(verdict(&code, I386, 425, 0), libc::SECCOMP_RET_ALLOW);
        }
    }

    #[test]
    fn families_without_network_namespaces_are_refused() {
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let allowed = libc::SECCOMP_RET_ALLOW;
        let code = super::program(Filters::default(), Personality::Native);
        let calls = [
            (X86_64, 41),
            (X86_64, 41 | X32),
            (I386, 359),
            (AARCH64, 198),
            (ARM, 281),
        ];
        for (arch, socket) in calls {
            assert_eq!(verdict(&code, arch, socket, 40), refused);
            for family in [1, 2, 10, 16] {
                assert_eq!(verdict(&code, arch, socket, family), allowed);
            }
        }
        // SYS_SOCKET and SYS_CONNECT.
        assert_eq!(verdict(&code, I386, 102, 1), refused);
        assert_eq!(verdict(&code, I386, 102, 3), allowed);
        let code = super::program(Filters::default(), Personality::Linux32);
        assert_eq!(verdict(&code, I386, 102, 1), allowed);
    }

    #[test]
    fn only_listed_calls_of_known_abis_are_faked() {
        for mknod in [false, true] {
            let both = program(Filters {
                chown: true,
                sync: true,
                mknod,
            });
            for (arch, calls) in CHOWN.iter().chain(&SYNC) {
                for call in *calls {
                    assert_eq!(verdict(&both, *arch, *call, 0), libc::SECCOMP_RET_ERRNO);
                }
                assert_eq!(verdict(&both, *arch, 1, 0), libc::SECCOMP_RET_ALLOW);
            }
            assert_eq!(verdict(&both, 0x1234, 92, 0), libc::SECCOMP_RET_ALLOW);
            let sync = program(Filters {
                chown: false,
                sync: true,
                mknod,
            });
            assert_eq!(verdict(&sync, X86_64, 92, 0), libc::SECCOMP_RET_ALLOW);
            assert_eq!(verdict(&sync, X86_64, 74, 0), libc::SECCOMP_RET_ERRNO);
        }
    }

    #[test]
    fn only_devices_are_asked_about() {
        let all = program(Filters {
            chown: true,
            sync: true,
            mknod: true,
        });
        let none = program(Filters {
            chown: true,
            sync: true,
            mknod: false,
        });
        for (arch, calls) in MKNOD {
            for (call, _) in calls {
                for kind in [libc::S_IFCHR, libc::S_IFBLK] {
                    assert_eq!(
                        verdict(&all, arch, *call, kind | 0o644),
                        libc::SECCOMP_RET_USER_NOTIF
                    );
                    assert_eq!(
                        verdict(&none, arch, *call, kind | 0o644),
                        libc::SECCOMP_RET_ALLOW
                    );
                }
                for kind in [libc::S_IFIFO, libc::S_IFREG, libc::S_IFSOCK] {
                    assert_eq!(
                        verdict(&all, arch, *call, kind | 0o644),
                        libc::SECCOMP_RET_ALLOW
                    );
                }
            }
        }
    }
}
