//! The directories between the start of a tree and where we are, with few of them open.
//!
//! A tree may be deeper than a process may have descriptors, and its paths longer than the kernel
//! takes. So only the deepest directories stay open. One that was closed is opened again as `..` of the
//! one below it, or by its names from the start, and must be the very directory it was.

use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{Mode, fstat, openat},
    io::Errno,
};

use crate::{
    FileId, Meta,
    resolve::{LIST, walk_down},
};

/// How many of the deepest directories stay open.
const OPEN: usize = 24;

struct Frame<T> {
    fd: Option<OwnedFd>,
    id: FileId,
    /// Length of its path.
    path: usize,
    data: T,
}

/// Directories, outermost first, each with data of its own.
pub(crate) struct DirStack<T> {
    frames: Vec<Frame<T>>,
    /// Path from the start to the entry last pointed at.
    path: Vec<u8>,
}

impl<T> DirStack<T> {
    pub fn new() -> Self {
        Self {
            frames: Vec::new(),
            path: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The deepest directory; `None` also when it could not be opened again.
    pub fn top(&self) -> Option<BorrowedFd<'_>> {
        self.frames.last()?.fd.as_ref().map(AsFd::as_fd)
    }

    pub fn data(&mut self) -> Option<&mut T> {
        self.frames.last_mut().map(|frame| &mut frame.data)
    }

    /// Path from the start.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Path of the deepest directory.
    pub fn top_path(&self) -> &Path {
        let len = self.frames.last().map_or(0, |frame| frame.path);
        Path::new(OsStr::from_bytes(&self.path[..len]))
    }

    /// The name last pointed at.
    pub fn name(&self) -> &OsStr {
        let start = self.frames.last().map_or(0, |frame| frame.path);
        let name = &self.path[start..];
        OsStr::from_bytes(name.strip_prefix(b"/").unwrap_or(name))
    }

    /// Points at entry `name` of the deepest directory.
    pub fn point(&mut self, name: &OsStr) {
        let len = self.frames.last().map_or(0, |frame| frame.path);
        self.path.truncate(len);
        if len > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.as_bytes());
    }

    /// Goes down into what was last pointed at, or starts.
    pub fn push(&mut self, fd: OwnedFd, meta: &Meta, data: T) {
        self.frames.push(Frame {
            fd: Some(fd),
            id: meta.id(),
            path: self.path.len(),
            data,
        });
        // The outermost stays open: from there the others are found again.
        let closes = self.frames.len().saturating_sub(1 + OPEN);
        if closes > 0 {
            self.frames[closes].fd = None;
        }
    }

    /// Goes up, pointing at the directory that is left. `false` when the one above is not to be had
    /// any more.
    pub fn pop(&mut self) -> (Option<T>, bool) {
        let Some(gone) = self.frames.pop() else {
            return (None, true);
        };
        self.path.truncate(gone.path);
        let found = self.reopen(gone.fd).is_ok();
        (Some(gone.data), found)
    }

    fn reopen(&mut self, below: Option<OwnedFd>) -> Result<(), Errno> {
        let Some((top, above)) = self.frames.split_last_mut() else {
            return Ok(());
        };
        if top.fd.is_some() {
            return Ok(());
        }
        let is_it = |fd: &OwnedFd| fstat(fd).is_ok_and(|stat| Meta::new(stat).id() == top.id);
        if let Some(fd) = below
            .and_then(|fd| openat(fd, "..", LIST, Mode::empty()).ok())
            .filter(is_it)
        {
            top.fd = Some(fd);
            return Ok(());
        }
        let start = above.first().and_then(|frame| frame.fd.as_ref());
        let Some(start) = start else {
            return Err(Errno::NOENT);
        };
        let fd = walk_down(start.as_fd(), &self.path[..top.path], LIST)?;
        if !is_it(&fd) {
            return Err(Errno::STALE);
        }
        top.fd = Some(fd);
        Ok(())
    }
}
