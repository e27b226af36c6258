//! Directories by descriptor: ours ([`HostDir`]), and trees that somebody else made
//! ([`UntrustedTree`]).
//!
//! A checkout, a build, an archive, a chroot or a result directory of another user may hold any name,
//! link, pipe or device, be of any depth, and change while it is read. A path joined to such a directory
//! and handed to `std::fs` leads wherever its links lead. Here a tree is opened once, and what is in it
//! is only reached through the descriptor:
//!
//! - A link is followed while it stays in the tree ([`Links`]); one that leads out is refused, and the
//!   error names it. What is written never follows a link.
//! - A file is looked at before and after it is opened, and opened so that a pipe or device cannot
//!   make us wait; what is read has a bound.
//! - Trees are walked, copied and removed one directory at a time, with few descriptors, at any depth.
//! - A file is replaced by one way of writing only: under a temporary name, synced if asked, renamed
//!   ([`Dir::write`], [`write_file`], [`Replacement`]).
//!
//! An error ([`FsError`]) names the path as the person knows it. Control characters in names are
//! escaped in its text.
//!
//! # What it stands on
//! rustix: it has `openat2`, `getdents64` into our own buffer and every `*at` call without `unsafe`, and
//! is built anyway. cap-std 4.0 was tried: it refuses each absolute link, so chroots cannot be
//! read with it, it recurses when it removes (a descriptor a level), and it brings ten more crates.
//! pathrs 0.2 resolves as in a chroot only, so that a link out of a checkout would be bent instead of
//! refused, and has neither walk nor copy.
//!
//! # What it needs
//! Linux. openat2(2) of Linux 5.6 where there is one; else paths are resolved by hand, with the same
//! results. procfs for one thing: opening up a directory that its mode closes to us.

mod copy;
mod dir;
mod error;
mod meta;
mod names;
mod places;
mod read;
mod remove;
mod replace;
mod resolve;
mod stack;
mod temp;
mod walk;
mod write;

pub use copy::{Copied, CopyMode, CopyOptions, LinkCopy, Owner, TreeCopyOptions};
pub use dir::Dir;
pub use error::{FsError, NAMED_FAILURES, Result};
pub use meta::{EntryKind, FileId, Meta};
pub use places::{HostDir, UntrustedTree};
pub use read::Listed;
pub use remove::RemoveOptions;
pub use replace::{Durability, Replacement, WriteOptions, write_file};
pub use resolve::Links;
pub use temp::{Swept, TempDir};
pub use walk::{Entry, Walk, WalkOptions};
pub use write::IfThere;
