//! Making and changing files. None of this follows a link at the end of a path.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
    time::SystemTime,
};

use rustix::{
    fs::{
        AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT, Uid,
        chmodat, chownat, fchmod, linkat, mkdirat, openat, renameat, renameat_with, symlinkat,
        unlinkat, utimensat,
    },
    io::Errno,
};

use crate::{
    Dir, EntryKind, FsError, Meta, Result,
    dir::is_this,
    read::meta_of,
    resolve::{PLACE, reopen, walk_making},
};

/// A pipe or terminal that takes a file's place just now must not make us wait.
const WRITE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Whether something that has the new name already stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfThere {
    /// It stays, and the call fails.
    #[default]
    Fail,
    /// It goes: a link as a link, a file, or an empty directory when a directory takes its place.
    Replace,
}

impl Dir {
    /// Makes a new file with `mode` less the umask, open for writing and reading.
    ///
    /// # Errors
    /// When anything of that name is there, even a link to nothing.
    pub fn create_new(&self, path: impl AsRef<Path>, mode: u32) -> Result<File> {
        let path = path.as_ref();
        let (place, name) = self.place("create", path)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | WRITE;
        openat(place, name, flags, Mode::from_raw_mode(mode))
            .map(File::from)
            .map_err(|e| FsError::io("create", self.show(path), e))
    }

    /// Opens a file for reading and writing, made with `mode` less the umask where it is missing: for
    /// files that are locked or written in place.
    ///
    /// # Errors
    /// When a link or anything but a regular file with one name is there.
    pub fn open_or_create(&self, path: impl AsRef<Path>, mode: u32) -> Result<File> {
        self.open_written(path.as_ref(), OFlags::RDWR, mode)
    }

    /// Opens a log for appending, made with `mode` less the umask where it is missing.
    ///
    /// # Errors
    /// As [`Self::open_or_create`].
    pub fn append(&self, path: impl AsRef<Path>, mode: u32) -> Result<File> {
        self.open_written(path.as_ref(), OFlags::WRONLY | OFlags::APPEND, mode)
    }

    fn open_written(&self, path: &Path, access: OFlags, mode: u32) -> Result<File> {
        let (place, name) = self.place("open", path)?;
        let flags = access | OFlags::CREATE | WRITE;
        let fd = openat(&place, name, flags, Mode::from_raw_mode(mode))
            .map_err(|e| self.other_than(place.as_fd(), name, path, EntryKind::File, "open", e))?;
        let meta = self.stat_fd(&fd, path)?;
        self.expect(&meta, EntryKind::File, path)?;
        if meta.links() > 1 {
            return Err(FsError::HardLinked {
                path: self.show(path),
                links: meta.links(),
            });
        }
        Ok(File::from(fd))
    }

    /// Makes a directory with `mode` less the umask.
    ///
    /// # Errors
    /// When anything of that name is there.
    pub fn mkdir(&self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        let (place, name) = self.place("create the directory", path)?;
        mkdirat(place, name, Mode::from_raw_mode(mode))
            .map_err(|e| FsError::io("create the directory", self.show(path), e))
    }

    /// Makes a directory and what is missing above it with `mode` less the umask. One that is there is
    /// fine; links on the way are followed by this directory's rule, and what they lead to is made.
    ///
    /// # Errors
    /// When something else than a directory is in the way.
    pub fn mkdir_all(&self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        self.open_made(path.as_ref(), mode).map(drop)
    }

    /// [`Self::mkdir_all`], opened to name things in.
    pub(crate) fn open_made(&self, path: &Path, mode: u32) -> Result<OwnedFd> {
        const ACTION: &str = "create the directory";
        match self.open(ACTION, path, PLACE) {
            Err(e) if e.is_not_found() => {}
            other => return other,
        }
        walk_making(self.fd.as_fd(), path, self.links, Mode::from_raw_mode(mode))
            .map_err(|e| self.stop(ACTION, path, e))
    }

    /// Gives a file another name in `to`.
    ///
    /// # Errors
    /// When the new name is taken and `there` says it stays, or is that of a directory that is not
    /// empty; when the two are on different file systems.
    pub fn rename(
        &self,
        from: impl AsRef<Path>,
        to: &Self,
        new: impl AsRef<Path>,
        there: IfThere,
    ) -> Result<()> {
        let (from, new) = (from.as_ref(), new.as_ref());
        let (source, name) = self.place("rename", from)?;
        let (target, new_name) = to.place("rename to", new)?;
        match there {
            IfThere::Replace => renameat(source, name, target, new_name)
                .map_err(|e| FsError::io("rename", self.show(from), e)),
            IfThere::Fail => renameat_with(source, name, target, new_name, RenameFlags::NOREPLACE)
                .map_err(|e| match e {
                    Errno::EXIST => FsError::io("rename to", to.show(new), e),
                    _ => FsError::io("rename", self.show(from), e),
                }),
        }
    }

    /// Makes a link that points to `target`, which is written down as it is.
    ///
    /// # Errors
    /// When anything of that name is there.
    pub fn symlink(&self, target: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let (place, name) = self.place("create the link", path)?;
        symlinkat(target.as_ref(), place, name)
            .map_err(|e| FsError::io("create the link", self.show(path), e))
    }

    /// Gives a file a second name in `to`; a link is not followed but gets the name itself.
    ///
    /// # Errors
    /// When the new name is taken, or the two are on different file systems.
    pub fn hard_link(
        &self,
        path: impl AsRef<Path>,
        to: &Self,
        new: impl AsRef<Path>,
    ) -> Result<()> {
        let (path, new) = (path.as_ref(), new.as_ref());
        let (source, name) = self.place("link", path)?;
        let (target, new_name) = to.place("create", new)?;
        linkat(source, name, target, new_name, AtFlags::empty())
            .map_err(|e| FsError::io("create", to.show(new), e))
    }

    /// Removes one name that is not a directory's: a file, link, pipe …
    ///
    /// # Errors
    /// When it is not there.
    pub fn remove_file(&self, path: impl AsRef<Path>) -> Result<()> {
        self.unlink(path.as_ref(), AtFlags::empty())
    }

    /// [`Self::remove_file`]; what is not there is fine. Whether it was.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_file_if_there(&self, path: impl AsRef<Path>) -> Result<bool> {
        match self.remove_file(path) {
            Err(e) if e.is_not_found() => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// When it is not empty or no directory.
    pub fn remove_dir(&self, path: impl AsRef<Path>) -> Result<()> {
        self.unlink(path.as_ref(), AtFlags::REMOVEDIR)
    }

    fn unlink(&self, path: &Path, flags: AtFlags) -> Result<()> {
        let (place, name) = self.place("remove", path)?;
        unlinkat(place, name, flags).map_err(|e| FsError::io("remove", self.show(path), e))
    }

    /// Sets the permission bits (0 to 0o7777) of a file or directory, exactly.
    ///
    /// # Errors
    /// When it is a link or anything else, or not ours.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        let fd = if is_this(path) {
            self.open("change the mode of", Path::new(""), OFlags::PATH)?
        } else {
            let (place, name) = self.place("change the mode of", path)?;
            openat(
                place,
                name,
                OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .map_err(|e| FsError::io("change the mode of", self.show(path), e))?
        };
        let meta = self.stat_fd(&fd, path)?;
        if meta.is_link() {
            return Err(FsError::Link {
                path: self.show(path),
                target: None,
            });
        }
        if !meta.is_dir() {
            self.expect(&meta, EntryKind::File, path)?;
        }
        set_mode_of(&fd, mode).map_err(|e| FsError::io("change the mode of", self.show(path), e))
    }

    /// Sets when the content was last changed; of a link its own.
    ///
    /// # Errors
    /// When it is not there or not ours.
    pub fn set_modified(&self, path: impl AsRef<Path>, time: SystemTime) -> Result<()> {
        let path = path.as_ref();
        let times = Timestamps {
            last_access: omitted(),
            last_modification: timespec(time),
        };
        let done = if is_this(path) {
            reopen(self.fd.as_fd()).and_then(|dir| rustix::fs::futimens(dir, &times))
        } else {
            let (place, name) = self.place("set the time of", path)?;
            utimensat(place, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        };
        done.map_err(|e| FsError::io("set the time of", self.show(path), e))
    }

    /// Gives a file, directory or link to somebody. Takes set-uid and set-gid bits away from files.
    ///
    /// # Errors
    /// When we may not, or an id is not mapped in our user namespace.
    pub fn set_owner(&self, path: impl AsRef<Path>, uid: u32, gid: u32) -> Result<()> {
        let path = path.as_ref();
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        let done = if is_this(path) {
            chownat(&self.fd, "", uid, gid, AtFlags::EMPTY_PATH)
        } else {
            let (place, name) = self.place("change the owner of", path)?;
            chownat(place, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        };
        done.map_err(|e| FsError::io("change the owner of", self.show(path), e))
    }

    /// Fsyncs everything on this directory's file system.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync_file_system(&self) -> Result<()> {
        reopen(self.fd.as_fd())
            .and_then(rustix::fs::syncfs)
            .map_err(|e| FsError::io("sync", &self.shown, e))
    }

    /// Fsyncs directory `path`: the names in it.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync_names(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let fd = self.open("sync", path, PLACE)?;
        reopen(fd.as_fd())
            .and_then(rustix::fs::fsync)
            .map_err(|e| FsError::io("sync", self.show(path), e))
    }
}

/// Sets the mode of what `fd` stands for, even where `fd` was opened with `O_PATH`.
pub(crate) fn set_mode_of(fd: &OwnedFd, mode: u32) -> std::result::Result<(), Errno> {
    let mode = Mode::from_raw_mode(mode);
    match fchmod(fd, mode) {
        // fchmod(2) takes no descriptor opened with O_PATH; procfs leads from it to the very file,
        // whatever its name has become.
        Err(Errno::BADF) => {
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            match chmodat(CWD, path.as_str(), mode, AtFlags::empty()) {
                Err(Errno::NOENT) => set_mode_without_proc(fd, mode),
                other => other,
            }
        }
        other => other,
    }
}

/// Without procfs only a directory that we may read can be opened anew by its descriptor.
fn set_mode_without_proc(fd: &OwnedFd, mode: Mode) -> std::result::Result<(), Errno> {
    if !meta_of(fd)?.is_dir() {
        return Err(Errno::NOENT);
    }
    fchmod(reopen(fd.as_fd())?, mode)
}

pub(crate) fn timespec(time: SystemTime) -> Timespec {
    let (seconds, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            since.subsec_nanos(),
        ),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |s| -s);
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanos => (seconds - 1, 1_000_000_000 - nanos),
            }
        }
    };
    Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    }
}

fn omitted() -> Timespec {
    Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    }
}

/// The modification time of `meta`, for another file.
pub(crate) fn times_of(meta: &Meta) -> Timestamps {
    let (seconds, nanos) = meta.mtime();
    Timestamps {
        last_access: omitted(),
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: nanos.into(),
        },
    }
}
