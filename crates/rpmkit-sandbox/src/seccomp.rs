//! Hand-written seccomp filters: system calls answered with success and not done.
//!
//! A filter looks at the ABI first: a 32-bit program in the same container has its own numbers. Unknown ABIs pass.

use crate::error::{AtStep, Step, StepError};
use crate::spec::Filters;
use nix::errno::Errno;

/// AUDIT_ARCH_* of linux/audit.h.
const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xc000_00b7;
const ARM: u32 = 0x4000_0028;

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

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
/// Offsets in struct seccomp_data.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

fn op(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// The calls to fake, per ABI.
fn tables(filters: Filters) -> Vec<(u32, Vec<u32>)> {
    let chosen = [(filters.chown, &CHOWN), (filters.sync, &SYNC)];
    CHOWN
        .iter()
        .enumerate()
        .map(|(row, (arch, _))| {
            let calls = chosen
                .iter()
                .filter(|(on, _)| *on)
                .flat_map(|(_, table)| table[row].1)
                .copied()
                .collect();
            (*arch, calls)
        })
        .collect()
}

/// One block an ABI: wrong ABI → next block; a listed call → ERRNO with 0; else allow.
fn program(filters: Filters) -> Vec<libc::sock_filter> {
    let mut code = vec![op(LOAD, ARCH, 0, 0)];
    for (arch, calls) in tables(filters) {
        // Length of the block behind this jump: load, one test a call, allow, fake. At most 13 + 3: fits in a jump.
        let rest = calls.len() as u8 + 3;
        code.push(op(EQUAL, arch, 0, rest));
        code.push(op(LOAD, NUMBER, 0, 0));
        for (at, call) in calls.iter().enumerate() {
            let to_fake = (calls.len() - at) as u8;
            code.push(op(EQUAL, *call, to_fake, 0));
        }
        code.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
        code.push(op(RETURN, libc::SECCOMP_RET_ERRNO, 0, 0));
    }
    code.push(op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    code
}

/// Installs the filters for this process and all it starts. Needs CAP_SYS_ADMIN, and leaves NO_NEW_PRIVS alone.
pub(crate) fn install(filters: Filters) -> Result<(), StepError> {
    if filters == Filters::default() {
        return Ok(());
    }
    let mut code = program(filters);
    let program = libc::sock_fprog {
        len: code.len() as libc::c_ushort,
        filter: code.as_mut_ptr(),
    };
    // SAFETY: the program points to `len` instructions that live until the call returns; the kernel copies them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    Errno::result(result)
        .step(Step::Seccomp, "install a seccomp filter")
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the few instructions a filter uses.
    fn verdict(code: &[libc::sock_filter], arch: u32, number: u32) -> u32 {
        let (mut at, mut value) = (0, 0);
        loop {
            let now = code[at];
            at += 1;
            match now.code {
                LOAD => value = if now.k == ARCH { arch } else { number },
                EQUAL => at += usize::from(if value == now.k { now.jt } else { now.jf }),
                _ => return now.k,
            }
        }
    }

    #[test]
    fn only_listed_calls_of_known_abis_are_faked() {
        let both = program(Filters {
            chown: true,
            sync: true,
        });
        for (arch, calls) in CHOWN.iter().chain(&SYNC) {
            for call in *calls {
                assert_eq!(verdict(&both, *arch, *call), libc::SECCOMP_RET_ERRNO);
            }
            assert_eq!(verdict(&both, *arch, 1), libc::SECCOMP_RET_ALLOW);
        }
        assert_eq!(verdict(&both, 0x1234, 92), libc::SECCOMP_RET_ALLOW);
        let sync = program(Filters {
            chown: false,
            sync: true,
        });
        assert_eq!(verdict(&sync, X86_64, 92), libc::SECCOMP_RET_ALLOW);
        assert_eq!(verdict(&sync, X86_64, 74), libc::SECCOMP_RET_ERRNO);
    }
}
