//! What can be wrong with a path, said with the path as the person who gave the directory knows it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use crate::EntryKind;

/// Result of this crate's calls.
pub type Result<T> = std::result::Result<T, FsError>;

/// How many entries an error of [`Dir::remove_all`](crate::Dir::remove_all) or
/// [`Dir::copy_tree`](crate::Dir::copy_tree) names; the rest is counted.
pub const NAMED_FAILURES: usize = 20;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", ShownPath(path))]
    Io {
        /// What was attempted, an infinitive.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path leads out of the tree, by itself or through a link.
    #[error(
        "{} leads out of {}{}",
        ShownPath(path),
        ShownPath(tree),
        through(link)
    )]
    Leaves {
        /// Which.
        path: PathBuf,
        /// The tree it must stay in.
        tree: PathBuf,
        /// The link that leads out and where it points; `None` where the path itself does, or where
        /// the tree changed meanwhile.
        link: Option<(PathBuf, PathBuf)>,
    },
    /// The path leads to or through something that is no part of the tree for who asks.
    #[error("{} leads to `{name}`, which is not looked into", ShownPath(path))]
    LeftOut {
        /// Which.
        path: PathBuf,
        /// The name that is left out.
        name: &'static str,
    },
    /// A link where none is followed.
    #[error(
        "{} is a symbolic link{}; no link is followed here",
        ShownPath(path),
        leads(target)
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it points, if it could be read.
        target: Option<PathBuf>,
    },
    /// Something else than was expected.
    #[error("{} is {found}, not {expected}", ShownPath(path))]
    Kind {
        /// Which.
        path: PathBuf,
        /// What is there.
        found: EntryKind,
        /// What was expected.
        expected: EntryKind,
    },
    /// More bytes than the bound.
    #[error("{} is larger than {limit} bytes", ShownPath(path))]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The bound, bytes.
        limit: u64,
    },
    /// More entries than the bound.
    #[error("{} has more than {limit} entries", ShownPath(path))]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// A path that cannot name what is asked for.
    #[error("{} cannot be used as a name: {reason}", ShownPath(path))]
    Name {
        /// As given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that is to be text is not UTF-8.
    #[error("{} is not UTF-8 text: byte {at} (counted from 0)", ShownPath(path))]
    NotText {
        /// Which.
        path: PathBuf,
        /// Offset of the first byte that is wrong.
        at: usize,
    },
    /// A file to be written to has other names, which may lie anywhere.
    #[error(
        "{} has {links} names (hard links); writing to it would change the others, too",
        ShownPath(path)
    )]
    HardLinked {
        /// Which.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// Something is mounted there.
    #[error("{} is a mount point; it is left alone", ShownPath(path))]
    Mount {
        /// Which.
        path: PathBuf,
    },
    /// What was looked at is no longer what is there.
    #[error("{} was changed by somebody while it was worked on", ShownPath(path))]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// Part of a tree could not be worked on; the rest was.
    #[error(
        "{failed} entries of {} could not be {what}{}",
        ShownPath(path),
        first(examples)
    )]
    Partly {
        /// The tree.
        path: PathBuf,
        /// "removed" or "copied".
        what: &'static str,
        /// How many entries failed.
        failed: u64,
        /// The first [`NAMED_FAILURES`] of them.
        examples: Vec<FsError>,
    },
}

impl FsError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, error: Errno) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source: error.into(),
        }
    }

    /// What it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::Leaves { path, .. }
            | Self::LeftOut { path, .. }
            | Self::Link { path, .. }
            | Self::Kind { path, .. }
            | Self::TooLarge { path, .. }
            | Self::TooMany { path, .. }
            | Self::Name { path, .. }
            | Self::NotText { path, .. }
            | Self::HardLinked { path, .. }
            | Self::Mount { path }
            | Self::Changed { path }
            | Self::Partly { path, .. } => path,
        }
    }

    /// Whether nothing of that name is there.
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }

    /// Whether something of that name is there already.
    pub fn is_already_there(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::AlreadyExists)
    }

    /// Whether there was no room left, on the disk or in a quota.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Partly { examples, .. } => examples.iter().any(Self::is_full),
            _ => matches!(
                self.io_kind(),
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            ),
        }
    }

    /// Whether the content of the tree was refused, as opposed to something the system could not do.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Io { .. } => false,
            Self::Partly { examples, .. } => examples.iter().any(Self::is_refusal),
            _ => true,
        }
    }

    /// What the system said, if it was the system.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// The system's error number, if it was the system.
    pub fn os_error(&self) -> Option<i32> {
        match self {
            Self::Io { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// What the system said without the path, for errors that name it themselves; else the whole text.
    pub fn into_system(self) -> io::Error {
        match self {
            Self::Io { source, .. } => source,
            other => other.into(),
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Leaves { .. } => {
                Some("links are followed only while they stay inside; put a copy of the file there")
            }
            Self::Link { .. } => Some("put a copy of what it points to in its place"),
            Self::HardLinked { .. } => Some("remove it or put a copy in its place"),
            Self::Mount { .. } => Some("unmount it first"),
            _ => None,
        }
    }
}

/// For callers whose own errors hold what the system said.
impl From<FsError> for io::Error {
    fn from(error: FsError) -> Self {
        let kind = error.io_kind().unwrap_or(match &error {
            FsError::Kind { .. } | FsError::Name { .. } => io::ErrorKind::InvalidInput,
            FsError::TooLarge { .. } | FsError::TooMany { .. } => io::ErrorKind::FileTooLarge,
            FsError::NotText { .. } => io::ErrorKind::InvalidData,
            FsError::Leaves { .. } | FsError::LeftOut { .. } | FsError::Link { .. } => {
                io::ErrorKind::PermissionDenied
            }
            _ => io::ErrorKind::Other,
        });
        io::Error::new(kind, error)
    }
}

/// A path between backquotes, with control characters and what is not UTF-8 escaped: names in foreign
/// trees must not reach a terminal as they are.
struct ShownPath<'a>(&'a Path);

impl fmt::Display for ShownPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::ffi::OsStrExt;
        f.write_str("`")?;
        for chunk in self.0.as_os_str().as_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || is_direction(c) {
                    write!(f, "{}", c.escape_default())?;
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str("`")
    }
}

/// Whether a character turns the direction of the text around it (Unicode's bidirectional controls).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn through(link: &Option<(PathBuf, PathBuf)>) -> String {
    match link {
        Some((link, target)) => format!(": {} is a link to {}", ShownPath(link), ShownPath(target)),
        None => String::new(),
    }
}

fn leads(target: &Option<PathBuf>) -> String {
    match target {
        Some(target) => format!(" to {}", ShownPath(target)),
        None => String::new(),
    }
}

fn first(examples: &[FsError]) -> String {
    match examples.first() {
        Some(error) => format!("; the first: {error}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_control() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let name = OsStr::from_bytes(b"a\n\x1b[31m\xff\xe2\x80\xaeb");
        assert_eq!(
            ShownPath(Path::new(name)).to_string(),
            "`a\\n\\u{1b}[31m\\xff\\u{202e}b`"
        );
    }

    #[test]
    fn errors_are_sentences() {
        let error = FsError::Leaves {
            path: "t/a/x".into(),
            tree: "t".into(),
            link: Some(("t/a".into(), "../..".into())),
        };
        assert_eq!(
            error.to_string(),
            "`t/a/x` leads out of `t`: `t/a` is a link to `../..`"
        );
        assert!(error.is_refusal() && error.hint().is_some());
        let error = FsError::Partly {
            path: "t".into(),
            what: "removed",
            failed: 2,
            examples: vec![FsError::io("remove", "t/x", Errno::PERM)],
        };
        assert_eq!(
            error.to_string(),
            "2 entries of `t` could not be removed; the first: cannot remove `t/x`: Operation not permitted (os error 1)"
        );
        assert!(!error.is_refusal());
    }
}
