//! Deterministic tar archives.
//!
//! One commit gives one sequence of bytes, whoever makes it and when: entries in git's order,
//! owner 0, modes 0664 and 0775, times from commits, no compressor time stamps. With
//! [`FileTimes::Commit`] the uncompressed bytes are exactly those of `git archive --format=tar`.

mod attributes;
mod commit;
mod compress;
mod convert;
mod dir;
mod lfs;
mod subst;
mod tar;
mod worktree;

pub use commit::archive_commit;
pub use compress::ArchiveCompression;
pub use dir::{DirTimes, archive_dir};
pub use worktree::{WorktreeState, archive_worktree, worktree_files, worktree_state};

use super::error::ScmError;
use std::{collections::HashMap, io::BufWriter, path::Path};

use rpmkit_fs::{Durability, HostDir, IfThere, PendingFile};

use compress::Packer;
pub(crate) use tar::TarWriter;

/// Looks up attributes under any rules. For [`crate::fuzz`].
pub(crate) fn look_up_attributes(text: &[u8]) {
    let rules = attributes::Attributes::new(text).descend(b"a", text);
    for path in [&b"a"[..], b"a/b.c", b"a/b/c d"] {
        let _ = rules.get(path, false).note(path);
    }
}

/// Where the modification times in an archive come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileTimes {
    /// Every entry has the archived commit's committer time, as `git archive` does.
    #[default]
    Commit,
    /// Each file has the time given here, by path inside the repository; files that are not in
    /// the map have the commit's. [`super::git::history::file_times`] makes such maps.
    Each(HashMap<Vec<u8>, i64>),
}

/// What to put in an archive, and how.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    /// The directory everything is under, without a slash at the end; empty for none.
    pub prefix: Vec<u8>,
    /// The directory of the repository that is the archive's root, without a slash at its end;
    /// empty for the whole.
    pub subdir: Vec<u8>,
    /// Modification times.
    pub times: FileTimes,
    /// Whether `export-ignore` and `export-subst` attributes are followed.
    pub attributes: bool,
    /// Whether the files of submodules go in; otherwise their directories are empty.
    pub submodules: bool,
    /// Whether a symbolic link is replaced by the file it points to.
    pub dereference: bool,
    /// Paths inside the repository that stay out, such as a result directory.
    pub exclude: Vec<Vec<u8>>,
}

impl ArchiveOptions {
    /// As `git archive --prefix=PREFIX/` does it.
    pub fn with_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Self {
            prefix: prefix.into(),
            subdir: Vec::new(),
            times: FileTimes::Commit,
            attributes: true,
            submodules: true,
            dereference: false,
            exclude: Vec::new(),
        }
    }

    /// A repository's path as the archive has it; `None` outside of the sub-directory.
    fn relative<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        if self.subdir.is_empty() {
            return Some(path);
        }
        let rest = path.strip_prefix(self.subdir.as_slice())?;
        if rest.is_empty() {
            return Some(rest);
        }
        rest.strip_prefix(b"/")
    }

    fn excludes(&self, path: &[u8]) -> bool {
        self.exclude.iter().any(|out| {
            path.strip_prefix(out.as_slice())
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        })
    }
}

/// Modes as `git archive` writes them with its default `tar.umask` of 002.
const MODE_FILE: u32 = 0o664;
const MODE_EXEC: u32 = 0o775;
const MODE_DIR: u32 = 0o775;
const MODE_LINK: u32 = 0o777;

/// Opens `dest` for an archive whose compression its name tells, lets `fill` write it, and puts
/// it in place by rename, so that a cut run leaves no half archive under the final name.
fn write_archive(
    dest: &Path,
    fill: impl FnOnce(&mut TarWriter<Packer<BufWriter<PendingFile>>>) -> Result<(), ScmError>,
) -> Result<(), ScmError> {
    let compression = ArchiveCompression::of_name(dest)?;
    let io = ScmError::io("write", dest);
    let (Some(dir), Some(name)) = (dest.parent(), dest.file_name()) else {
        return Err(io(std::io::ErrorKind::InvalidInput.into()));
    };
    // Never through a link: the archive may lie in the checkout.
    let file = HostDir::open(dir)?.replace(name, 0o666)?;
    let packed = Packer::new(BufWriter::with_capacity(1 << 17, file), compression)
        .map_err(ScmError::io("write", dest))?;
    let mut tar = TarWriter::new(packed);
    fill(&mut tar)?;
    tar.finish()
        .and_then(Packer::finish)
        .and_then(|writer| writer.into_inner().map_err(|e| e.into_error()))
        .map_err(io)?
        .commit(Durability::No, IfThere::Replace)?;
    Ok(())
}

/// Joins byte paths with a slash, leaving out empty sides.
fn join(base: &[u8], name: &[u8]) -> Vec<u8> {
    if base.is_empty() {
        return name.to_vec();
    }
    let mut out = Vec::with_capacity(base.len() + 1 + name.len());
    out.extend_from_slice(base);
    out.push(b'/');
    out.extend_from_slice(name);
    out
}

#[cfg(test)]
mod tests;
