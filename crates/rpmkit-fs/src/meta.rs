//! What the file system says about a file.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use rustix::fs::{FileType, Stat};

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device node.
    Block,
    /// A character device node.
    Char,
    /// The file system does not say, or it is something new.
    Unknown,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Dir => "a directory",
            Self::Link => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Block => "a block device",
            Self::Char => "a character device",
            Self::Unknown => "something unknown",
        })
    }
}

impl From<FileType> for EntryKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Dir,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::BlockDevice => Self::Block,
            FileType::CharacterDevice => Self::Char,
            _ => Self::Unknown,
        }
    }
}

/// Device and inode: which file it is, as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file system.
    pub dev: u64,
    /// The file in it.
    pub ino: u64,
}

/// What stat(2) tells.
#[derive(Clone, Copy)]
pub struct Meta(Stat);

// The C types of these fields differ between CPUs, so some casts do nothing on some.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]
impl Meta {
    pub(crate) fn new(stat: Stat) -> Self {
        Self(stat)
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> EntryKind {
        FileType::from_raw_mode(self.0.st_mode).into()
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind() == EntryKind::File
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind() == EntryKind::Dir
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind() == EntryKind::Link
    }

    /// Apparent size, bytes; for a link the length of its target.
    pub fn len(&self) -> u64 {
        u64::try_from(self.0.st_size).unwrap_or(0)
    }

    /// Whether the apparent size is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Space taken on disk, bytes.
    pub fn on_disk(&self) -> u64 {
        (self.0.st_blocks as u64).saturating_mul(512)
    }

    /// Permission bits with set-uid, set-gid and sticky: 0 to 0o7777.
    pub fn mode(&self) -> u32 {
        self.0.st_mode & 0o7777
    }

    /// The owner.
    pub fn uid(&self) -> u32 {
        self.0.st_uid
    }

    /// The group.
    pub fn gid(&self) -> u32 {
        self.0.st_gid
    }

    /// How many names it has; of a directory, what the file system likes.
    pub fn links(&self) -> u64 {
        self.0.st_nlink as u64
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        FileId {
            dev: self.0.st_dev as u64,
            ino: self.0.st_ino as u64,
        }
    }

    /// The device a device node stands for, as stat(2) encodes it.
    pub fn device(&self) -> u64 {
        self.0.st_rdev as u64
    }

    /// Last change of the content: seconds since 1970 (negative before) and nanoseconds.
    pub fn mtime(&self) -> (i64, u32) {
        (self.0.st_mtime as i64, self.0.st_mtime_nsec as u32)
    }

    /// Last access, as [`Self::mtime`].
    pub fn atime(&self) -> (i64, u32) {
        (self.0.st_atime as i64, self.0.st_atime_nsec as u32)
    }

    /// Last change of the content.
    pub fn modified(&self) -> SystemTime {
        let (seconds, nanos) = self.mtime();
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        base.unwrap_or(SystemTime::UNIX_EPOCH) + Duration::from_nanos(nanos.into())
    }
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("kind", &self.kind())
            .field("len", &self.len())
            .field("mode", &format_args!("{:o}", self.mode()))
            .field("uid", &self.uid())
            .field("gid", &self.gid())
            .field("links", &self.links())
            .field("id", &self.id())
            .finish()
    }
}
