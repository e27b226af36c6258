//! Copying files with everything that makes them what they are.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::{
        stat::{Mode, SFlag, UtimensatFlags, mknod, utimensat},
        time::TimeSpec,
    },
    unistd::{Whence, lseek},
};
use serde::{Deserialize, Serialize};

use super::{OpAt, OpError};

/// Copies the content of directory `from` into directory `to`, which is made if need be and takes
/// over `from`'s attributes.
#[derive(Debug, Serialize, Deserialize)]
pub struct CopyTree {
    /// Source directory.
    pub from: PathBuf,
    /// Destination directory.
    pub to: PathBuf,
}

pub(crate) fn copy_tree(input: CopyTree) -> Result<(), OpError> {
    let meta = fs::symlink_metadata(&input.from).at("look at", &input.from)?;
    if !meta.is_dir() {
        return Err(OpError::Bad(format!(
            "`{}` is no directory",
            input.from.display()
        )));
    }
    copy_dir(&input.from, &meta, &input.to, &mut HashMap::new())
}

fn copy_dir(
    from: &Path,
    meta: &fs::Metadata,
    to: &Path,
    linked: &mut HashMap<(u64, u64), PathBuf>,
) -> Result<(), OpError> {
    match fs::create_dir(to) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(e).at("create directory", to);
        }
        _ => {}
    }
    for entry in fs::read_dir(from).at("list", from)? {
        let entry = entry.at("list", from)?;
        let source = entry.path();
        let dest = to.join(entry.file_name());
        let child = entry.metadata().at("look at", &source)?;
        if child.is_dir() {
            copy_dir(&source, &child, &dest, linked)?;
        } else {
            one(&source, &child, &dest, linked)?;
        }
    }
    attributes(from, meta, to)?;
    times(meta, to)
}

/// Copies one thing that is no directory. `linked` remembers files with several names.
pub(super) fn one(
    from: &Path,
    meta: &fs::Metadata,
    to: &Path,
    linked: &mut HashMap<(u64, u64), PathBuf>,
) -> Result<(), OpError> {
    if meta.nlink() > 1 {
        if let Some(first) = linked.get(&(meta.dev(), meta.ino())) {
            return fs::hard_link(first, to).at("link", to);
        }
        linked.insert((meta.dev(), meta.ino()), to.to_owned());
    }
    let kind = meta.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).at("read link", from)?;
        std::os::unix::fs::symlink(target, to).at("create link", to)?;
    } else if kind.is_file() {
        content(from, meta, to)?;
    } else {
        let flag = if kind.is_fifo() {
            SFlag::S_IFIFO
        } else if kind.is_socket() {
            SFlag::S_IFSOCK
        } else if kind.is_block_device() {
            SFlag::S_IFBLK
        } else {
            SFlag::S_IFCHR
        };
        mknod(to, flag, Mode::from_bits_truncate(0o600), meta.rdev()).at("create node", to)?;
    }
    attributes(from, meta, to)?;
    times(meta, to)
}

/// Copies a regular file's data: as a shared extent where the file system can, and with its holes.
fn content(from: &Path, meta: &fs::Metadata, to: &Path) -> Result<(), OpError> {
    let mut source = File::open(from).at("open", from)?;
    let mut dest = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .at("create", to)?;
    let size = meta.len();
    if meta.blocks() * 512 >= size {
        // io::copy uses copy_file_range, which shares extents on xfs and btrfs.
        io::copy(&mut source, &mut dest).at("copy", from)?;
        return Ok(());
    }
    let length = i64::try_from(size).unwrap_or(i64::MAX);
    let mut at = 0;
    while at < length {
        let start = match lseek(&source, at, Whence::SeekData) {
            Ok(start) => start,
            Err(Errno::ENXIO) => break,
            Err(e) => return Err(e).at("read holes of", from),
        };
        let end = lseek(&source, start, Whence::SeekHole).at("read holes of", from)?;
        let (start_u, len) = (start.unsigned_abs(), (end - start).unsigned_abs());
        source.seek(SeekFrom::Start(start_u)).at("read", from)?;
        dest.seek(SeekFrom::Start(start_u)).at("write", to)?;
        io::copy(&mut (&mut source).take(len), &mut dest).at("copy", from)?;
        at = end;
    }
    dest.set_len(size).at("write", to)?;
    dest.flush().at("write", to)
}

/// Owner, then mode (chown clears setuid), then extended attributes (chown clears capabilities).
pub(crate) fn attributes(from: &Path, meta: &fs::Metadata, to: &Path) -> Result<(), OpError> {
    let now = fs::symlink_metadata(to).at("look at", to)?;
    if (now.uid(), now.gid()) != (meta.uid(), meta.gid()) {
        std::os::unix::fs::lchown(to, Some(meta.uid()), Some(meta.gid()))
            .at("change the owner of", to)?;
    }
    if !meta.file_type().is_symlink() {
        fs::set_permissions(to, fs::Permissions::from_mode(meta.mode() & 0o7777))
            .at("change the mode of", to)?;
    }
    for name in xattr::list(from).at("read attributes of", from)? {
        if is_overlay_mark(name.as_bytes()) {
            continue;
        }
        if let Some(value) = xattr::get(from, &name).at("read attributes of", from)? {
            match xattr::set(to, &name, &value) {
                Ok(()) => {}
                // The host's labels and trusted.* are not ours to set; the root works without.
                Err(_)
                    if !name.as_bytes().starts_with(b"user.")
                        && name.as_bytes() != b"security.capability"
                        && !name.as_bytes().starts_with(b"system.posix_acl") => {}
                Err(e) => return Err(e).at("set attributes of", to),
            }
        }
    }
    Ok(())
}

/// True for overlayfs's own marks. An escaped mark (`user.overlay.overlay.*`) belongs to an overlay
/// somebody mounted *inside* the chroot, and is content.
pub(super) fn is_overlay_mark(name: &[u8]) -> bool {
    name.starts_with(b"user.overlay.") && !name.starts_with(b"user.overlay.overlay.")
}

/// Access and modification time, of the link itself for a symbolic link.
pub(super) fn times(meta: &fs::Metadata, to: &Path) -> Result<(), OpError> {
    utimensat(
        nix::fcntl::AT_FDCWD,
        to,
        &TimeSpec::new(meta.atime(), meta.atime_nsec()),
        &TimeSpec::new(meta.mtime(), meta.mtime_nsec()),
        UtimensatFlags::NoFollowSymlink,
    )
    .at("set the time of", to)
}
