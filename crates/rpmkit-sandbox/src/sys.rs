//! Thin wrappers for system calls that `nix` does not have. One call each, no policy.

use nix::errno::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The result of a raw system call.
pub(crate) type Sys<T> = Result<T, Errno>;

pub(crate) const OPEN_TREE_CLONE: libc::c_uint = 1;
pub(crate) const AT_RECURSIVE: libc::c_uint = 0x8000;
pub(crate) const ATTR_RDONLY: u64 = 1;
pub(crate) const ATTR_NOSUID: u64 = 2;
pub(crate) const ATTR_NODEV: u64 = 4;
pub(crate) const ATTR_NOEXEC: u64 = 8;

const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;
const MOVE_MOUNT_T_SYMLINKS: libc::c_uint = 0x10;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_SET_FD: libc::c_uint = 5;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;

/// A path as the kernel wants it; a NUL inside is EINVAL.
pub(crate) fn cstr(path: impl AsRef<Path>) -> Sys<CString> {
    CString::new(path.as_ref().as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

fn check(result: libc::c_long) -> Sys<libc::c_long> {
    Errno::result(result)
}

fn own(result: libc::c_long) -> Sys<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the kernel just gave us this descriptor, nobody else owns it; descriptors fit in a RawFd.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Joins a new, empty session keyring (keyctl(2)).
pub(crate) fn new_session_keyring() -> Sys<()> {
    /// linux/keyctl.h
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    let anonymous = std::ptr::null::<libc::c_char>();
    // SAFETY: without a name nothing is read from memory.
    check(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, anonymous) }).map(drop)
}

/// The version of Landlock this kernel has (landlock_create_ruleset(2)).
pub(crate) fn landlock_abi() -> Sys<libc::c_long> {
    const VERSION: libc::c_uint = 1;
    let none = std::ptr::null::<u64>();
    // SAFETY: asked for its version, the kernel wants no attributes and no size.
    check(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, VERSION) })
}

/// Keeps this process, from now on, from abstract sockets made outside.
pub(crate) fn landlock_scope_abstract_sockets() -> Sys<()> {
    /// `struct landlock_ruleset_attr` of ABI 6: file system, network, scopes (linux/landlock.h).
    const ATTRIBUTES: [u64; 3] = [0, 0, 1];
    let size = std::mem::size_of_val(&ATTRIBUTES);
    // SAFETY: the attributes live until the call returns and are as long as `size` says.
    let ruleset = own(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ATTRIBUTES.as_ptr(),
            size,
            0,
        )
    })?;
    // SAFETY: takes a descriptor of ours and flags.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })
        .map(drop)
}

/// Opens a file-system context.
pub(crate) fn fsopen(kind: &CStr) -> Sys<OwnedFd> {
    // SAFETY: the string is NUL-terminated and outlives the call; 1 is FSOPEN_CLOEXEC.
    own(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), 1) })
}

/// Sets an option without a value.
pub(crate) fn fsconfig_flag(fs: BorrowedFd<'_>, key: &CStr) -> Sys<()> {
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: the key is NUL-terminated; a flag takes no value, so null and 0 are what the kernel asks for.
    check(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            fs.as_raw_fd(),
            FSCONFIG_SET_FLAG,
            key.as_ptr(),
            null,
            0,
        )
    })
    .map(drop)
}

/// Sets an option to a string, shorter than 256 bytes.
pub(crate) fn fsconfig_string(fs: BorrowedFd<'_>, key: &CStr, value: &CStr) -> Sys<()> {
    // SAFETY: both strings are NUL-terminated and outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            fs.as_raw_fd(),
            FSCONFIG_SET_STRING,
            key.as_ptr(),
            value.as_ptr(),
            0,
        )
    })
    .map(drop)
}

/// Sets an option to a descriptor (overlay layers, Linux 6.13).
pub(crate) fn fsconfig_fd(fs: BorrowedFd<'_>, key: &CStr, value: BorrowedFd<'_>) -> Sys<()> {
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: the key is NUL-terminated, the value pointer must be null here, both descriptors are open.
    check(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            fs.as_raw_fd(),
            FSCONFIG_SET_FD,
            key.as_ptr(),
            null,
            value.as_raw_fd(),
        )
    })
    .map(drop)
}

/// Makes the superblock.
pub(crate) fn fsconfig_create(fs: BorrowedFd<'_>) -> Sys<()> {
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: the create command takes neither key nor value.
    check(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            fs.as_raw_fd(),
            FSCONFIG_CMD_CREATE,
            null,
            null,
            0,
        )
    })
    .map(drop)
}

/// Makes a detached mount of a created context.
pub(crate) fn fsmount(fs: BorrowedFd<'_>, attrs: u64) -> Sys<OwnedFd> {
    // SAFETY: plain integers; 1 is FSMOUNT_CLOEXEC.
    own(unsafe { libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), 1, attrs) })
}

/// What the kernel wrote into the context about a failure, one message a line without its severity letter.
pub(crate) fn context_log(fs: BorrowedFd<'_>) -> String {
    let mut lines = Vec::new();
    let mut buffer = [0u8; 4096];
    while let Ok(len) = nix::unistd::read(fs, &mut buffer) {
        if len == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&buffer[..len]);
        let text = text.trim();
        let message = text
            .strip_prefix("e ")
            .or_else(|| text.strip_prefix("w "))
            .unwrap_or(text);
        lines.push(message.to_owned());
    }
    lines.join("; ")
}

/// Clones a mount (tree) into a detached one, or opens a path.
pub(crate) fn open_tree(dir: RawFd, path: &CStr, flags: libc::c_uint) -> Sys<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the path is NUL-terminated and outlives the call.
    own(unsafe { libc::syscall(libc::SYS_open_tree, dir, path.as_ptr(), flags) })
}

/// Attaches a detached mount at a path, following symbolic links.
pub(crate) fn move_mount(mount: BorrowedFd<'_>, target: &CStr) -> Sys<()> {
    move_mount_to(mount, libc::AT_FDCWD, target)
}

/// As [`move_mount`], with the path taken from an open directory.
pub(crate) fn move_mount_to(mount: BorrowedFd<'_>, dir: RawFd, target: &CStr) -> Sys<()> {
    // SAFETY: both strings are NUL-terminated; the source path is empty as MOVE_MOUNT_F_EMPTY_PATH asks.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            dir,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS,
        )
    })
    .map(drop)
}

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Sets attributes of a mount given by descriptor, or of the mount at a path.
pub(crate) fn mount_setattr(dir: RawFd, path: &CStr, recursive: bool, set: u64) -> Sys<()> {
    let attr = MountAttr {
        set,
        clear: 0,
        propagation: 0,
        userns_fd: 0,
    };
    set_mount_attr(dir, path, recursive, &attr)
}

/// Has a detached mount (tree) show ids as the user namespace `ids` maps them: 0 on disk is its 0.
pub(crate) fn map_ids(mount: BorrowedFd<'_>, ids: BorrowedFd<'_>, recursive: bool) -> Sys<()> {
    /// MOUNT_ATTR_IDMAP
    const IDMAP: u64 = 0x0010_0000;
    let attr = MountAttr {
        set: IDMAP,
        clear: 0,
        propagation: 0,
        userns_fd: ids.as_raw_fd() as u64,
    };
    set_mount_attr(mount.as_raw_fd(), c"", recursive, &attr)
}

fn set_mount_attr(dir: RawFd, path: &CStr, recursive: bool, attr: &MountAttr) -> Sys<()> {
    let mut flags = libc::AT_EMPTY_PATH as libc::c_uint;
    if recursive {
        flags |= AT_RECURSIVE;
    }
    // SAFETY: the path is NUL-terminated, the struct has the kernel's layout and its true size is passed.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            dir,
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// Whether a path is the root of a mount (statx's STATX_ATTR_MOUNT_ROOT, Linux 5.8). The last component is not followed.
pub(crate) fn is_mount_root(path: &Path) -> Sys<bool> {
    let path = cstr(path)?;
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    let mut stat = std::mem::MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path is NUL-terminated and the kernel writes at most the struct it knows the size of.
    check(libc::c_long::from(unsafe {
        libc::statx(libc::AT_FDCWD, path.as_ptr(), flags, 0, stat.as_mut_ptr())
    }))?;
    // SAFETY: zeroed is a valid value of this plain struct, whatever the kernel filled in.
    let stat = unsafe { stat.assume_init() };
    Ok(stat.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0)
}

/// `pivot_root(".", ".")`.
pub(crate) fn pivot_here() -> Sys<()> {
    // SAFETY: two constant NUL-terminated strings.
    check(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) }).map(drop)
}

/// A descriptor that becomes readable when the process ends.
pub(crate) fn pidfd_open(pid: libc::pid_t) -> Sys<OwnedFd> {
    // SAFETY: plain integers.
    own(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: RawFd) {
    // SAFETY: callers have given up all owners of these descriptors (they are about to exec, or have just started).
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if done == 0 {
        return;
    }
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")
        .map(|dir| {
            dir.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
                .collect()
        })
        .unwrap_or_else(|_| (first..1024).collect());
    for fd in open.into_iter().filter(|fd| *fd >= first) {
        // SAFETY: as above; closing a number that is not open is EBADF and harmless.
        unsafe { libc::close(fd) };
    }
}

/// An anonymous file holding `bytes`, positioned at its start.
pub(crate) fn memfd(name: &CStr, bytes: &[u8]) -> std::io::Result<OwnedFd> {
    use std::io::{Seek, Write};
    // SAFETY: the name is NUL-terminated.
    let fd = own(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) }.into())?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// Forks into new namespaces. Both sides return; the child gets 0.
///
/// # Safety
/// The process must have one thread only: the child gets a copy of every lock as it stands.
pub(crate) unsafe fn clone(flags: libc::c_int) -> Sys<libc::pid_t> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: no new stack and no shared memory, so this is fork with namespaces; the caller promises a single thread.
    check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })
        .map(|pid| pid as libc::pid_t)
}

/// Ends the process at once, without running anything of the parent's that was copied into it.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: takes an integer and does not return.
    unsafe { libc::_exit(code) }
}

/// One `prctl` with one argument.
pub(crate) fn prctl(option: libc::c_int, value: libc::c_ulong) -> Sys<()> {
    // SAFETY: only used for options whose argument is an integer.
    Errno::result(unsafe { libc::prctl(option, value, 0, 0, 0) }).map(drop)
}

/// A copy of the descriptor that is at least `least` and closes on exec.
pub(crate) fn dup_above(fd: impl AsFd, least: RawFd) -> Sys<OwnedFd> {
    let raw = fd.as_fd().as_raw_fd();
    // SAFETY: plain integers on an open descriptor.
    own(unsafe { libc::fcntl(raw, libc::F_DUPFD_CLOEXEC, least) }.into())
}

/// Makes `fd` also known as `number`, which stays open over exec.
pub(crate) fn dup_to(fd: RawFd, number: RawFd) -> Sys<()> {
    // SAFETY: plain integers; `number` is one of the standard descriptors, which nothing in this crate owns.
    Errno::result(unsafe { libc::dup2(fd, number) }).map(drop)
}
